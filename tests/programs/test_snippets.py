"""Programs that the app writes, run as a reader runs them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from attention_core import load_image, load_text_model, load_vision_model
from attention_core.analysis.masks import causal_mask, mask_without, window_mask
from attention_core.analysis.tables import npz
from attention_core.inputs.samples import sample_photo
from attention_core.programs.snippets import photo_snippet, text_snippet

ROOT = Path(__file__).resolve().parents[2]
T = 6


def run(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PYTHONPATH": str(ROOT), "PATH": "", "PYTHONIOENCODING": "utf-8", "PYTHONUTF8": "1"}
    return subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8"
    )


def test_a_sentence_with_everything_changed(tmp_path: Path) -> None:
    gates = [torch.ones(heads) for heads in load_text_model().config.heads]
    gates[1][1] = 0.35
    mask = mask_without(T, [(2, 3), (0, 5)])
    trace = load_text_model().trace("我吃柠檬", hide=(3,), head_gates=gates, scale=1.0, temperature=2.0, mask=mask)
    program = text_snippet(trace, layer=1, head=1, query=2, scale=1.0, temperature=2.0, mask=mask, gates=[(1, 1, 0.35)])
    came = run(program, tmp_path)
    assert came.returncode == 0, came.stderr
    assert f"{trace.layers[1].weights[0, 1, 2, 0].item():.4f}" in came.stdout
    for control in ("hide=[3]", "scale=1.0", "temperature=2.0", "gates[1][1] = 0.35", "[(0, 5), (2, 3)]"):
        assert control in program
    forgotten = program.replace(", temperature=2.0", "")
    assert forgotten != program
    with pytest.raises(AssertionError):  # the comparison compares
        exec(compile(forgotten, "snippet", "exec"), {})


def test_a_whole_head_instead_of_one_row(tmp_path: Path) -> None:
    trace = load_text_model().trace("我吃柠檬", hide=(2,))
    program = text_snippet(trace, layer=0, head=1, query=None)
    came = run(program, tmp_path)
    assert came.returncode == 0, came.stderr
    assert f"{trace.layers[0].weights[0, 1, :, 0].mean().item():.4f}" in came.stdout
    with pytest.raises(AssertionError):
        exec(compile(program.replace("hide=[2]", "hide=[3]"), "snippet", "exec"), {})


@pytest.mark.parametrize(
    ("mask", "call"),
    [
        (causal_mask(T), "causal_mask(6)"),
        (window_mask(T, 2), "window_mask(6, 2)"),
        (window_mask(T, 0), "window_mask(6, 0)"),
        (mask_without(T, [(1, 1)]), "mask_without(6, [(1, 1)])"),
        (torch.zeros(T, T, dtype=torch.bool), "mask_without(6, ["),
    ],
)
def test_a_mask_is_written_as_the_call_that_makes_it(mask: Tensor, call: str) -> None:
    trace = load_text_model().trace("我吃柠檬", mask=mask)
    program = text_snippet(trace, layer=0, head=0, query=1, mask=mask)
    assert call in program
    function = call.partition("(")[0]
    made = re.search(rf"^mask = ({function}\(.*\))$", program, re.M)
    assert made is not None
    namespace = {"causal_mask": causal_mask, "window_mask": window_mask, "mask_without": mask_without}
    assert torch.equal(eval(made[1], namespace), mask)


def test_quotes_in_a_sentence_stay_text() -> None:
    trace = load_text_model().trace('it\'s "so" \\n {x}', "线'\"")
    compile(text_snippet(trace, layer=0, head=0, query=1), "snippet", "exec")
    assert repr(trace.text) in text_snippet(trace, layer=0, head=0, query=1)


def test_a_sample_photo_and_a_photo_of_ones_own(tmp_path: Path) -> None:
    box = (10, 0, 290, 280)
    trace = load_vision_model("cbam").trace(load_image(sample_photo("cat")).crop(box))
    program = photo_snippet(trace, network="load_vision_model('cbam')", stage=2, sample="cat", box=box)
    own = load_vision_model("se").trace(Image.fromarray(np.full((80, 60, 3), 99, dtype=np.uint8)))
    (tmp_path / "mine.npz").write_bytes(npz(own))
    program += photo_snippet(
        own, network="load_vision_model('se')", stage=0, sample=None, archive="mine.npz"
    )  # one process for both
    came = run(program, tmp_path)
    assert came.returncode == 0, came.stderr
    assert trace.top(1)[0][0].en in came.stdout
    assert own.top(1)[0][0].en in came.stdout


def test_a_photo_with_something_changed_in_two_stages(tmp_path: Path) -> None:
    model, photo = load_vision_model("cbam"), load_image(sample_photo("coffee"))
    trained = model.trace(photo)
    gates = torch.full((trained.stages[0].features.shape[1],), torch.nan)
    gates[[3, 7]], gates[5] = 0.0, 0.35
    mask = torch.full(tuple(trained.stages[2].features.shape[2:]), torch.nan)
    mask[:4], mask[6, 1] = 0.0, 0.7
    overrides = {
        "stage1": {"gate_override": gates},
        "stage3": {"mask_override": mask, "order": "spatial-first", "pooling": ("max",)},
    }
    trace = model.trace(photo, overrides=overrides)
    program = photo_snippet(
        trace, network="load_vision_model('cbam')", stage=None, sample="coffee", overrides=overrides
    )
    came = run(program, tmp_path)
    assert came.returncode == 0, came.stderr
    assert f"{trace.top(1)[0][1]:.4f}".rstrip("0") in came.stdout
    for changed in ("stage1_gate.view(-1)[[3, 7]] = 0\n", "stage1_gate.view(-1)[[5]] = 0.35\n", "'spatial-first'"):
        forgotten = program.replace(changed, "'channel-first'" if changed[0] == "'" else "")
        assert forgotten != program
        with pytest.raises(AssertionError):
            exec(compile(forgotten, "snippet", "exec"), {})
