"""How far a training is: its step in a schedule of so many, the time that it took, and its running loss.

What every training does alike at a step stands here; what it learns from and by, in its own module.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from training.run_folder import RunFolder

LOGGED = 50  # steps between two lines of the log
KEPT = 0.98  # of the running loss at a step


class Course:
    """Counts the steps of a run, in its log and on the terminal. steps: of a new one; state: of one that goes on."""

    def __init__(self, run: RunFolder, steps: int, state: Mapping[str, Any] | None) -> None:
        self.step, self.steps, self.minutes = 0, steps, 0.0
        self.loss: float | None = None  # running mean
        if state is not None:
            self.step, self.steps = state["step"], state["steps"]
            self.minutes, self.loss = state["minutes"], state["loss"]
        self._run = run
        self._began = time.monotonic() - 60 * self.minutes
        self._bar = tqdm(total=self.steps, initial=self.step, mininterval=5)

    @property
    def ended(self) -> bool:
        """Whether all steps are taken."""
        return self.step >= self.steps

    @property
    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps of it."""
        return {"step": self.step, "steps": self.steps, "minutes": self.minutes, "loss": self.loss}

    def take(self, loss: float, rate: float, **shown: int) -> None:
        """After a step: its loss and learning rate, and what else the log shall show."""
        self.step += 1
        self.loss = loss if self.loss is None else KEPT * self.loss + (1 - KEPT) * loss
        self.minutes = (time.monotonic() - self._began) / 60
        self._bar.update()
        self._bar.set_postfix(loss=f"{self.loss:.3f}", **shown)
        if self.step % LOGGED == 0:
            self._run.log({"step": self.step, "minutes": self.minutes, "loss": self.loss, **shown, "rate": rate})
        if self.ended:
            self._bar.close()

    def fit(self, minutes: float, least: int) -> None:
        """Sets the length by the speed so far, so that the schedule ends when the time does."""
        self.steps = self._bar.total = max(int(self.step * minutes / self.minutes), least)


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """The learning rate of all parameters."""
    for group in optimiser.param_groups:
        group["lr"] = rate


def descend(
    optimiser: torch.optim.Optimizer, loss: Tensor, parameters: Iterable[nn.Parameter], longest_gradient: float
) -> None:
    """One step down the gradient of `loss`, which is cut at a norm of `longest_gradient`."""
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(parameters, longest_gradient)
    optimiser.step()
