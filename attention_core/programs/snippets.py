"""Programs that compute the numbers on a page anew, with this library alone, and compare."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from attention_core.analysis.mask_trial import TriedKind, TriedMap
from attention_core.analysis.masks import blocked_cells, causal_mask, window_mask
from attention_core.mechanisms.cbam import CBAMTrace
from attention_core.mechanisms.squeeze_excitation import SqueezeExcitationTrace
from attention_core.models.hub.vision import StagedTrace
from attention_core.models.overrides import Overrides
from attention_core.models.text import TextTrace
from attention_core.models.vision import ClassifiedPhoto

Gate = tuple[int, int, float]  # layer, head, multiplier
Box = tuple[int, int, int, int]  # left, top, right, bottom
SHIPPED_NETWORK = 'load_text_model("bilingual")'
ARCHIVE = "attention-explorer.npz"
TOLERANCE = 1e-4  # another processor rounds otherwise
AREA_TOLERANCE = 1e-3  # and pixels whose values are nearly equal may change places


def text_snippet(
    trace: TextTrace,
    *,
    layer: int,
    head: int,
    query: int | None,
    scale: float | None = None,
    temperature: float = 1.0,
    mask: Tensor | None = None,
    gates: Sequence[Gate] = (),
    network: str = SHIPPED_NETWORK,
    story: str | None = None,
    language: str = "en",
) -> str:
    """A program for one head's row of weights and the predictions at `query`; for None, what each token receives.

    scale … gates: the what-if that `trace` was made with; what is hidden stands in the trace. network: the call that
    loads what it was made by. story: the key of the one that the program tells in the end, in `language`.
    """
    imports, setting_up, controls, change = [], [], [], []
    if trace.hidden:
        controls.append(f"hide={sorted(trace.hidden)!r}")
    if scale is not None:
        controls.append(f"scale={scale!r}")
        change.append("scaled=False")
    if temperature != 1:
        controls.append(f"temperature={temperature!r}")
        change.append(f"temperature={temperature!r}")
    if mask is not None:
        made, function = _mask(mask)
        imports.append(f"from attention_core.analysis.masks import {function}")
        setting_up.append(f"mask = {made}")
        controls.append("mask=mask")
        change.append("mask=mask")
    if gates:
        heads = [attention.weights.shape[1] for attention in trace.layers]
        setting_up.append(f"gates = [torch.ones(heads) for heads in {heads}]")
        setting_up += [f"gates[{row}][{column}] = {gate!r}" for row, column, gate in gates]
        controls.append("head_gates=gates")
        change.append(f"gate=gates[{layer}][{head}].item()")
    given = [repr(trace.text), repr(trace.pair)]
    arguments = ", ".join([*given, *controls])
    told: list[str] = []
    if story is not None and query is not None:
        imports.append("from attention_core.stories.telling import story_text, tell_text")
        place = [f"layer={layer}, head={head}, query={query}, only={story!r}"]
        if controls:
            imports.append("from attention_core.stories.text import Change")
            place += [f"before=model.trace({', '.join(given)})", f"change=Change({', '.join(change)})"]
        told = [
            "",
            "# And as the page tells it, step by step:",
            "stories = tell_text(",
            *(f"    {part}," for part in ("model, trace", *place)),
            ")",
            "for story in stories:",
            f"    print(story_text(story, {language!r}))",
        ]
    lines = [
        "import torch",
        "",
        "import attention_core as ac",
        *sorted(imports),
        "",
        f"model = ac.{network}",
        *setting_up,
        f"trace = model.trace({arguments})",
        "print([token.text for token in trace.tokens])",
        "",
        *(_received(trace, layer, head) if query is None else _row(trace, layer, head, query)),
        *told,
    ]
    return "\n".join(lines) + "\n"


def _row(trace: TextTrace, layer: int, head: int, query: int) -> list[str]:
    predictions = trace.predictions(query)
    lines = [
        f"# Counted from 0: layer {layer}, head {head}, query token {query}, {trace.tokens[query].text!r}.",
        f"weights = trace.layers[{layer}].weights[0, {head}, {query}].cpu()",
        'print("weights", weights)',
        *compared("weights", trace.layers[layer].weights[0, head, query]),
    ]
    if not predictions:
        return lines
    return [
        *lines,
        "",
        f"predictions = trace.predictions({query})",
        'print("predictions", predictions)',
        f"# As shown, of {[word for word, _ in predictions]}:",
        "probabilities = torch.tensor([probability for _, probability in predictions])",
        *compared("probabilities", torch.tensor([probability for _, probability in predictions])),
    ]


def _received(trace: TextTrace, layer: int, head: int) -> list[str]:
    return [
        f"# Counted from 0: layer {layer}, head {head}. What each token receives from a query, on average.",
        f"received = trace.layers[{layer}].weights[0, {head}].mean(dim=0).cpu()",
        'print("received", received)',
        *compared("received", trace.layers[layer].weights[0, head].mean(dim=0)),
    ]


def compared(name: str, values: Tensor) -> list[str]:
    """Lines that compare the variable `name` with what the page showed."""
    return [
        f"shown = torch.tensor({_listed(values)})",
        f"assert torch.allclose({name}, shown, atol={TOLERANCE}), ({name} - shown).abs().max()",
    ]


def _mask(mask: Tensor) -> tuple[str, str]:
    """The call that makes a mask, as short as can be, and the name of its function."""
    T = len(mask)
    if torch.equal(mask, causal_mask(T)):
        return f"causal_mask({T})", "causal_mask"
    width = max((int(j) - int(i) for i, j in mask.nonzero().tolist()), default=0)
    if torch.equal(mask, window_mask(T, max(width, 0))):
        return f"window_mask({T}, {width})", "window_mask"
    return f"mask_without({T}, {list(blocked_cells(mask))!r})", "mask_without"


def photo_snippet(
    trace: StagedTrace,
    *,
    network: str,
    stage: int | None,
    sample: str | None,
    box: Box | None = None,
    overrides: Overrides | None = None,
    archive: str = ARCHIVE,
) -> str:
    """A program for one stage's channel weights, its spatial mask where it has one, and the predictions.

    network: the call that loads what `trace` was made by. stage: None for all of them. sample: name of the sample
    photo; None for a photo of one's own, whose square is then read from the NPZ file. box: the square of the photo,
    where it is not the one in the middle. overrides: what `trace` was made with. archive: the name of the NPZ file.
    """
    imports, photo = seen_photo(sample, box, archive)
    setting_up, written = _overrides(overrides or {})
    controls = ["overrides = {", *written, "}"] if written else []
    stages = range(len(trace.stages)) if stage is None else (stage,)
    lines = [
        *imports,
        "",
        f"model = ac.{network}",
        *photo,
        *setting_up,
        *controls,
        f"trace = model.trace(photo{', overrides=overrides' if controls else ''})",
        "",
        *(line for number in stages for line in _attention(trace, number)),
        *best_classes(trace),
    ]
    return "\n".join(lines) + "\n"


def seen_photo(sample: str | None, box: Box | None, archive: str) -> tuple[list[str], list[str]]:
    """The imports of a program about a photo, and the lines that open it; as in `photo_snippet`."""
    if sample is None:
        return ["import numpy as np", "import torch", "", "import attention_core as ac"], [
            "# The photo itself stays with whoever took it; what the network saw of it is in the file of all arrays.",
            f'photo = torch.from_numpy(np.load({archive!r})["image"])',
        ]
    core = ["import attention_core as ac", "from attention_core.inputs.samples import sample_photo"]
    return ["import torch", "", *core], [
        f"photo = ac.load_image(sample_photo({sample!r}))" + (f".crop({box!r})" if box else "")
    ]


def best_classes(trace: ClassifiedPhoto) -> list[str]:
    """Lines for the five likeliest classes."""
    return [
        "best = trace.top(5)",
        "print([(entry.en, round(probability, 4)) for entry, probability in best])",
        "probabilities = torch.tensor([probability for _, probability in best])",
        *compared("probabilities", torch.tensor([probability for _, probability in trace.top(5)])),
    ]


def trial_snippet(tried: Mapping[TriedKind, TriedMap], stage: str) -> str:
    """What follows `photo_snippet` on a page that tries the mask of a stage: the areas under all curves."""
    areas = {kind: [_mean(each.deletion_areas), _mean(each.insertion_areas)] for kind, each in tried.items()}
    lines = [
        "",
        "# The areas under the deletion and the insertion curve, in the order of the mask and of the other maps.",
        "from attention_core.analysis.mask_trial import try_map",
        "",
        "areas = {",
        *(f'    "{kind}": {shown},' for kind, shown in areas.items()),
        "}",
        "for kind, shown in areas.items():",
        f'    tried = try_map(model, trace, "{stage}", kind)',
        "    found = [tried.deletion_areas.mean().item(), tried.insertion_areas.mean().item()]",
        "    print(kind, [round(area, 4) for area in found])",
        f"    assert max(abs(a - b) for a, b in zip(found, shown)) < {AREA_TOLERANCE}, (kind, found, shown)",
    ]
    return "\n".join(lines) + "\n"


def _mean(areas: Tensor) -> float:
    return round(areas.mean().item(), 6)


def _overrides(overrides: Overrides) -> tuple[list[str], list[str]]:
    """The lines that make the tensors of an override, and the lines of the dictionary that they stand in."""
    making, lines = [], []
    for stage, controls in overrides.items():
        written = []
        for control, value in controls.items():
            if isinstance(value, Tensor):
                name = re.sub(r"\W", "_", f"{stage}_{control.removesuffix('_override')}")
                making += _partly_set(name, value)
                written.append(f'"{control}": {name}')
            else:
                written.append(f'"{control}": {value!r}')
        lines.append(f'    "{stage}": {{{", ".join(written)}}},')
    return making, lines


def _partly_set(name: str, values: Tensor) -> list[str]:
    """Lines that make a tensor which is NaN wherever the network's own number stays."""
    flat = values.flatten()
    places: dict[float, list[int]] = {}
    for place in (~flat.isnan()).nonzero().flatten().tolist():
        places.setdefault(flat[place].item(), []).append(place)
    lines = [f"{name} = torch.full({tuple(values.shape)}, torch.nan)  # NaN: as computed"]
    return lines + [f"{name}.view(-1)[{where}] = {value:.6g}" for value, where in sorted(places.items())]


def _attention(trace: StagedTrace, stage: int) -> list[str]:
    attention = trace.stages[stage].attention
    shown: list[tuple[str, str, Tensor]] = []
    if isinstance(attention, SqueezeExcitationTrace):
        shown = [("channel weights", "attention.weights[0]", attention.weights[0])]
    elif isinstance(attention, CBAMTrace):
        rows = attention.spatial.mask[0, 0].mean(dim=1)
        shown = [
            ("channel weights", "attention.channel.weights[0]", attention.channel.weights[0]),
            ("spatial mask, the mean of each row", "attention.spatial.mask[0, 0].mean(dim=1)", rows),
        ]
    lines = [f"attention = trace.stages[{stage}].attention  # counted from 0"]
    for name, expression, values in shown:
        lines += [
            f"computed = {expression}.cpu()  # {name}",
            "print(computed)",
            *compared("computed", values),
            "",
        ]
    return lines


def _listed(values: Tensor) -> str:
    return "[" + ", ".join(f"{value:.6g}" for value in values.tolist()) + "]"
