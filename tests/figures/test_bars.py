"""Bars with a band of usual values, and two series of many channels."""

from __future__ import annotations

import numpy as np

from attention_core.figures import channel_bars
from attention_core.figures.bars import LINED
from attention_core.figures.style import FRAME


def test_bars_outside_the_band_stand_out_in_every_order() -> None:
    values, low, high = np.array([0.1, 0.5, 0.9]), np.array([0.2, 0.2, 0.2]), np.array([0.6, 0.6, 0.6])
    for order in ("index", "sorted"):
        bars, band = channel_bars(values, band=(low, high), band_name="usual", order=order).data
        outside = {
            int(channel) for channel, colour in zip(bars.customdata, bars.marker.color, strict=True) if colour == FRAME
        }
        assert outside == {0, 2}
        np.testing.assert_allclose(band.base, 0.2)
        np.testing.assert_allclose(band.y, 0.4)


def test_two_series_of_many_channels_are_bars_and_a_line() -> None:
    for C, kinds in ((LINED, ["bar", "bar"]), (LINED + 1, ["bar", "scatter"])):
        drawn = channel_bars(np.linspace(0, 1, C), second=np.linspace(1, 0, C), names=("a", "b")).data
        assert [trace.type for trace in drawn] == kinds
        np.testing.assert_allclose(drawn[1].y, np.linspace(1, 0, C))
