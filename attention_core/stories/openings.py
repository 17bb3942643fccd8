"""Where a story opens: the head, the token and the stage that are followed where nobody has chosen any."""

from __future__ import annotations

from attention_core.analysis.head_roles import outstanding_heads, within_a_sentence
from attention_core.analysis.stages import most_selective
from attention_core.errors import ControlError
from attention_core.mechanisms.cbam import CBAMTrace
from attention_core.models import registry
from attention_core.models.hub.patches import PatchTrace
from attention_core.models.hub.traces import HubTextTrace
from attention_core.models.hub.vision import StagedTrace
from attention_core.models.text import TextTrace


def opening_head(trace: TextTrace, heads: list[int]) -> tuple[int, int]:
    """The head that the pages open on, in the network that ships; else the first."""
    measured = registry.scores("text")
    if isinstance(trace, HubTextTrace) or [len(layer) for layer in measured["heads"]] != heads:
        return 0, 0
    roles = outstanding_heads(measured)
    role = within_a_sentence(roles) if trace.pair is None else next(iter(roles), None)
    return (role.layer, role.head) if role else (0, 0)


def chosen_head(
    heads: list[int], layer: int | str | None, head: int | None, opening: tuple[int, int]
) -> tuple[int, int]:
    """The layer and head asked for, or those to open on. heads: of each layer. Raises `ControlError`."""
    first = opening[0] if layer is None else layer
    if not isinstance(first, int) or not 0 <= first < len(heads):
        raise ControlError(
            "explore.layer",
            f"layer is {layer!r}; expected a number from 0 to {len(heads) - 1}.",
            came=layer,
            expected=f"0 … {len(heads) - 1}",
        )
    second = head if head is not None else opening[1] if first == opening[0] else 0
    if not 0 <= second < heads[first]:
        raise ControlError(
            "explore.head",
            f"head is {head!r}; layer {first} has the heads 0 to {heads[first] - 1}.",
            came=head,
            layer=first,
            limit=heads[first] - 1,
        )
    return first, second


def chosen_stage(trace: StagedTrace, layer: int | str | None) -> int:
    """The index of a stage, by number or name; None: of the last with CBAM, or of the SE whose gates differ most."""
    names = [stage.name for stage in trace.stages]
    if layer is None:
        if any(stage.attention is None or isinstance(stage.attention, CBAMTrace) for stage in trace.stages):
            return len(names) - 1
        return names.index(most_selective(trace.stages).name)
    index = names.index(layer) if layer in names else layer
    if not isinstance(index, int) or not 0 <= index < len(names):
        raise ControlError(
            "explore.layer",
            f"layer is {layer!r}; expected a number from 0 to {len(names) - 1}, or one of {', '.join(names)}.",
            came=layer,
            expected=f"0 … {len(names) - 1}, {', '.join(names)}",
        )
    return index


def chosen_token(trace: TextTrace, query: int | None) -> int:
    """The token asked for; else the last one of a network that writes, or the first that is not special.

    Raises `ControlError` for one that is not there.
    """
    T = len(trace.tokens)
    if query is None:
        if isinstance(trace, HubTextTrace) and trace.predicts == "next":
            return T - 1
        return next((place for place, token in enumerate(trace.tokens) if not token.special), 0)
    if not 0 <= query < T:
        raise ControlError(
            "control.position",
            f"query is {query}; expected 0 … {T - 1}, a token of this text.",
            came=query,
            limit=T - 1,
        )
    return query


def chosen_patch(trace: PatchTrace, patch: int | None) -> int:
    """The patch asked for, row by row; else the one in the middle. Raises `ControlError` for one that is not there."""
    rows, columns = trace.grid
    if patch is None:
        return rows // 2 * columns + columns // 2
    if not 0 <= patch < rows * columns:
        last = rows * columns - 1
        raise ControlError(
            "control.position", f"query is {patch}; expected 0 … {last}, a patch of this photo.", came=patch, limit=last
        )
    return patch
