"""What the networks make of the sample photos, and how far these lie from each other: `python -m docs.samples`."""

from __future__ import annotations

from attention_core.analysis.contrast import stage_contrasts
from attention_core.inputs import load_image
from attention_core.inputs.samples import SAMPLE_CLASSES, sample_photo
from attention_core.models.registry import PROFILED, load_vision_model


def main() -> None:
    """One table of answers a build, and one of contrasts, the photo that differs most first."""
    for build in PROFILED:
        model = load_vision_model(build, device="cpu")
        traces = {name: model.trace(load_image(sample_photo(name))) for name in SAMPLE_CLASSES}
        for name, trace in traces.items():
            [(entry, probability)] = trace.top(1)
            print(f"{build:5} {name:9} {entry.en} {probability:.2f}")
        for stage, kinds in stage_contrasts([*traces.values()]).items():
            for kind, values in kinds.items():
                falling = sorted(zip(values.tolist(), traces, strict=True), reverse=True)
                order = ", ".join(f"{name} {value:.3f}" for value, name in falling)
                print(f"{build:5} {stage} {kind}: mean {values.mean().item():.3f}; {order}")


if __name__ == "__main__":
    main()
