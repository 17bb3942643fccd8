"""Pages run without a browser: opened as a link opens them, and read."""

from __future__ import annotations

import base64
import json
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from attention_core.runtime.model_store import ModelStore
from attention_core.words import plain

ROOT = Path(__file__).resolve().parents[2]


def opened(page: str, language: str = "en", **link: str) -> AppTest:
    """`page` in `language`, as a link with the values of `link` opens it."""
    app = AppTest.from_file(str(ROOT / "ui" / "shell" / "frame.py"), default_timeout=120)
    app.query_params["lang"] = language
    app.run()
    app.switch_page(str(ROOT / "pages" / f"{page}.py"))
    for key, value in {"lang": language, **link}.items():
        app.query_params[key] = value
    return run(app)


def run(changed: Any) -> AppTest:
    """The page once more, after something on it has changed."""
    app: AppTest = changed.run()
    assert not app.exception
    return app


def unfolded(app: AppTest, key: str, is_open: bool = True) -> AppTest:
    """With a box open that draws what is in it only then, or closed; for this run: only a browser remembers it."""
    app.session_state[key] = is_open
    return run(app)


def loaded(store: ModelStore[Any], name: str) -> None:
    """Waits for a network, or for the reason why there is none."""
    for _ in range(1200):
        if store.ask(name).over:
            return
        time.sleep(0.05)
    raise AssertionError(f"{name} never came")


def charts(app: AppTest) -> dict[str, dict[str, Any]]:
    """What is sent of all charts on the page, in order, by their keys, with which their ids end."""
    sent = [part.proto for part in app.get("bidi_component") if part.proto.component_name == "chart"]
    found = {proto.id.split("-", 2)[2]: json.loads(proto.bytes) for proto in sent}
    for chart in found.values():  # each photo goes once
        for trace in chart["figure"]["data"]:
            if "source" in trace:
                trace["source"] = chart["photos"][trace["source"]]
    return found


def figures(app: AppTest) -> list[dict[str, Any]]:
    """All figures on the page, in order."""
    return [chart["figure"] for chart in charts(app).values()]


def figure(app: AppTest, key: str) -> dict[str, Any]:
    """The figure with this key."""
    found: dict[str, Any] = charts(app)[key]["figure"]
    return found


def keys(app: AppTest) -> str:
    """The keys of all figures on the page, in order."""
    return " ".join(charts(app))


def decoded(values: Any) -> np.ndarray[Any, Any]:
    """An array as Plotly sends it: lists, or base64 with dtype and shape."""
    if not isinstance(values, dict):
        return np.array(values, dtype=float)
    numbers = np.frombuffer(base64.b64decode(values["bdata"]), dtype=np.dtype(values["dtype"])).astype(float)
    return numbers.reshape([int(size) for size in str(values["shape"]).split(",")]) if "shape" in values else numbers


def said(app: AppTest) -> str:
    """What the boxes of information say, without the signs that keep a value of the link from becoming a link."""
    return "\n".join(re.sub(r"[\u2060\\]", "", info.value) for info in app.info)


def taken_along(app: AppTest, name: str) -> str:
    """Opens the export, whose caption names the network, and returns its program, which has been run.

    It compares what it computes with what the page shows, and notices where that is something else.
    """
    app.session_state["export"] = True
    app = run(app)
    assert not app.error
    [code] = app.code
    program = str(code.value)
    exec(compile(program, "snippet", "exec"), {})
    wrong = program.replace("shown = torch.tensor([", "shown = 1 + torch.tensor([")
    with pytest.raises(AssertionError):
        exec(compile(wrong, "snippet", "exec"), {})
    assert any(plain(name) in caption.value for caption in app.caption)
    kinds = [button.proto.id.rpartition("-")[2] for button in app.get("download_button")]
    assert kinds == ["html", "npz", "csv", "json", "py"]
    return program
