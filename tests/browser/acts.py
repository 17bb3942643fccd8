"""What somebody does to a page, each as a function of the page."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page

from tests.browser.driver import cell_centre

Act = Callable[[Page], None]


def pick(key: str, text: str) -> Act:
    """A click on one of the options of a row of buttons."""
    return lambda page: (
        page.locator(f".st-key-{key}").get_by_text(re.compile(rf"^{re.escape(text)}( ·|$)")).first.click()
    )


def right(key: str) -> Act:
    """One step to the right on a slider."""
    return lambda page: page.locator(f".st-key-{key} input[type=range]").first.press("ArrowRight")


def left_end(key: str) -> Act:
    """A slider at its lowest."""
    return lambda page: page.locator(f".st-key-{key} input[type=range]").first.press("Home")


def turn(key: str) -> Act:
    """A switch turned over."""
    return lambda page: page.locator(f".st-key-{key} label").first.click()


def press(selector: str) -> Act:
    """A click on a button of a component."""
    return lambda page: page.locator(selector).first.click()


def option(key: str, text: str) -> Act:
    """An option of a select box."""

    def act(page: Page) -> None:
        field = page.locator(f".st-key-{key} input").first
        field.click()
        field.fill(text)  # a long list has only those on the screen that can be seen
        page.get_by_role("option", name=text).first.click()

    return act


def cell(key: str, row: int, column: int) -> Act:
    """A click on a cell of a heatmap."""
    return lambda page: page.mouse.click(*cell_centre(page, key, row, column))


def number(key: str, value: int) -> Act:
    """A number typed into its field."""

    def act(page: Page) -> None:
        field = page.locator(f".st-key-{key} input")
        field.fill(str(value))
        field.press("Enter")

    return act
