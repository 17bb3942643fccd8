"""What a what-if changes, in the words of the session's language; as plain text, for pages, figures and files alike."""

from __future__ import annotations

from attention_core.models.text import TextTrace
from ui.i18n import joined, t
from ui.inputs import sentence
from ui.inputs.photo_what_if import PhotoWhatIf, StageWhatIf
from ui.inputs.what_if import WhatIf
from ui.photos.steps import stage_name

_MOST_NAMED = 4  # hidden tokens, or gates, that are listed one by one


def sentence_changes(trace: TextTrace, what_if: WhatIf) -> str:
    """All changes inside the text network, one after the other. trace: of the sentence, for the names of its tokens."""
    names = sentence.names(trace)
    said = [] if what_if.scaled else [t("what_if.changes.unscaled")]
    if what_if.temperature != 1:
        said.append(t("what_if.changes.temperature", tau=f"{what_if.temperature:g}"))
    if what_if.mask != "none":
        said.append(t(f"what_if.changes.{what_if.mask}", width=what_if.width, cells=len(what_if.blocked)))
    if what_if.hidden:
        words = [t("what_if.token", token=names[p]) for p in what_if.hidden if p < len(names)]
        listed = joined("words.comma", words[:_MOST_NAMED]) + ("…" if len(words) > _MOST_NAMED else "")
        said.append(t("what_if.changes.hidden", count=len(what_if.hidden), tokens=listed))
    gates = [
        t("what_if.changes.gate", layer=layer + 1, head=head + 1, gate=f"{gate:g}")
        for layer, head, gate in what_if.gates
    ]
    if len(gates) > _MOST_NAMED:
        gates = [t("what_if.changes.gates", count=len(gates))]
    return joined("what_if.and", said + gates)


def photo_changes(what_if: PhotoWhatIf) -> str:
    """All changes inside a photo network, one after the other."""
    said = [said for name, changes in what_if.stages for said in _stage_changes(stage_name(name), changes)]
    return joined("photo_what_if.and", said)


def _stage_changes(stage: str, changes: StageWhatIf) -> list[str]:
    counts = {"strongest": changes.strongest, "weakest": changes.weakest, "cells": changes.painted}
    said = [t(f"photo_what_if.changes.{name}", stage=stage, count=count) for name, count in counts.items() if count]
    if len(changes.gates) > _MOST_NAMED:
        said.append(t("photo_what_if.changes.gates", stage=stage, count=len(changes.gates)))
    else:
        said += [
            t("photo_what_if.changes.gate", stage=stage, channel=channel, gate=f"{gate:g}")
            for channel, gate in changes.gates
        ]
    kinds = [kind for kind in (changes.order, changes.pooling) if kind not in ("channel-first", "both")]
    return said + [t(f"photo_what_if.changes.{kind}", stage=stage) for kind in kinds]
