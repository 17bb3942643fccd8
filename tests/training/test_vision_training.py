"""The photo networks' training: recipe, exact resumption, several side by side, and training further."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from attention_core.models.insertion import insert_attention
from attention_core.models.vision import VisionConfig, VisionModel
from tests.training.stopping import assert_same, train
from training import auxiliary, evaluate, seeds, vision, vision_data, weight_average


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (8, 3, 64, 64), dtype=torch.uint8, generator=generator)
    cache = tmp_path / "photos.pt"
    torch.save({"images": images, "labels": torch.arange(8)}, cache)
    return cache


def options(folder: Path, cache: Path, build: str, *more: str) -> list[str]:
    short = ["--epochs", "2", "--batch", "2"]
    return ["--run", str(folder), "--cache", str(cache), "--builds", build, "--seeds", "1", *short, *more]


@pytest.mark.parametrize("build", ["plain", "se", "cbam"])
def test_a_run_goes_on_exactly_where_it_stopped(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch, build: str
) -> None:
    name = f"{build}-1"
    straight_options, resumed_options = (options(tmp_path / run, photos, build) for run in ("straight", "resumed"))
    straight = train(vision.main, straight_options, monkeypatch, tmp_path, run=name)
    half = train(vision.main, resumed_options, monkeypatch, tmp_path, stop_after=3, run=name)
    assert (half["step"], half["steps"]) == (3, 8)
    resumed = train(vision.main, resumed_options, monkeypatch, tmp_path, run=name)
    assert_same(straight, resumed)
    kind, scored = evaluate.vision_checkpoint(tmp_path / "resumed" / name / "checkpoint.pt", "cpu")
    assert kind == build
    assert_same(dict(scored.state_dict()), straight["average"])
    [run] = seeds.seed_runs(tmp_path / "resumed")
    assert (run.build, run.seed, run.config) == (build, 1, scored.config)
    assert run.result["source"] == "by `python -m training.vision`"
    for key, tensor in load_file(run.weights).items():
        torch.testing.assert_close(tensor.float(), straight["average"][key].float(), rtol=1e-3, atol=1e-3)


def test_several_go_side_by_side_and_see_the_same_photos(tmp_path: Path, photos: Path, capfd: object) -> None:
    folder = tmp_path / "all"
    arguments = ["--cache", str(photos), "--epochs", "1", "--batch", "4", "--device", "cpu", "--threads", "1"]
    vision.side_by_side(["--run", str(folder), *arguments], [("plain", 0), ("se", 0)], folder)
    assert [(run.build, run.seed) for run in seeds.seed_runs(folder)] == [("plain", 0), ("se", 0)]


def test_a_training_that_fails_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"plain-0 failed: see output\.txt"):
        vision.side_by_side(["--run", str(tmp_path), "--cache", str(tmp_path / "none.pt")], [("plain", 0)], tmp_path)
    assert (tmp_path / "plain-0" / "output.txt").read_text(encoding="utf-8")


def test_a_network_is_trained_further_with_classifiers_that_are_dropped(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(vision.main, options(tmp_path / "first", photos, "cbam"), monkeypatch, tmp_path, run="cbam-1")
    start = tmp_path / "first" / "cbam-1.safetensors"
    further = ["--start", str(start), "--auxiliary", "0.3", "--reflect", "--rate", "0"]
    for run in ("straight", "resumed"):
        stop = 3 if run == "resumed" else None
        done = train(
            vision.main, options(tmp_path / run, photos, "cbam", *further), monkeypatch, tmp_path, stop, run="cbam-1"
        )
    resumed = train(
        vision.main, options(tmp_path / "resumed", photos, "cbam", *further), monkeypatch, tmp_path, run="cbam-1"
    )
    straight = torch.load(tmp_path / "straight" / "cbam-1" / "checkpoint.pt", weights_only=True)
    assert done["step"] == 3
    assert_same(straight, resumed)
    [run] = seeds.seed_runs(tmp_path / "resumed")
    assert run.config.borders == ("reflect", "reflect", "reflect", "zeros")
    model = seeds.load_seed(run, "cpu")
    assert [part.spatial.conv.padding_mode for part in model.attentions] == list(run.config.borders)
    assert run.recipe["auxiliary"] == 0.3 and run.recipe["start"] == "cbam-1.safetensors"
    before = load_file(start)
    for key, tensor in load_file(run.weights).items():  # at a rate of 0 the weights stay; the norms' statistics move
        assert "running" in key or "num_batches" in key or torch.equal(tensor, before[key]), key


def test_a_start_that_is_not_there_is_named(tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="is not there: --start takes a file of weights"):
        train(
            vision.main,
            options(tmp_path, photos, "se", "--start", str(tmp_path / "nothing.safetensors")),
            monkeypatch,
            tmp_path,
        )


def test_photos_are_small_first_and_larger_later() -> None:
    sides = [vision.side_at(step, 20) for step in (0, 7, 8, 14, 15, 19, 20)]
    assert sides == [32, 32, 48, 48, 56, 56, 56]
    assert vision.side_at(0, 20, vision.FURTHER_SIDES) == 56


def test_the_recipe_is_41_epochs_of_97_batches() -> None:
    schedule = vision.Schedule()
    assert int(schedule.epochs * (50_000 // schedule.batch)) == 3977
    assert (schedule.peak, vision.Schedule(batch=128).peak, vision.Schedule(rate=0.06).peak) == (0.25, 0.0625, 0.06)


def test_nothing_inside_attention_decays() -> None:
    cbam = VisionModel(VisionConfig("cbam", 3))
    inserted = insert_attention(VisionModel(VisionConfig("plain", 3)), "se", ("stages.0.0.norm2",))
    for model in (cbam, inserted):
        decayed, kept = vision.parameter_groups(model)
        assert (decayed["weight_decay"], kept["weight_decay"]) == (5e-4, 0)
        names = {id(parameter): name for name, parameter in model.named_parameters()}
        assert len(decayed["params"]) + len(kept["params"]) == len(names)
        assert all(parameter.dim() > 1 for parameter in decayed["params"])
        assert not any("attention" in names[id(parameter)] for parameter in decayed["params"])
        assert any("attention" in names[id(parameter)] and parameter.dim() > 1 for parameter in kept["params"])
        assert any(names[id(parameter)].endswith("classifier.weight") for parameter in decayed["params"])


def test_mixed_labels_count_by_their_share() -> None:
    logits, labels, others = torch.randn(4, 3), torch.tensor([0, 1, 2, 0]), torch.tensor([1, 1, 0, 2])
    own, other = vision.label_loss(labels, others, 1.0)(logits), vision.label_loss(others, labels, 1.0)(logits)
    torch.testing.assert_close(vision.label_loss(labels, others, 0.25)(logits), 0.25 * own + 0.75 * other)


def test_a_box_comes_from_the_photo_before() -> None:
    images = torch.arange(3.0).view(3, 1, 1, 1).expand(3, 3, 10, 10).contiguous()
    shares = []
    for seed in range(200):
        mixed, own = vision_data.cut_mixed(images, torch.Generator().manual_seed(seed))
        from_before = mixed[1, 0] == 0  # photo 1 takes its box from photo 0
        assert 1 - from_before.float().mean().item() == pytest.approx(own)
        rows, columns = from_before.any(dim=1).sum(), from_before.any(dim=0).sum()
        assert int(rows * columns) == int(from_before.sum())  # one box
        assert bool((mixed[0, 0][from_before] == 2).all())  # and photo 0 from the last
        shares.append(own)
    assert 0.5 < sum(shares) / 200 < 0.8  # half of the area on average, less what lies beyond the rim


def test_augmented_photos_keep_size_and_range_and_differ() -> None:
    images = torch.randint(0, 256, (3, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    for size in (32, 56):
        first, again, other = (vision_data.augmented(images, size, torch.Generator().manual_seed(s)) for s in (1, 1, 2))
        assert first.shape == (3, 3, size, size)
        assert first.min() >= 0 and first.max() <= 1
        assert torch.equal(first, again) and not torch.equal(first, other)


def test_the_mean_of_weights_by_hand() -> None:
    assert [weight_average.factor(step) for step in (0, 8, 10_000)] == [0.1, 0.5, 0.998]
    model = nn.BatchNorm1d(1)
    average = weight_average.WeightAverage(model)
    with torch.no_grad():
        model.weight.fill_(3.0)  # from 1
        model.running_mean.fill_(2.0)  # type: ignore[union-attr]
        model.num_batches_tracked.fill_(7)  # type: ignore[union-attr]
    average.update(model, 8)  # half of each
    assert average.state["weight"].item() == pytest.approx(2.0)
    assert average.state["running_mean"].item() == pytest.approx(1.0)
    assert average.state["num_batches_tracked"].item() == 7


def test_auxiliary_losses_are_those_of_the_mask_weighted_means() -> None:
    torch.manual_seed(0)
    model = VisionModel(VisionConfig("cbam", 3, (4, 6, 8), (1, 2, 1), (1, 1, 1), (1,) * 6, image_size=16)).eval()
    extra = auxiliary.Auxiliary(model, 0.5)
    images, labels = torch.rand(2, 3, 16, 16), torch.tensor([0, 2])

    def loss_of(logits: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(logits, labels)

    own, others = extra.losses(model, images, loss_of)
    torch.testing.assert_close(own, loss_of(model(images)))
    expected = []
    for linear, stage in zip(extra.classifiers, model.stage_traces(images)[:-1], strict=True):
        mask = stage.spatial_mask
        expected.append(loss_of(linear(stage.output.sum(dim=(2, 3)) / mask.sum(dim=(2, 3)))))  # type: ignore[union-attr]
    torch.testing.assert_close(others, 0.5 * (expected[0] + expected[1]) / 2)
    assert not math.isnan(others.item())


def test_finished_runs_are_listed(tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(vision.main, options(tmp_path / "runs", photos, "plain"), monkeypatch, tmp_path, run="plain-1")
    told = json.loads((tmp_path / "runs" / "runs.json").read_text(encoding="utf-8"))
    assert set(told) == {"plain-1"}
    assert told["plain-1"]["recipe"]["widths"] == [32, 64, 128, 192]
    assert told["plain-1"]["result"]["steps"] == 8
