"""Excitation profiles: the mean gates of classes, stage by stage, and this photo's gates over them."""

from __future__ import annotations

import streamlit as st
from torch import Tensor

from attention_core.errors import WeightsError
from attention_core.models.vision import VisionTrace
from ui.i18n import explain, t
from ui.inputs import networks
from ui.inputs.photo import photo_trace
from ui.photos import profiles
from ui.shell.regions import region
from ui.take_along.export import photo_export


def main() -> None:
    """Controls and a step a stage, then all stages in numbers."""
    st.title(t("profiles.title"))
    st.markdown(t("profiles.lead"))
    build = profiles.choose_build()
    photo, trace = photo_trace(build)
    try:
        means = networks.excitation_profiles(build)
    except WeightsError as error:
        st.error(explain(error), icon=":material/warning:")
        return
    predicted = profiles.named_class(trace)
    _stages(build, trace, means, predicted)
    profiles.shares_step(len(trace.stages) + 1, build)
    photo_export("profiles", build, photo, trace)


@region("classes", "by")
def _stages(build: str, trace: VisionTrace, means: dict[str, Tensor], predicted: int) -> None:
    chosen = profiles.choose_classes(trace, means[trace.stages[-1].name], predicted)
    order = profiles.choose_order()
    for number, stage in enumerate(trace.stages, start=1):
        profiles.stage_step(number, build, stage, means[stage.name], [predicted, *chosen], order)


main()
