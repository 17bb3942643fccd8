"""What the overview's diagram is given: the numbers of the trace, as they are."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from attention_core import load_text_model
from attention_core.figures.style import COLOURS, SIGNED_SCALE, WEIGHT_SCALE
from attention_core.models.text import TextTrace
from attention_core.stories.overview import BLOCKS
from attention_core.stories.text import AS_TRAINED, Change, Followed, text_facts
from attention_core.stories.what_if import WhatIf
from ui.i18n import LANGUAGES, Language, catalogue
from ui.text.overview import payload, script, style, words

ROOT = Path(__file__).resolve().parents[2]
SENTENCE, LAYER, HEAD = "我吃柠檬", 1, 2
Array = np.ndarray[Any, Any]


@pytest.fixture(scope="module")
def trace() -> TextTrace:
    return load_text_model().trace(SENTENCE)


def at(trace: TextTrace, layer: int = LAYER, head: int = HEAD, change: Change = AS_TRAINED) -> Followed:
    """One head at the second token."""
    return Followed(trace, None, layer, head, 1, text_facts(load_text_model()), change)


def arrays(sent: dict[str, Any]) -> dict[str, Array]:
    """The blocks of a payload, decoded as the browser does it."""
    return {
        name: np.frombuffer(base64.b64decode(block["values"]), dtype="<f4").reshape(block["shape"])
        for name, block in sent["blocks"].items()
    }


def expected(trace: TextTrace, layer: int, head: int) -> dict[str, Array]:
    attention = trace.layers[layer]
    query, key = attention.query[0, head], attention.key[0, head]
    found = {
        "input": attention.input[0],
        "query": query,
        "key": key,
        "value": attention.value[0, head],
        "raw": query @ key.mT,
        "scores": attention.scores[0, head],
        "weights": attention.weights[0, head],
        "head": attention.head_outputs[0, head],
        "joined": attention.concatenated[0],
        "output": attention.output[0],
    }
    return {name: values.numpy() for name, values in found.items()}


@pytest.mark.parametrize(("layer", "head"), [(0, 1), (LAYER, HEAD), (3, 7)])
def test_every_block_holds_the_numbers_of_the_trace(trace: TextTrace, layer: int, head: int) -> None:
    sent = payload(at(trace, layer, head))
    found = arrays(sent)
    assert tuple(found) == BLOCKS
    for name, values in expected(trace, layer, head).items():
        if name == "raw":
            np.testing.assert_allclose(found[name], values, rtol=1e-5, atol=1e-5)
        else:
            np.testing.assert_array_equal(found[name], values)
    part = found["joined"][:, head * found["head"].shape[1] :][:, : found["head"].shape[1]]
    np.testing.assert_array_equal(part, found["head"])
    assert sent["tokens"] == [token.text for token in trace.tokens]
    assert (sent["query"], sent["head"], sent["heads"]) == (1, head, trace.layers[layer].query.shape[1])


def test_scales_are_the_figures_own_and_ranges_are_shared_and_true(trace: TextTrace) -> None:
    sent = payload(at(trace))
    assert sent["scales"] == {"signed": SIGNED_SCALE, "weight": WEIGHT_SCALE}
    assert COLOURS.items() <= sent["colours"].items()
    blocks, values = sent["blocks"], arrays(sent)
    assert [name for name in BLOCKS if blocks[name]["scale"] == "weight"] == ["weights"]
    assert (blocks["weights"]["limit"], blocks["weights"]["colours"]) == (1, "0 … 1")
    for shared in (("query", "key"), ("value", "head", "joined"), ("raw",), ("scores",), ("input",), ("output",)):
        limit = max(float(np.abs(values[name]).max()) for name in shared)
        for name in shared:
            assert blocks[name]["limit"] == pytest.approx(limit)
            assert blocks[name]["colours"] == f"±{limit:.2f}"
            written = blocks[name]["range"].replace("−", "-").split(" … ")
            assert [float(end) for end in written] == pytest.approx([values[name].min(), values[name].max()], abs=0.006)


def test_a_what_if_is_in_the_numbers_and_in_the_formulas() -> None:
    model = load_text_model()
    what_if = WhatIf(
        scaled=False, temperature=2.0, mask="custom", blocked=((1, 2),), hidden=(3,), gates=((LAYER, HEAD, 0.5),)
    )
    changed = what_if.trace(model, SENTENCE, None)
    sent = payload(at(changed, change=what_if.change(6, LAYER, HEAD)))
    np.testing.assert_array_equal(arrays(sent)["weights"], changed.layers[LAYER].weights[0, HEAD].numpy())
    mask = np.frombuffer(base64.b64decode(sent["mask"]), dtype="<f4").reshape(6, 6)
    assert np.argwhere(mask == 0).tolist() == [[1, 2]]
    assert arrays(sent)["weights"][1, 2] == 0
    assert (sent["divisor"], sent["temperature"], sent["gate"], sent["hidden"]) == ("", "2", 0.5, [3])
    formulas = {name: block["formula"] for name, block in sent["blocks"].items()}
    assert formulas["scores"] == "α = q·k"
    assert "α / 2" in formulas["weights"]
    assert "0.5" in formulas["head"]
    weights, value = arrays(sent)["weights"], arrays(sent)["value"]
    np.testing.assert_allclose(arrays(sent)["head"], 0.5 * weights @ value, rtol=1e-4, atol=1e-5)


def test_json_carries_it(trace: TextTrace) -> None:
    sent = payload(at(trace))
    assert json.loads(json.dumps(sent))["blocks"] == sent["blocks"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_that_the_script_asks_for_is_there(language: Language) -> None:
    given = words(catalogue(language).__getitem__)
    code = script()
    asked = set(re.findall(r"words\.(\w+)", code)) | set(re.findall(r'words\["([\w.]+)"\]', code))
    asked |= {f"blocks.{name}" for name in BLOCKS}
    asked |= {f"neuron.{name}" for name in ("query", "key", "product", "value", "term", "sum")}
    assert asked == set(given)
    assert all(given.values())


def test_script_and_style_ask_for_nothing_from_a_network() -> None:
    assert not re.search(r"https?:|@import|url\(|\bfetch\(|\bimport\b", script() + style())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_gives_the_diagram_the_chosen_head(language: Language) -> None:
    app = AppTest.from_file(str(ROOT / "ui" / "shell" / "frame.py"), default_timeout=120)
    app.query_params["lang"] = language
    app.run()
    app.switch_page(str(ROOT / "pages" / "overview.py"))
    link = {"lang": language, "s": SENTENCE, "layer": str(LAYER), "head": str(HEAD), "q": "3", "whatif": "tau-2"}
    for key, value in link.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception and not app.error
    [diagram] = [part for part in app.get("bidi_component") if part.proto.component_name == "overview"]
    sent = json.loads(diagram.proto.json)
    changed = load_text_model().trace(SENTENCE, temperature=2.0)
    np.testing.assert_array_equal(arrays(sent)["weights"], changed.layers[LAYER].weights[0, HEAD].numpy())
    trained = np.frombuffer(base64.b64decode(sent["trained"]), dtype="<f4")
    original = load_text_model().trace(SENTENCE).layers[LAYER].weights[0, HEAD].numpy()
    np.testing.assert_array_equal(trained, original.ravel())
    assert sent["query"] == 3
    assert sent["words"]["unlock"] == catalogue(language)["overview.unlock"]
    assert app.query_params["q"] == "3"
