"""The address bar as the memory of a session: whatever a page shows can be read back from its link.

Widgets keep language-neutral values; Streamlit's own `bind="query-params"` would write their translated labels.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TypeVar

import streamlit as st

from attention_core.words import plain
from ui.i18n import joined, t

Value = TypeVar("Value", bound=str | int | float | bool)
_NOW, _SENT, _REFUSED, _ALONE = "_url_now", "_url_sent", "_url_refused", "_url_alone"
_FORMER, _SINCE, _DEFAULTS = "_url_former", "_url_since", "_url_defaults"
_NOTICE, _PRESENT = "_url_notice", "present"  # the latter: presenter mode in the link
_SHOWN = 40  # characters of a refused value that are shown
# Seconds that a request of the browser may have been on its way: that of a control, which a busy browser is slow to
# send, and one that may as well be Back.
LATE, PROMPT = 5.0, 0.5


def begin() -> None:
    """At the start of a run."""
    st.session_state[_NOW] = []
    st.session_state[_REFUSED] = []
    st.session_state[_ALONE] = False  # also where a part has been interrupted, which cannot tidy up
    st.session_state[_SINCE] = monotonic() - (LATE if moved() else PROMPT)


def put(key: str, default: Value, parse: Callable[[str], Value]) -> Value:
    """Binds `key` to the URL; call it before the widget with that key, which then gets no default.

    parse: text → value; a `ValueError` or `KeyError` means junk, which falls back to the default with a notice.
    Returns the value in force.
    """
    sent = st.session_state.setdefault(_SENT, {})
    raw = None if st.session_state.get(_ALONE) else st.query_params.get(key)
    if raw is not None and raw != sent.get(key) and not _overtaken(key, raw):  # a link, Back, or edited by hand
        try:
            st.session_state[key] = parse(raw)
        except (KeyError, ValueError):
            st.session_state[_REFUSED].append((key, raw))
    value: Value = default if st.session_state.get(key) is None else st.session_state[key]
    # Set it even where it is set: a widget that is new to a page would come up empty otherwise.
    st.session_state[key] = value
    st.session_state[_NOW].append(key)
    return value


def put_choice(key: str, options: Collection[Value], default: Value | None = None) -> Value:
    """`put` for a widget with `options`; a value that is no longer among them falls back to the default."""
    listed = {str(option): option for option in options}
    fallback = next(iter(options)) if default is None else default
    value = put(key, fallback, lambda raw: listed[raw])
    if value not in options:
        st.session_state[key] = value = fallback
    return value


def put_number(key: str, default: int, most: int, *, least: int = 0) -> int:
    """`put` for a whole number from `least` to `most`."""

    def parse(raw: str) -> int:
        # Digits of other scripts, and more of them than any number here has, are junk, too.
        if not (raw.isdecimal() and raw.isascii() and len(raw) <= len(str(most)) and least <= int(raw) <= most):
            raise ValueError(f"{raw[:80]!r} is no number from {least} to {most}")
        return int(raw)

    return put(key, default, parse)


def follow(**defaults: str | int | float | bool) -> None:
    """Before `put` of these keys: as long as all of them are the defaults of the page or language before, they become
    those of this one. What somebody has changed, or a link says, stays."""
    former: dict[str, object] = st.session_state.setdefault(_DEFAULTS, {})
    sent = st.session_state.get(_SENT, {})
    linked = {} if st.session_state.get(_ALONE) else st.query_params.to_dict()
    if all(
        key in former and st.session_state.get(key) == former[key] and linked.get(key) in (None, sent.get(key))
        for key in defaults
    ):
        st.session_state.update(defaults)
    former.update(defaults)


def notices() -> None:
    """One line that names what in the link could not be used; none on the stage, where nobody can change it."""
    refused = st.session_state.get(_REFUSED, [])
    st.session_state[_NOTICE] = bool(refused) and not st.session_state.get(_PRESENT)
    if not st.session_state[_NOTICE]:
        return
    parts = [t("frame.bad_link_part", key=key, value=_as_read(raw)) for key, raw in refused]
    st.info(t("frame.bad_link", parts=joined("words.comma", parts)), icon=":material/link_off:")


def _as_read(raw: str) -> str:
    """A value of the link as text in a sentence: short, on one line, and without what would turn or hide the rest."""
    line = " ".join(raw[: _SHOWN + 1].split())
    shown = plain("".join(sign if sign.isprintable() else "\ufffd" for sign in line[:_SHOWN]))
    # Markdown makes links of bare addresses, escaped or not; an invisible word joiner keeps them text.
    return re.sub(r"(\\?[./@])", "\u2060\\1", shown) + ("…" if len(raw) > _SHOWN else "")


def query() -> dict[str, str]:
    """What the link says: all values bound in this run, as text."""
    return {key: str(st.session_state[key]) for key in st.session_state.get(_NOW, [])}


def forget(key: str) -> None:
    """The next `put` of `key` starts from the link or the default, whatever was in force before."""
    st.session_state.pop(key, None)
    st.session_state.get(_SENT, {}).pop(key, None)


def start_over(keeping: Collection[str] = ()) -> None:
    """`forget` for all values that were ever bound, but those of `keeping`."""
    for key in {*st.session_state.get(_SENT, {})} - {*keeping}:
        forget(key)


def amend(key: str, value: str | int) -> None:
    """Writes one bound value alone, for a callback of a fragment."""
    st.session_state[key] = value
    _write({key: str(value)})


def running() -> bool:
    """Whether the page runs, or a part of it between `begin` and the end."""
    return _NOW in st.session_state


def moved() -> set[str]:
    """The values that are not what the link says: callbacks have just changed them."""
    sent = st.session_state.get(_SENT, {})
    return {key for key in st.query_params if sent.get(key) != str(st.session_state.get(key))}


@contextmanager
def alone(keys: Collection[str] = ()) -> Iterator[None]:
    """Around the run of a part of the page alone: what it binds is written, the rest of the link stays.

    keys: the part's own; those of them that it binds no longer leave the link, as in a run of the page. Otherwise a
    reload would drop them, and Back would first lead to the same page again.

    The link is not read, because whoever changes it gets the whole page anew. So does the first change under a notice:
    what the link got wrong is past, and no part can take away what stands outside of it.
    """
    if st.session_state.pop(_NOTICE, False):
        st.rerun()
    st.session_state[_NOW] = []
    st.session_state[_ALONE] = True
    try:
        yield
        bound = query()
        _write(bound, {*keys} - {*bound})
    finally:
        st.session_state[_ALONE] = False
        del st.session_state[_NOW]


def flush() -> None:
    """At the end of a run: writes all bound values in one step, and drops what no page knows."""
    new = query()
    st.session_state.pop(_NOW, None)
    st.session_state[_SENT] = {**st.session_state.get(_SENT, {}), **new}
    if st.query_params.to_dict() != new:
        st.query_params.from_dict(new)


def _write(values: dict[str, str], dropped: Collection[str] = ()) -> None:
    """Changes these values in the link and takes those away, in one step."""
    before = st.query_params.to_dict()
    st.session_state[_SENT] = {**st.session_state.get(_SENT, {}), **values}
    changed = {key for key, value in values.items() if before.get(key) != value}
    after = {key: value for key, value in {**before, **values}.items() if key not in dropped}
    if after != before:
        st.query_params.from_dict(after)
    former: dict[tuple[str, str | None], float] = st.session_state.setdefault(_FORMER, {})
    former.update({(key, before.get(key)): monotonic() for key in changed})


def _overtaken(key: str, raw: str) -> bool:
    """Whether the browser asked for this run before it heard that a part of the page has just changed the value."""
    when = st.session_state.get(_FORMER, {}).get((key, raw))
    return when is not None and when > st.session_state[_SINCE]
