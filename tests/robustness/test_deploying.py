"""What the page on hosting and the files of deploy/ say is what the code reads and the files copy."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from tests.ui.driver import ROOT
from ui.shell import settings

DEPLOY = ROOT / "deploy"
PAGE = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")


class Asked(Mapping[str, str]):
    """An empty environment that remembers what it was asked for."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def rows(heading: str) -> dict[str, list[str]]:
    """The table under a heading: first cell, without its quotes → the others."""
    text = PAGE.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return {cells[0].strip("`"): [cell.strip("`") for cell in cells[1:]] for cells in lines}


def test_every_variable_stands_on_the_page_with_its_default() -> None:
    environment = Asked()
    defaults = settings.read(environment)
    listed = rows("What can be set")
    assert {name for name in listed if name.startswith("ATTENTION_")} == environment.names
    assert listed["ATTENTION_MODELS"][0] == settings.ANY and defaults.models is None and defaults.foreign
    assert listed["ATTENTION_MODELS_KEPT"][0] == str(defaults.kept)
    assert listed["ATTENTION_MODELS_GB"][0] == f"{defaults.kept_bytes / 1e9:g}"
    assert listed["ATTENTION_MODELS_FOLDER"][0].split("`")[0] == defaults.folder.relative_to(ROOT).as_posix()


def test_every_setting_on_the_page_is_set() -> None:
    given = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    named = set(re.findall(r"`((?:server|client|browser|global)\.\w+)`", "\n".join(rows_of_settings())))
    assert len(named) > 8
    assert all(name.split(".")[1] in given[name.split(".")[0]] for name in named)
    assert f"{given['server']['maxUploadSize']} MB" in PAGE


def rows_of_settings() -> list[str]:
    text = PAGE.split("## What the configuration sets", 1)[1].split("\n## ", 1)[0]
    return [line for line in text.splitlines() if line.startswith("| `")]


def test_the_image_holds_all_that_the_app_is_made_of_and_is_not_root_s() -> None:
    lines = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = {
        part for line in lines if line.startswith("COPY ") and "--from" not in line for part in line.split()[1:-1]
    }
    assert copied >= {"app.py", "pages", "ui", "attention_core", "assets", ".streamlit", "pyproject.toml"}
    assert all((ROOT / name).exists() for name in copied)
    let_in = {
        line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line.startswith("!")
    }
    assert let_in == copied
    assert any(line.startswith("USER ") and line != "USER root" for line in lines)
    assert any("/_stcore/health" in line for line in lines)


def test_the_replicas_are_those_that_the_proxy_knows() -> None:
    composed: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    proxy = composed.pop("proxy")
    nginx = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    assert {*composed} == {*proxy["depends_on"]} == set(re.findall(r"server (\w+):8501", nginx))
    assert len(composed) == 3 and all(each["read_only"] and each["cap_drop"] == ["ALL"] for each in composed.values())
    [port] = re.findall(r"listen (\d+);", nginx)
    assert [published.rsplit(":", 1)[1] for published in proxy["ports"]] == [port]
    assert proxy["volumes"][0].startswith("./nginx.conf:") and (DEPLOY / "nginx.conf").is_file()


@pytest.mark.parametrize("name", re.findall(r"`pytest (tests/\S+)`", PAGE))
def test_what_it_was_tried_with_is_there(name: str) -> None:
    assert all((ROOT / part).is_file() for part in shlex.split(name))
