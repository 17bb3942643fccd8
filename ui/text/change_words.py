"""What a what-if changes in the text network, in the words of the session's language; as plain text, for all doors."""

from __future__ import annotations

from attention_core.models.text import TextTrace
from ui.i18n import joined, t
from ui.inputs import sentence
from ui.inputs.what_if import WhatIf

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
