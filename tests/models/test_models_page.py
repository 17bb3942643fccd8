"""docs/models.md: every row measured again, and the page of today's architectures."""

from __future__ import annotations

import pytest

from docs.models import (
    CLOSE,
    PAGE,
    PHOTO_VIEWS,
    PHOTOS,
    TEXT_VIEWS,
    TEXTS,
    Row,
    gated_row,
    names_in,
    patched_row,
    table,
)
from tests.models.hub_networks import DECODERS, ENCODER_DECODERS, ENCODERS
from tests.models.photo_networks import GATED, PATCHED


def works(row: Row) -> set[str]:
    return {view for view, how in row.views.items() if how != "–"}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_network_is_read_as_the_page_says(name: str) -> None:
    row = TEXTS[name](name)
    assert row.error <= CLOSE
    assert row.captured.startswith("q k v, (2 + 2 + 2) × 4" if name in ENCODER_DECODERS else "q k v, 2 × 4")
    shared = {"steps of a head", "all heads", "head view", "rollout"}
    if name in ENCODERS:
        assert works(row) == shared | {"two texts", "hidden token"} and row.views["two texts"] == "both ways"
    elif name in DECODERS:
        assert works(row) == shared | {"two texts", "generation"} and row.views["two texts"] == "back only"
    else:
        assert works(row) == shared | {"generation", "cross-attention"}


@pytest.mark.parametrize("name", PHOTOS)
def test_a_photo_network_is_read_as_the_page_says(name: str) -> None:
    row = PHOTOS[name](name)
    assert row.error <= CLOSE
    if name in GATED:
        count, _, kind = row.captured.partition(" × ")
        assert int(count) == GATED[name][0]
        assert works(row) == {"stages", "gates"} | ({"masks", "mask tried"} if kind == "CBAM" else set())
    else:
        assert name in PATCHED and row.captured.startswith("q k v") and works(row) == {"patches", "rollout"}


def test_the_page_has_a_row_for_every_architecture() -> None:
    assert len(TEXTS) >= 12 and len(PHOTOS) >= 10
    assert names_in(PAGE.read_text(encoding="utf-8")) == [*TEXTS, *PHOTOS]


def test_the_page_says_what_is_measured() -> None:
    """Two rows and the heads of both tables, but for the error, whose last digit is the machine's."""
    page = PAGE.read_text(encoding="utf-8").splitlines()
    for name, measure, views in (
        ("BertForMaskedLM", TEXTS["BertForMaskedLM"], TEXT_VIEWS),
        ("timm/cbam", gated_row, PHOTO_VIEWS),
        ("DeiT", patched_row, PHOTO_VIEWS),
    ):
        head, _, line = table([measure(name)], views)
        assert head in page
        (written,) = [one for one in page if one.startswith(f"| {name} |")]
        assert [cell for i, cell in enumerate(written.split("|")) if i != 3] == [
            cell for i, cell in enumerate(line.split("|")) if i != 3
        ]
