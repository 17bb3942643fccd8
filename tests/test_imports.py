"""Who may import whom: docs/architecture.md, read off the source."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# A room may import from itself and from rooms of lower levels; rooms of one level keep to themselves.
LEVELS = {
    "app": 20,
    "pages": 20,
    "ui.shell.frame": 20,  # the main script
    "ui.take_along": 15,
    "ui.text": 14,
    "ui.photos": 14,
    "ui.inputs": 13,
    "ui.stage": 12,
    "ui.shell": 11,
    "ui.i18n": 10,
    "attention_core.notebook": 9,
    "attention_core.stories": 7,
    "attention_core.programs": 6,
    "attention_core.words": 1,
    "attention_core.analysis": 5,
    "attention_core.figures": 5,
    "attention_core.models": 4,
    "attention_core.inputs": 3,
    "attention_core.runtime": 2,
    "attention_core.mechanisms": 1,
    "attention_core.errors": 0,
}
SOURCES = [
    *sorted(path for folder in ("attention_core", "ui", "pages") for path in (ROOT / folder).rglob("*.py")),
    ROOT / "app.py",
]


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path) -> set[str]:
    """Absolute names of everything that the file imports, at whatever depth of the code."""
    names: set[str] = set()
    package = module_name(path) if path.name == "__init__.py" else module_name(path).rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base]).rstrip(".")
            names |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return names


def room(name: str) -> str | None:
    matches = [part for part in LEVELS if name == part or name.startswith(f"{part}.")]
    return max(matches, key=len) if matches else None


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_imports_run_downward_only(path: Path) -> None:
    own = room(module_name(path))
    if own is None:
        assert module_name(path) in ("attention_core", "ui"), f"{path} has no place in the house"
        return
    others = {name: there for name in imported(path) if (there := room(name)) not in (None, own)}
    assert not {name for name, there in others.items() if LEVELS[there] >= LEVELS[own]}
    if module_name(path).startswith("pages."):
        assert not {name for name in imported(path) if name.split(".")[0] == "pages"}


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_streamlit_and_plotly_stay_where_they_belong(path: Path) -> None:
    roots = {name.split(".")[0] for name in imported(path)}
    if module_name(path).startswith("attention_core"):
        assert "streamlit" not in roots
    if not module_name(path).startswith(("attention_core.figures", "ui")):
        assert "plotly" not in roots
    if module_name(path).startswith("attention_core.mechanisms"):
        foreign = roots - set(sys.stdlib_module_names) - {"torch", "numpy", "attention_core"}
        assert not foreign


def test_no_circles() -> None:
    modules = {module_name(path): path for path in SOURCES}
    graph = {
        name: {target for target in imported(path) if target in modules and target != name}
        for name, path in modules.items()
    }
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " → ".join((*way[way.index(name) :], name))
        if name not in done:
            for target in graph[name]:
                visit(target, (*way, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_the_library_comes_without_streamlit_and_plotly() -> None:
    code = "import attention_core, sys; print([m for m in ('streamlit', 'plotly') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
