"""The head atlas, run without a browser: its numbers are those of the evaluation, its pictures those of the trace."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from attention_core import load_text_model
from attention_core.analysis.blank_out import agreement, blank_out
from attention_core.analysis.head_atlas import Measure, baselines, head_atlas
from attention_core.analysis.rollout import attention_rollout, mean_over_heads
from attention_core.models import registry
from tests.ui.driver import decoded, figures, opened
from tests.ui.test_text_pages import LANGUAGES, steps
from ui.i18n import catalogue

SENTENCE, PAIR = "我吃柠檬", "I eat lemons."


def words(language: str) -> dict[str, str]:
    return catalogue(language)  # type: ignore[arg-type]


def titled(app: AppTest, title: str) -> dict[str, Any]:
    """The figure whose title starts with `title`."""
    [found] = [f for f in figures(app) if f["layout"]["title"].get("text", "").startswith(title)]
    return found


def correlations(app: AppTest) -> list[list[float]]:
    """The numbers of the table below the effect of hiding, as they are read."""
    [table] = app.table
    return [[float(cell.replace("\\", "").replace("−", "-")) for cell in row[1:]] for row in table.value.values]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_shows_every_head_its_baselines_and_the_sentence(language: str) -> None:
    app = opened("head_atlas", language, s=SENTENCE, p=PAIR, q="2")
    assert steps(app, "head_atlas", language)[:2] == ["head_atlas.map.title", "head_atlas.table.title"]
    assert steps(app, "rollout", language) == ["rollout.passed_on.title", "rollout.hidden.title"]
    scores = registry.scores("text")
    entries = head_atlas(scores)
    table, below = (frame.value for frame in app.dataframe)
    assert len(table) == len(entries)
    np.testing.assert_allclose(table["alignment"], [100 * entry.measures["alignment"] for entry in entries])
    np.testing.assert_allclose(table["entropy"], [entry.measures["entropy"] for entry in entries])
    for row, entry in zip(table.itertuples(), entries, strict=True):
        for language_of, role in entry.relations.items():
            said = getattr(row, f"relation_{language_of}")
            assert words(language)[f"relations.{role.relation}"] in said
            assert f"{role.score:.0%}" in said and f"{role.baseline:.0%}" in said
    known = baselines(scores)
    assert list(below["baseline"]) == [words(language)[f"head_atlas.baselines.row_{name}"] for name in known]
    assert below["alignment"][1] == pytest.approx(100 * known["diagonal"]["alignment"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_row_links_to_its_head_on_this_sentence(language: str) -> None:
    app = opened("head_atlas", language, s=SENTENCE, p=PAIR)
    links = app.dataframe[0].value["head"]
    for link, entry in zip(links, head_atlas(registry.scores("text")), strict=True):
        address = urlsplit(link)
        assert (address.scheme, address.netloc, address.path) == ("", "", "multi_head")
        assert address.fragment == f"{entry.layer + 1}.{entry.head + 1}"
        assert {key: value[0] for key, value in parse_qs(address.query).items()} == {
            "layer": str(entry.layer),
            "head": str(entry.head),
            "s": SENTENCE,
            "p": PAIR,
            "lang": language,
        }


@pytest.mark.parametrize("measure", ["same", "gain_zh", "distance"])  # one of each kind of colours
def test_a_measure_colours_the_map_with_its_numbers(measure: Measure) -> None:
    app = opened("head_atlas", "en", s=SENTENCE, measure=measure)
    shown = decoded(titled(app, words("en")[f"head_atlas.measures.{measure}"])["data"][0]["z"])
    scores = registry.scores("text")
    expected = [entry.measures[measure] for entry in head_atlas(scores)]
    known = [value for value in expected if not np.isnan(value)]  # a head that nothing is sure of has none
    np.testing.assert_allclose(shown[~np.isnan(shown)], known, atol=1e-6)
    beginning = words("en")["head_atlas.baselines.line"].split(":")[0]
    [line] = [caption.value for caption in app.caption if caption.value.startswith(beginning)]
    even = baselines(scores)["even"]
    assert {"same": f"{even['same']:.0%}", "distance": f"{even['distance']:.1f}", "gain_zh": "0,"}[measure] in line


def test_a_link_opens_a_head_and_the_table_marks_it() -> None:
    app = opened("head_atlas", "en", s=SENTENCE, layer="2", head="3", measure="gain_en")
    assert app.session_state["atlas"]["selection"]["rows"] == [2 + 4 + 3]
    [title] = [b.proto.body for b in app.get("html") if "Layer 3, head 4 on your sentence" in b.proto.body]
    assert title


@pytest.mark.parametrize("language", LANGUAGES)
def test_rollout_and_the_effect_of_hiding_are_those_of_the_analysis(language: str) -> None:
    app = opened("head_atlas", language, s=SENTENCE, p=PAIR, q="2")
    model = load_text_model()
    trace = model.trace(SENTENCE, PAIR)
    means = mean_over_heads(trace)
    rolled = attention_rollout(means, len(trace.tokens))
    effect = blank_out(model, trace)
    text = words(language)
    pictures = {
        text["rollout.passed_on.raw"].format(layer=len(means)): means[-1],
        text["rollout.passed_on.rolled"].format(layers=len(means)): rolled[-1],
        text["rollout.hidden.figure"]: effect.change,
    }
    for title, expected in pictures.items():
        np.testing.assert_allclose(decoded(titled(app, title)["data"][0]["z"]), expected.numpy(), atol=1e-5)
    shown = correlations(app)
    for row, layers in enumerate((means, rolled[1:])):
        found = [agreement(weights, effect) for weights in layers]
        np.testing.assert_allclose(shown[row], [rho.nanmean() for rho in found], atol=0.0051)
        at = effect.hidden.index(2)
        np.testing.assert_allclose(shown[row + 2], [rho[at] for rho in found], atol=0.0051)
    assert any("0.29" in c.value and "0.71" in c.value and "2020" in c.value for c in app.caption)
    assert any(f"{agreement(means[-1], effect).nanmean().item():.2f}" in m.value for m in app.markdown)


@pytest.mark.parametrize(("text", "message"), [("我吃", "short"), ("吃" * 140, "long")])
def test_hiding_says_why_where_it_would_tell_nothing_or_take_long(text: str, message: str) -> None:
    app = opened("head_atlas", "zh", s=text)
    expected = words("zh")[f"rollout.hidden.{message}"].format(limit=128, count=142)
    assert any(info.value == expected for info in app.info)
    assert not app.table


def test_hiding_waits_to_be_asked_where_it_takes_seconds() -> None:
    app = opened("head_atlas", "en", s="柠檬" * 25)
    assert not app.table
    app.toggle(key="hide").set_value(True).run()
    assert not app.exception
    assert app.query_params["hide"] in ("True", ["True"])
    assert decoded(titled(app, words("en")["rollout.hidden.figure"])["data"][0]["z"]).shape == (52, 52)


def test_a_sentence_of_one_special_query_has_no_row_of_its_own() -> None:
    app = opened("head_atlas", "en", s=SENTENCE, q="0")
    assert len(correlations(app)) == 2
