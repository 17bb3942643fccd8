"""The mean of a run's weights and those that it went on from: `python -m training.average --run runs/text-3 …`.

After further training on other shares of the data, the weights between start and end are often better on both than
either (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models").
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from training.run_folder import ASSETS, RunFolder, checksum, hardware, ship
from training.text import LENGTH, TOKENIZER, prepared
from training.text_data import split


def averaged(start: Mapping[str, Tensor], end: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """(1 − share) · start + share · end, tensor by tensor."""
    return {name: tensor.lerp(end[name], share) for name, tensor in start.items()}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m training.average", description=__doc__)
    parser.add_argument("--start", type=Path, required=True, help="folder of the text run that --run went on from")
    parser.add_argument("--run", type=Path, required=True, help="folder of the finished text run")
    parser.add_argument("--share", type=float, default=0.5, help="of the run's own weights in the mean")
    parser.add_argument("--threads", type=int, default=1, help="that the runs had, for the manifest")
    options = parser.parse_args()
    start, end = (RunFolder(folder).load() for folder in (options.start, options.run))
    if start is None or end is None:
        parser.error("a run folder has no checkpoint.pt.")
    _, pairs = prepared(Path(), options.run, len(end["model"]["output_bias"]))
    tokenizer = ASSETS / "text" / "tokenizer.json"
    tokenizer.write_bytes((options.run / TOKENIZER).read_bytes())
    before = end.get("before", dict.fromkeys(LENGTH, 0))
    ship(
        averaged(start["model"], end["model"], options.share),
        ASSETS / "text" / "bilingual.safetensors",
        {
            "config": end["config"],
            "tokenizer": {"file": tokenizer.name, "sha256": checksum(tokenizer)},
            "training": {
                "pairs": len(split(pairs)[0]),
                "steps": end["step"] + before["steps"],
                "minutes": round(end["minutes"] + before["minutes"], 1),
                "loss": round(end["loss"], 3),
                "averaged": options.share,
                "threads": options.threads,
                "hardware": hardware("cpu"),
            },
        },
    )


if __name__ == "__main__":
    main()
