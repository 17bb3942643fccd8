"""Which stories a trace tells, and a story as plain text: for notebooks, programs and the command line."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from attention_core.analysis.blank_out import blank_out
from attention_core.analysis.guesses import filled_in
from attention_core.analysis.importance import head_importance
from attention_core.analysis.words import alone, words
from attention_core.errors import ControlError
from attention_core.figures.style import range_text
from attention_core.models import registry
from attention_core.models.hub.encoder_decoder import EncoderDecoderTrace
from attention_core.models.hub.patches import PatchTrace
from attention_core.models.hub.text import HubTextModel
from attention_core.models.hub.vision import HubVisionTrace, StagedTrace, attention_modules
from attention_core.models.text import TextModel, TextTrace
from attention_core.models.translation import TranslationTrace
from attention_core.models.vision import VisionTrace
from attention_core.stories import head_atlas, multi_head, overview, rollout, self_attention, two_sentences
from attention_core.stories.cross_attention import Crossed, adds_bias, cross_attention_story
from attention_core.stories.head_atlas import head_atlas_story
from attention_core.stories.head_importance import Missed, guessable, wanted
from attention_core.stories.heads import Scores
from attention_core.stories.multi_head import multi_head_story, own_maps
from attention_core.stories.openings import chosen_head, chosen_patch, chosen_stage, chosen_token, opening_head
from attention_core.stories.overview import overview_story
from attention_core.stories.photo import FollowedStage
from attention_core.stories.rollout import AT_ONCE, Effects, refusal, rollout_story
from attention_core.stories.self_attention import self_attention_story
from attention_core.stories.stage import stage_story
from attention_core.stories.story import Story
from attention_core.stories.text import AS_TRAINED, Change, Followed, text_facts
from attention_core.stories.token_prediction import ONLY_SEEN, Guessing
from attention_core.stories.two_sentences import Hidden, is_pair, read_pair, two_sentences_story
from attention_core.stories.vision_transformer import vision_transformer_story
from attention_core.words import Language, Listed, Say, Words, spoken

_COLOUR = re.compile(r"\\textcolor\{#\w{6}\}")


def tell(
    reader: Any, trace: Any, *, layer: int | str | None, head: int | None, query: int | None
) -> tuple[tuple[Story, ...], Words]:
    """The stories of a trace that `reader` made, and words on what is followed.

    layer, head, query: as in `explore`; None = where the pages open. Raises `ControlError`.
    """
    if isinstance(trace, VisionTrace | HubVisionTrace):
        return _tell_stage(reader, trace, layer, head)
    crosses = isinstance(trace, EncoderDecoderTrace | TranslationTrace)
    heads = [one.weights.shape[1] for one in (trace.cross if crosses else trace.layers)]
    if isinstance(trace, PatchTrace):
        at_layer, at_head = chosen_head(heads, layer, head, (0, 0))
        patch = chosen_patch(trace, query)
        story = vision_transformer_story(trace, layer=at_layer, head=at_head, patch=patch)
        return (story,), _where(at_layer, at_head, heads)
    if crosses:
        at_layer, at_head = chosen_head(heads, layer, head, (0, 0))
        row = len(trace.target.tokens) - 1 if query is None else chosen_token(trace.target, query)
        crossed = Crossed(trace, at_layer, at_head, row, adds_bias(reader))
        return (cross_attention_story(crossed),), _where(at_layer, at_head, heads)
    at_layer, at_head = chosen_head(heads, layer, head, opening_head(trace, heads))
    token = chosen_token(trace, query)
    return tell_text(reader, trace, layer=at_layer, head=at_head, query=token), _where(at_layer, at_head, heads)


def _tell_stage(
    reader: Any, trace: StagedTrace, layer: int | str | None, head: int | None
) -> tuple[tuple[Story, ...], Words]:
    if head is not None:
        raise ControlError("explore.no_heads", "SE and CBAM have no heads; leave head out.")
    stage = trace.stages[chosen_stage(trace, layer)]
    followed = FollowedStage(trace, None, stage.name, attention_modules(reader))
    where = {"name": repr(stage.name), "names": Listed([one.name for one in trace.stages])}
    return (stage_story(followed),), Say("notebook.stage", where)


def _where(layer: int, head: int, heads: list[int]) -> Words:
    facts = {"layer": layer, "layers": len(heads), "head": head, "heads": heads[layer]}
    return Say("notebook.head", facts)


def tell_text(
    model: TextModel | HubTextModel,
    trace: TextTrace,
    *,
    layer: int,
    head: int,
    query: int,
    before: TextTrace | None = None,
    change: Change = AS_TRAINED,
    only: str | None = None,
) -> tuple[Story, ...]:
    """The stories of a sentence at one head and one token, all counted from 0; or the one with the key `only`.

    before: the same sentence as trained, where `trace` has been changed; change: what was, as `Change` has it.
    """
    followed = Followed(trace, before, layer, head, query, text_facts(model), change)
    tellers: dict[str, Callable[[], Story]] = {
        self_attention.KEY: lambda: self_attention_story(followed, _guessing(model, followed)),
        multi_head.KEY: lambda: multi_head_story(
            followed, own_maps(model, layer), scores=_scores(model), missed=_missed(model, followed)
        ),
        rollout.KEY: lambda: rollout_story(followed, _effects(model, followed)),
        overview.KEY: lambda: overview_story(followed),
        two_sentences.KEY: lambda: two_sentences_story(
            read_pair(trace, layer, head, words(trace)), measured=_scores(model), hidden=_hidden(model, followed)
        ),
        head_atlas.KEY: lambda: head_atlas_story(followed, scores=_scores(model), effects=_effects(model, followed)),
    }
    # The overview has the numbers of self-attention, and the atlas ends in the steps of rollout.
    left_out = {overview.KEY, head_atlas.KEY} | (set() if is_pair(trace) else {two_sentences.KEY})
    keys = [key for key in tellers if key not in left_out] if only is None else [only]
    return tuple(tellers[key]() for key in keys if key in tellers)


def _hidden(model: TextModel | HubTextModel, followed: Followed) -> Hidden | None:
    """The followed token's word hidden, beside the other sentence and in its own alone."""
    trace, network = followed.trace, followed.network
    word = next(word for word in words(trace) if followed.query in word.tokens)
    if not guessable(network) or word.special or followed.before is not None:
        return None
    own, positions = alone(trace, word)
    beside = filled_in(model, trace.text, trace.pair, word.tokens)
    return Hidden(word.text, beside, filled_in(model, own, None, positions))


def _scores(model: TextModel | HubTextModel) -> Scores | None:
    """What was measured of the heads, of the network that ships."""
    return registry.scores("text") if isinstance(model, TextModel) else None


def _missed(model: TextModel | HubTextModel, followed: Followed) -> Missed | None:
    """What the guess loses without each head, where that takes a single pass."""
    if not isinstance(model, TextModel) or followed.before is not None or not wanted(followed):
        return None
    trace = followed.trace
    return Missed(head_importance(model, trace.text, trace.pair, followed.query))


def _effects(model: TextModel | HubTextModel, followed: Followed) -> Effects | None:
    """What hiding each token does, of a text so short that it is a matter of seconds."""
    trace = followed.trace
    if followed.before is not None or followed.network.mask_row is None or refusal(trace) is not None:
        return None
    return Effects(blank_out(model, trace)) if len(trace.tokens) <= AT_ONCE else None


def _guessing(model: TextModel | HubTextModel, followed: Followed) -> Guessing:
    """The sentence once more with the followed token hidden, where the network guesses what is hidden."""
    trace, query, network = followed.trace, followed.query, followed.network
    if not guessable(network) or trace.tokens[query].special or trace.hidden or followed.before is not None:
        return ONLY_SEEN
    return Guessing(model.trace(trace.text, trace.pair, hide=[query]))


def story_text(story: Story, language: Language) -> str:
    """Its steps below each other: title, formulas in TeX, each quantity with its shape and range, and what to see."""
    written = []
    for number, step in enumerate(story.steps, start=1):
        if step.absent is not None:
            written.append(spoken(step.absent, language))
            continue
        formulas = (_COLOUR.sub("", formula) for formula in step.formulas)
        lines = [f"{number} · {spoken(step.title, language)}", *(f"    {formula}" for formula in formulas)]
        for name, values in step.arrays.items():
            shape = " × ".join(map(str, values.shape)) or "1"
            lines.append(f"    {name} ({shape}): {range_text(values)}")
        written.append("\n".join([*lines, f"    {spoken(step.see, language)}"]))
    return "\n\n".join(written) + "\n"
