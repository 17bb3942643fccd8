"""What-ifs on a photo: the value in the link, and painted numbers that are those of traces with the same controls."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from streamlit.testing.v1 import AppTest

from attention_core import load_vision_model, words
from attention_core.analysis.photo_change import DRAWS
from attention_core.analysis.stages import channel_weights
from attention_core.inputs import load_image
from attention_core.inputs.samples import sample_photo
from attention_core.models.vision import VisionTrace
from attention_core.stories.photo_what_if import AS_TRAINED, ORDERS, POOLINGS, PhotoWhatIf, StageWhatIf, read
from tests.ui.driver import decoded, figure, keys, opened, run
from ui.i18n import LANGUAGES, Language, catalogue

ROOT = Path(__file__).resolve().parents[2]
COFFEE = load_image(sample_photo("coffee"))
TRAINED = load_vision_model("cbam").trace(COFFEE)
SE_TRAINED = load_vision_model("se").trace(COFFEE)
SHAPES = {stage.name: tuple(stage.features.shape[1:]) for stage in TRAINED.stages}
SIDE = SHAPES["stage4"][1]
TOP_BLACK = "0" * SIDE + "f" * SIDE * (SIDE - 1)  # the first row of the last mask shut out


# The value


@some.composite
def stage_changes(draw: some.DrawFn, name: str) -> StageWhatIf:
    C, H, W = SHAPES[name]
    gates = draw(some.dictionaries(some.integers(0, C - 1), some.integers(0, 100), max_size=4))
    painted = draw(some.dictionaries(some.integers(0, H * W - 1), some.sampled_from("0123456789a"), max_size=6))
    cells = "".join(painted.get(i, "f") for i in range(H * W)) if painted else ""
    return StageWhatIf(
        strongest=draw(some.integers(0, C)),
        weakest=draw(some.integers(0, C)),
        gates=tuple(sorted((channel, percent / 100) for channel, percent in gates.items())),
        cells=cells,
        order=draw(some.sampled_from(ORDERS)),
        pooling=draw(some.sampled_from(POOLINGS)),
    )


@settings(max_examples=60, deadline=None)
@given(some.data())
def test_a_what_if_comes_back_from_its_link(data: some.DataObject) -> None:
    what_if = AS_TRAINED
    for name in data.draw(some.sets(some.sampled_from(sorted(SHAPES)))):
        what_if = what_if.with_stage(name, data.draw(stage_changes(name)))
    assert read(str(what_if), TRAINED) == what_if


@settings(max_examples=150, deadline=None)
@given(some.text(alphabet="stage1234.toplwgf-_~maxvi0AQ9 ", max_size=40) | some.text(max_size=20))
def test_junk_is_refused_or_means_what_it_says(written: str) -> None:
    try:
        found = read(written, TRAINED)
    except ValueError:
        return
    assert read(str(found), TRAINED) == found


@pytest.mark.parametrize(
    "written",
    [
        "",
        "stage9.top1",
        "stage4",
        "stage4.top193",
        "stage4.top1.top2",
        "stage4.top1~stage4.low1",
        "stage4.gate192-0",
        "stage4.gate0-101",
        "stage4.gate0-10.gate0-20",
        "stage4.both",
        "stage4.avg.max",
        "stage4.maskAAAA",
        "stage4.mask" + "A" * 6000,
        "stage4.mask" + base64.urlsafe_b64encode(bytes([0xBB]) * 128).decode().rstrip("="),  # b is no tenth
        "stage4.mask!",
        "none~stage4.top1",
        "stage4.top１",
    ],
)
def test_what_cannot_be_meant_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        read(written, TRAINED)


def test_links_are_short() -> None:
    full = AS_TRAINED
    for name, (_, H, W) in SHAPES.items():
        full = full.with_stage(name, StageWhatIf(cells="5" * H * W))
    assert len(str(full)) < 4000
    assert str(AS_TRAINED) == "none"
    assert str(AS_TRAINED.with_stage("stage4", StageWhatIf(cells="f" * SIDE**2).with_cells("f" * SIDE**2))) == "none"


def test_overrides_say_what_the_value_says() -> None:
    changes = StageWhatIf(strongest=1, gates=((5, 0.3),), cells=TOP_BLACK, order="spatial-first", pooling="max")
    [(name, controls)] = AS_TRAINED.with_stage("stage4", changes).overrides(TRAINED).items()
    weights = channel_weights(TRAINED.stages[-1])
    expected = torch.full_like(weights, torch.nan)
    expected[weights.argmax()], expected[5] = 0, 0.3
    assert name == "stage4" and (controls["order"], controls["pooling"]) == ("spatial-first", ("max",))
    torch.testing.assert_close(controls["gate_override"], expected, equal_nan=True)
    mask = controls["mask_override"]
    assert bool((mask[0] == 0).all()) and bool(mask[1:].isnan().all())


def test_a_gate_set_by_hand_counts_where_it_is_switched_off() -> None:
    best = int(channel_weights(TRAINED.stages[-1]).argmax())
    changes = StageWhatIf(strongest=3).with_gate(best, 0.75)
    controls = changes.controls(TRAINED.stages[-1])
    assert controls["gate_override"][best] == 0.75
    assert int((controls["gate_override"] == 0).sum()) == 2
    assert changes.with_gate(best, None).gates == ()


def test_squeeze_and_excitation_takes_the_gates_alone() -> None:
    changes = StageWhatIf(weakest=2, cells=TOP_BLACK, order="spatial-first", pooling="avg")
    kept = AS_TRAINED.with_stage("stage4", changes).with_stage("stage1", StageWhatIf(pooling="max")).fitting(SE_TRAINED)
    assert kept == AS_TRAINED.with_stage("stage4", StageWhatIf(weakest=2))


def test_digits_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="no painting"):
        StageWhatIf().with_cells("0b")


# The page


def painters(app: AppTest) -> list[Any]:
    return [component for component in app.get("bidi_component") if str(component.key).startswith("painter-")]


def check(app: AppTest, what_if: PhotoWhatIf, stage: str = "stage4", build: str = "cbam") -> VisionTrace:
    """Every step against two traces of the library: as trained, and with the same controls."""
    model = load_vision_model(build)  # type: ignore[arg-type]
    before = model.trace(COFFEE)
    after = model.trace(COFFEE, overrides=what_if.overrides(before))
    assert app.query_params["photo_if"] == str(what_if)
    pair = [next(s for s in trace.stages if s.name == stage) for trace in (before, after)]
    drawn = figure(app, "channel-weights")["data"]
    for bars, shown in zip(drawn, pair, strict=True):
        order = [int(channel) for channel in decoded(bars["customdata"])]
        np.testing.assert_allclose(decoded(bars["y"]), channel_weights(shown)[order].numpy(), atol=1e-5)
    for which, shown, trace in zip(("before", "after"), pair, (before, after), strict=True):
        maps = figure(app, f"features-{stage}-{which}")["data"][0]
        np.testing.assert_allclose(decoded(maps["z"]), shown.output[0].mean(dim=0).numpy(), atol=1e-5)
        if build == "cbam":
            mask = figure(app, f"mask-{which}")["data"][1]
            assert shown.spatial_mask is not None
            np.testing.assert_allclose(decoded(mask["z"]), shown.spatial_mask[0, 0].numpy(), atol=1e-5)
            assert (mask["zmin"], mask["zmax"]) == (0, 1)
        bars = figure(app, f"prediction-{which}")["data"][0]
        names = [label.split(" · ")[0] for label in bars["customdata"]]
        language: Language = "zh" if app.query_params["lang"] == "zh" else "en"
        expected = {getattr(entry, language): probability for entry, probability in trace.top(100)}
        np.testing.assert_allclose(decoded(bars["x"]), [expected[name] for name in names], atol=1e-5)
    return after


@pytest.mark.parametrize("language", LANGUAGES)
def test_as_trained_there_is_nothing_to_compare_and_no_reset(language: Language) -> None:
    app = opened("photo_what_if", language)
    assert app.query_params["photo_if"] == "none"
    assert app.title[0].value == catalogue(language)["photo_what_if.title"]
    assert not [key for key in ("after", "change") if f"mask-{key}" in keys(app)]
    assert not [button for button in app.button if button.key == "if-reset"]
    assert any(info.value == catalogue(language)["photo_what_if.none"] for info in app.info)


def test_channels_are_switched_off_and_one_is_set_and_reset_brings_them_back() -> None:
    app = opened("photo_what_if", "zh")
    run(app.slider(key="if-strongest-cbam-stage4").set_value(12))
    expected = AS_TRAINED.with_stage("stage4", StageWhatIf(strongest=12))
    after = check(app, expected)
    assert int((channel_weights(after.stages[-1]) == 0).sum()) >= 12
    run(app.number_input(key="channel").set_value(4))
    run(app.slider(key="if-gate-cbam-stage4-4").set_value(0.35))
    check(app, AS_TRAINED.with_stage("stage4", StageWhatIf(strongest=12, gates=((4, 0.35),))))
    banner = next(w.value for w in app.warning if words.plain("0.35") in w.value)
    assert "12" in banner and "4" in banner
    run(app.button(key="if-release").click())
    check(app, expected)
    run(app.button(key="if-reset").click())
    assert app.query_params["photo_if"] == "none"
    assert "mask-after" not in keys(app)
    assert app.slider(key="if-strongest-cbam-stage4").value == 0


def test_order_and_pooling_of_an_early_stage_move_the_later_ones() -> None:
    app = opened("photo_what_if", "en", stage="stage1")
    run(app.segmented_control(key="if-order-cbam-stage1").set_value("spatial-first"))
    run(app.segmented_control(key="if-pooling-cbam-stage1").set_value("max"))
    after = check(app, AS_TRAINED.with_stage("stage1", StageWhatIf(order="spatial-first", pooling="max")), "stage1")
    drawn = decoded(figure(app, "features-stage4-after")["data"][0]["z"])
    np.testing.assert_allclose(drawn, after.stages[-1].output[0].mean(dim=0).numpy(), atol=1e-5)
    assert any(r"\text{max}" in formula.value and "mean" not in formula.value for formula in app.latex)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_painted_mask_comes_back_from_a_link(language: Language) -> None:
    what_if = AS_TRAINED.with_stage("stage4", StageWhatIf(cells=TOP_BLACK))
    app = opened("photo_what_if", language, photo_if=str(what_if))
    check(app, what_if)
    change = figure(app, "mask-change")["data"][0]
    assert (change["zmin"], change["zmax"]) == (-1, 1)
    assert bool((decoded(change["z"])[1:] == 0).all())
    [painter] = painters(app)
    data = json.loads(painter.proto.json)
    assert data["cells"] == TOP_BLACK
    mask = TRAINED.stages[-1].spatial_mask
    assert mask is not None  # an erased cell goes back to this
    np.testing.assert_allclose(data["computed"], mask.flatten().numpy(), atol=1e-3)


def test_a_link_that_means_nothing_is_said_so() -> None:
    app = opened("photo_what_if", "en", photo_if="stage4.maskAAAA")
    assert app.query_params["photo_if"] == "none"
    assert any("photo_if" in info.value for info in app.info)


def test_squeeze_and_excitation_has_gates_and_keeps_the_rest_of_a_link() -> None:
    changes = StageWhatIf(weakest=30, pooling="max")
    app = opened("photo_what_if", "en", build="se", photo_if=str(AS_TRAINED.with_stage("stage4", changes)))
    assert "mask-before" not in keys(app)
    assert not painters(app)
    assert any(info.value == catalogue("en")["photo_what_if.not_here"] for info in app.info)
    run(app.slider(key="if-weakest-se-stage4").set_value(20))
    kept = AS_TRAINED.with_stage("stage4", StageWhatIf(weakest=20, pooling="max"))
    assert app.query_params["photo_if"] == str(kept)
    app.query_params["photo_if"] = str(kept.fitting(SE_TRAINED))
    check(run(app), kept.fitting(SE_TRAINED), build="se")


@pytest.mark.parametrize("field", ["top", "low"])
def test_channels_that_are_off_by_rank_stand_beside_random_ones(field: str) -> None:
    model = load_vision_model("se")
    first = int(model.trace(COFFEE).logits.argmax())
    drawn = []
    for seed in range(DRAWS):
        gates = torch.full((192,), torch.nan)
        gates[torch.randperm(192, generator=torch.Generator().manual_seed(seed))[:48]] = 0.0
        drawn.append(model.trace(COFFEE, overrides={"stage4": {"gate_override": gates}}).probabilities[first].item())
    app = opened("photo_what_if", build="se", stage="stage4", photo_if=f"stage4.{field}48")
    said = "\n".join(text.value for text in app.markdown)
    first, *verdicts = words.catalogue("en")["photo.random"]
    values = {"low": min(drawn), "high": max(drawn), "mean": sum(drawn) / len(drawn), "draws": len(drawn)}
    assert first.say.format(**values) in said
    assert sum(verdict.say in said for verdict in verdicts) == 1
    other = opened("photo_what_if", build="se", stage="stage4", photo_if=f"stage4.{field}48.gate3-50")
    assert not any("**As a control" in text.value for text in other.markdown)  # nothing to compare that with
