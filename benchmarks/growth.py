"""How the time of a trace grows with the text, with the network and with the photo."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import torch

from attention_core.models.registry import vision_classes
from attention_core.models.vision import VisionConfig, VisionModel
from benchmarks.plot import LogPanel, log_log_svg
from benchmarks.report import Section, Settings, by_device
from benchmarks.rounds import Row, Side, Spread, clock, measure
from benchmarks.text import sentence, text_model
from training.tables import table

TITLE = "Growth"
TRACE = "trace"
LAYERS, HEADS, WIDTH = 4, 8, 256  # of the text network, where these do not grow
PICTURE = "performance-growth"


def tokens(size: int, device: str) -> Side:
    model, text = text_model(LAYERS, HEADS, WIDTH, size, device), sentence(size)
    return lambda: model.trace(text)


def layers(size: int, device: str) -> Side:
    model, text = text_model(size, HEADS, WIDTH, 64, device), sentence(64)
    return lambda: model.trace(text)


def heads(size: int, device: str) -> Side:
    model, text = text_model(LAYERS, size, WIDTH, 64, device), sentence(64)
    return lambda: model.trace(text)


def side_of_photo(size: int, device: str) -> Side:
    """CBAM after each of three stages."""
    config = VisionConfig(
        "cbam",
        100,
        (32, 64, 160),
        (1, 2, 1),
        (1, 1, 1),
        (1, 1, 1, 1, 2, 4),
        stem_stride=2,
        image_size=size,
        reduction=16,
    )
    model = VisionModel(config, vision_classes()).eval().requires_grad_(False).to(device)
    photo = torch.rand(3, size, size)
    return lambda: model.trace(photo)


GROWING: dict[str, tuple[Callable[[int, str], Side], tuple[int, ...]]] = {
    "tokens": (tokens, (16, 32, 64, 128, 256)),
    "layers": (layers, (1, 2, 4, 8, 16)),
    "heads": (heads, (1, 2, 4, 8, 16)),
    "side of the photo": (side_of_photo, (32, 64, 128, 256)),
}


def measured(settings: Settings) -> Iterator[Row]:
    for device in settings.devices:
        now = clock(device, settings.threads)
        for name, (build, sizes) in GROWING.items():
            for size in sizes:
                times = measure({TRACE: build(size, device)}, settings.rounds, now)
                yield Row(f"{name}: {size}", device, times)


def points(rows: Sequence[Row], name: str) -> list[tuple[float, float]]:
    """(size, median ms) of what grows."""
    found = (row.case.rpartition(": ") for row in rows)
    return [(float(size), row.median_ms(TRACE)) for row, (of, _, size) in zip(rows, found, strict=True) if of == name]


def exponent(of: Sequence[tuple[float, float]]) -> float:
    """a of time = c · size^a, by least squares of the logarithms."""
    x, y = ([math.log(point[axis]) for point in of] for axis in (0, 1))
    mx, my = sum(x) / len(x), sum(y) / len(y)
    across = sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True))
    return across / sum((a - mx) ** 2 for a in x)


def section(rows: Sequence[Row]) -> Section:
    devices = list(dict.fromkeys(row.device for row in rows))
    pictures = {f"{PICTURE}-{device}.svg": _picture([r for r in rows if r.device == device]) for device in devices}

    def of_device(device: str) -> str:
        own = [row for row in rows if row.device == device]
        fits = [
            (name, sizes[0], sizes[-1], f"{exponent(of):.2f}", f"{exponent(of[-2:]):.2f}")
            for name, (_, sizes) in GROWING.items()
            if (of := points(own, name))
        ]
        times = [(row.case, Spread.of([1000 * second for second in row.seconds[TRACE]])) for row in own]
        return "\n\n".join(
            (
                f"Time of a whole trace. The text network has {LAYERS} layers of {HEADS} heads and is {WIDTH} wide, "
                "the text 64 tokens, where these do not grow; heads share the width. The photo network has CBAM after "
                "each of three stages. The exponent is *a* of time ∝ sizeᵃ, over all sizes and over the last step.",
                f"![Time of a trace against size]({_link(device)})",
                table(("what grows", "from", "to", "exponent", "last step"), fits),
                "Up to 256 tokens what does not depend on the length (the calls themselves, reading the weights) still "
                "counts, and the maps of each token weigh more than the attention between them: far from the square "
                "that attention grows with. Heads share the width, so that their number changes little. A photo's area "
                "is the square of its side.",
                table(("case", "ms, median (least … most)"), times),
            )
        )

    return Section(by_device(rows, {device: of_device(device) for device in devices}), pictures)


def _link(device: str) -> str:
    return f"images/{PICTURE}-{device}.svg"


def _picture(rows: Sequence[Row]) -> str:
    grown = {name: of for name in GROWING if (of := points(rows, name))}
    return log_log_svg([LogPanel(f"ms, exponent {exponent(of):.2f}", name, of) for name, of in grown.items()])
