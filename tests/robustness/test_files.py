"""Whatever is uploaded: accepted and right, or refused in words; `python -m benchmarks.robustness` tries many more."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from attention_core.errors import InputError
from attention_core.inputs import load_image
from tests.inputs.refusals import refused_at
from tests.robustness.files import DAMAGE, KINDS, READ, hostile, photo, repainted_jpeg, saved, sound
from tests.robustness.readings import ACCEPTED, readings

SOUND = [(kind, name, data) for kind in READ for name, data in sound()[kind]]
# How the pictures of `sound` differ from the photo that they were made from.
TURNED = {("JPEG", "turned"): 3, ("PNG", "turned"): 1, ("WebP", "turned"): 2}  # quarter turns to the left
OTHERWISE = {"one bit", "alpha", "transparent colour", "16 bits", "packed"}  # not the photo itself


def refused(data: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        load_image(data)
    return caught.value


@pytest.mark.parametrize(("kind", "name", "data"), SOUND, ids=[f"{kind}-{name}" for kind, name, _ in SOUND])
def test_sound_files_are_read_right(kind: str, name: str, data: bytes) -> None:
    image = load_image(data)
    turns = TURNED.get((kind, name), 0)
    assert image.size == ((30, 40) if turns % 2 else (40, 30))
    if name not in OTHERWISE:
        found, expected = (np.asarray(each.convert("L"), dtype=float) for each in (image, photo()))
        assert np.abs(np.rot90(found, -turns) - expected).mean() < 12


def test_damaged_files_are_read_or_refused_in_words() -> None:
    found = readings("damaged", count=2400)
    assert len(found) == 2400
    assert {(one.kind, one.way) for one in found} == {(kind, way) for kind in KINDS for way in DAMAGE}
    accepted = [one for one in found if one.photo == ACCEPTED]
    assert {one.kind for one in accepted} >= set(READ)
    assert len(accepted) > 400
    assert any(one.clip == ACCEPTED for one in found)
    assert max(one.megabytes for one in found) < 600


HOSTILE = hostile()


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_before_they_are_decoded(name: str) -> None:
    data, key = HOSTILE[name]
    error, peak = refused_at(refused, data)
    assert error.key == key
    assert peak < len(data) + 3_000_000


def test_a_progressive_photo_has_far_fewer_scans_than_the_limit() -> None:
    assert load_image(saved(photo(), "JPEG", progressive=True)).size == (40, 30)
    assert load_image(repainted_jpeg(40, 64, 48)).size == (64, 48)
    assert refused(repainted_jpeg(51, 64, 48)).values == {"came": "JPEG", "limit": 50}
