"""A story as HTML: formulas as MathML, which browsers draw by themselves, words as the catalogue formats them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from html import escape

from latex2mathml.converter import convert
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

from attention_core.figures.drawing import Picture
from attention_core.stories.drawing import described, drawn
from attention_core.stories.story import Beside, Block, Figure, Folded, Grouped, Instead, Sequenced, Story, Table
from attention_core.words import Language, Words, plain, spoken

Placed = Callable[[str, Picture, str], str]  # a figure's name, the figure, and what it shows → its HTML


def story_html(story: Story, language: Language, placed: Placed, *, first: int = 1) -> str:
    """All steps, each with its title, formulas, figures and words. placed: how a figure comes into the page."""
    written = _Writing(language, placed)
    sections = []
    for number, step in enumerate(story.steps, start=first):
        if step.absent is not None:
            sections.append(f"<section>{written.said(step.absent)}</section>")
            continue
        formulas = "".join(f"<p>{mathml(formula, block=True)}</p>" for formula in step.formulas)
        sections.append(
            f"<section><h2>{number} · {escape(spoken(step.title, language))}</h2>{formulas}"
            f"{written.blocks(step.blocks)}{written.said(step.see)}</section>"
        )
    return "\n".join(sections)


class _Writing:
    """The parts of a step as HTML, in one language."""

    def __init__(self, language: Language, placed: Placed) -> None:
        self._language: Language = language
        self._placed = placed

    def said(self, words: Words) -> str:
        """Words with their formatting and formulas; names in them as typed."""
        return str(_markdown().render(spoken(words, self._language, plain)))

    def blocks(self, blocks: Sequence[Block]) -> str:
        return "\n".join(self._block(block) for block in blocks)

    def _block(self, block: Block) -> str:
        if isinstance(block, Figure):
            return self._placed(block.name, drawn(block, self._language), described(block, self._language))
        if isinstance(block, Beside | Grouped | Instead):
            return self.blocks(block.blocks)
        if isinstance(block, Folded):
            title = _markdown().renderInline(spoken(block.title, self._language, plain))
            opened = "<details open>" if block.is_open else "<details>"
            return f"{opened}<summary>{title}</summary>{self.blocks(block.blocks)}</details>"
        if isinstance(block, Sequenced):
            return self._table([(name, *cells) for name, cells in block.rows], block.alt)
        if isinstance(block, Table):
            return self._table([block.head, *block.rows], block.alt)
        return self.said(block.words)

    def _table(self, lines: Sequence[Sequence[Words]], alt: Words) -> str:
        rows = []
        for line in lines:
            name, *cells = (escape(spoken(cell, self._language)) for cell in line)
            rows.append(f'<tr><th scope="row">{name}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>')
        label = escape(spoken(alt, self._language))
        return f'<div style="overflow-x: auto"><table aria-label="{label}">{"".join(rows)}</table></div>'


def mathml(formula: str, *, block: bool = False) -> str:
    """TeX as MathML, in the words' line or on a line of its own."""
    # Letters of a name stand upright and together: the library sets each \mathrm letter by itself.
    named = formula.replace(r"\mathrm{", r"\text{").replace(r"\arg\max", r"\text{arg max}")
    return str(convert(named, display="block" if block else "inline"))


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).use(
        dollarmath_plugin, renderer=lambda formula, options: mathml(formula, block=options["display_mode"])
    )
