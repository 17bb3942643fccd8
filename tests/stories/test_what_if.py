"""What a what-if says of itself: every change that it makes, in both languages, and none that it does not."""

from __future__ import annotations

import pytest

from attention_core import load_text_model
from attention_core.stories.photo_what_if import PhotoWhatIf, StageWhatIf
from attention_core.stories.what_if import AS_TRAINED, MOST_TOLD, WhatIf
from attention_core.words import LANGUAGES, Language, spoken


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_change_of_a_sentence_is_said(language: Language) -> None:
    tokens = load_text_model().trace("猫吃鱼，猫睡。").tokens

    def said(what_if: WhatIf) -> str:
        return spoken(what_if.said(tokens), language)

    assert said(AS_TRAINED) == ""
    changes = [
        WhatIf(scaled=False),
        WhatIf(temperature=0.5),
        WhatIf(mask="causal"),
        WhatIf(mask="window", width=3),
        WhatIf(mask="custom", blocked=((0, 1), (1, 0))),
        WhatIf(hidden=(1,)),
        WhatIf(gates=((0, 2, 0.25),)),
    ]
    each = [said(change) for change in changes]
    assert len({*each}) == len(each) and all(each)
    for text, number in zip(each[1:], ("0.5", "", "3", "2", "1", "0.25"), strict=True):
        assert number in text
    both = said(WhatIf(scaled=False, hidden=(1,)))
    assert each[0] in both and each[5] in both
    assert tokens[1].text in each[5]
    places = tuple(place for place, token in enumerate(tokens) if not token.special)
    assert len(places) > MOST_TOLD and "…" in said(WhatIf(hidden=places)) and "…" not in said(WhatIf(hidden=places[:4]))
    gates = tuple((0, head, 0.5) for head in range(MOST_TOLD + 1))
    assert str(len(gates)) in said(WhatIf(gates=gates))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_change_of_a_stage_is_said_with_its_name(language: Language) -> None:
    assert spoken(PhotoWhatIf().said, language) == ""
    changes = {
        "7": StageWhatIf(strongest=7),
        "8": StageWhatIf(weakest=8),
        "0.25": StageWhatIf(gates=((5, 0.25),)),
        "6": StageWhatIf(gates=tuple((channel, 0.5) for channel in range(6))),
        "3": StageWhatIf(cells="f0a5"),
        "": StageWhatIf(order="spatial-first"),
    }
    for number, change in changes.items():
        ours = spoken(PhotoWhatIf((("stage2", change),)).said, language)
        theirs = spoken(PhotoWhatIf((("blocks.1.se", change),)).said, language)
        assert number in ours and "blocks.1.se" in theirs and "stage2" not in ours
    two = PhotoWhatIf((("stage1", StageWhatIf(pooling="avg")), ("stage2", StageWhatIf(pooling="max"))))
    for name, change in two.stages:
        assert spoken(PhotoWhatIf(((name, change),)).said, language) in spoken(two.said, language)
