"""A course counts steps, keeps a running loss, and can be fitted to a time."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from training.course import Course, descend, set_rate
from training.run_folder import RunFolder


def test_it_goes_on_where_a_checkpoint_was(tmp_path: Path) -> None:
    whole, run = Course(RunFolder(tmp_path), 4, None), RunFolder(tmp_path)
    for loss in (4.0, 2.0):
        whole.take(loss, 0.1)
    assert whole.state["loss"] == pytest.approx(0.98 * 4 + 0.02 * 2)
    later = Course(run, 99, whole.state)
    assert (later.step, later.steps, later.loss, later.ended) == (2, 4, whole.loss, False)
    assert later.minutes == whole.minutes
    for loss in (1.0, 1.0):
        later.take(loss, 0.1)
    assert later.ended
    assert later.minutes >= whole.minutes


def test_every_fiftieth_step_is_logged_with_what_else_is_shown(tmp_path: Path) -> None:
    course = Course(RunFolder(tmp_path), 101, None)
    for step in range(101):
        course.take(1.0, rate=step / 10, size=32)
    lines = (tmp_path / "log.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "step,minutes,loss,size,rate"
    assert [(line.split(",")[0], *line.split(",")[3:]) for line in lines[1:]] == [
        ("50", "32", "4.9"),
        ("100", "32", "9.9"),
    ]


def test_its_length_follows_the_time(tmp_path: Path) -> None:
    course = Course(RunFolder(tmp_path), 1000, {"step": 50, "steps": 1000, "minutes": 2.0, "loss": 1.0})
    course.fit(20.0, least=200)
    assert course.steps == 500
    course.fit(1.0, least=200)
    assert course.steps == 200


def test_a_step_goes_down_a_gradient_that_is_cut() -> None:
    weight = nn.Parameter(torch.tensor([3.0, 4.0]))
    optimiser = torch.optim.SGD([weight], lr=1.0)
    set_rate(optimiser, 0.5)
    descend(optimiser, (weight * torch.tensor([30.0, 40.0])).sum(), [weight], longest_gradient=5.0)
    assert torch.allclose(weight, torch.tensor([3.0 - 0.5 * 3.0, 4.0 - 0.5 * 4.0]), atol=1e-5)
