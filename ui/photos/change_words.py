"""What a what-if changes in a photo network, in the words of the session's language; as plain text, for all doors."""

from __future__ import annotations

from ui.i18n import joined, t
from ui.inputs.photo_what_if import PhotoWhatIf, StageWhatIf
from ui.photos.steps import stage_name

_MOST_NAMED = 4  # gates that are listed one by one


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
