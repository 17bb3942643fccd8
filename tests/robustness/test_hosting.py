"""What a public instance rests on: headers, hosts, uploads, and that nothing of a visitor's is kept."""

from __future__ import annotations

import gzip
import http.client
import re
from contextlib import closing
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.driver import settle
from tests.robustness.hosting import Hosted, hosted
from tests.robustness.texts import MARKUP
from tests.ui.driver import ROOT
from ui.i18n import catalogue
from ui.shell import bundles

pytestmark = pytest.mark.browser

PAGES = sorted(path.stem for path in (ROOT / "pages").glob("*.py") if path.stem != "home")
STATIC = Path(st.__file__).parent / "static"


def asked(address: str, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of an answer, as they come over the wire."""
    with closing(http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)) as connection:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


# --- answers ---------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/cbam?lang=en", "/_stcore/health", "/static/nothing.js"])
def test_every_answer_has_the_security_headers(host: Hosted, path: str) -> None:
    _, headers, _ = asked(host.address, path)
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "SAMEORIGIN"
    rules = dict(rule.split(" ", 1) for rule in headers["content-security-policy"].split("; "))
    assert "'unsafe" not in rules["script-src"] and "http" not in headers["content-security-policy"]
    assert rules["default-src"] == rules["frame-ancestors"] == "'self'" and rules["object-src"] == "'none'"


def test_the_health_check_answers(host: Hosted) -> None:
    status, _, body = asked(host.address, "/_stcore/health")
    assert (status, body) == (200, b"ok")


def test_bundles_come_compressed_and_may_be_kept(host: Hosted) -> None:
    largest = max((STATIC / "static" / "js").iterdir(), key=lambda file: file.stat().st_size)
    path = f"/static/js/{largest.name}"
    _, headers, body = asked(host.address, path, Accept_Encoding="gzip, br")
    assert headers["content-encoding"] == "gzip" and headers["vary"] == "Accept-Encoding"
    assert headers["content-type"].startswith("text/javascript")
    assert "immutable" in headers["cache-control"]
    assert len(body) < largest.stat().st_size / 2
    assert gzip.decompress(body) == largest.read_bytes()
    _, headers, body = asked(host.address, path)
    assert "content-encoding" not in headers and body == largest.read_bytes()
    assert asked(host.address, "/static/js/../index.html", Accept_Encoding="gzip")[0] in (200, 400, 404)


@pytest.mark.parametrize("packed", [True, False])
def test_what_draws_charts_comes_from_the_server_itself(host: Hosted, packed: bool) -> None:
    asking = {"Accept_Encoding": "gzip"} if packed else {}
    status, headers, body = asked(host.address, bundles.address(bundles.PLOTLY), **asking)
    assert status == 200 and headers["content-type"].startswith("text/javascript")
    assert "immutable" in headers["cache-control"]
    assert (gzip.decompress(body) if packed else body) == bundles.PLOTLY.read_bytes()


def test_the_page_itself_is_never_kept(host: Hosted) -> None:
    assert asked(host.address, "/")[1]["cache-control"] == "no-cache"


def test_an_upload_without_the_token_is_refused(host: Hosted) -> None:
    assert asked(host.address, "/_stcore/upload_file/session/file", method="PUT")[0] == 403


def test_other_hosts_are_refused_where_hosts_are_named(tmp_path: Path) -> None:
    with hosted(tmp_path, settings={"STREAMLIT_SERVER_ALLOWED_HOSTS": "lab.example.org"}) as named:
        assert asked(named.address, "/", Host="lab.example.org")[0] == 200
        assert asked(named.address, "/_stcore/health")[0] == 200  # of the machine itself
        assert asked(named.address, "/", Host="evil.example.org")[0] == 400
        assert asked(named.address, "/_stcore/stream", Host="evil.example.org")[0] == 400


# --- the policy and the pages ----------------------------------------------------------------


def watched(browser: Browser, **options: bool) -> tuple[Page, list[str]]:
    """A fresh visitor, and what the browser complains about."""
    page = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 900}, **options).new_page()
    page.set_default_timeout(60_000)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.add_init_script(
        "document.addEventListener('securitypolicyviolation', e => console.error('CSP', e.blockedURI))"
    )
    return page, said


def test_every_page_works_under_the_policy(browser: Browser, host: Hosted) -> None:
    page, said = watched(browser)
    words = catalogue("en")
    page.goto(f"{host.address}/?lang=en")
    settle(page)
    for name in PAGES:
        page.locator(f'[data-testid="stSidebarNavLink"][href*="/{name}"]').click()
        settle(page)
        expect(page.get_by_role("heading", name=words[f"{name}.title"], exact=True).first).to_be_visible()
    for link in ("self_attention?view=hand", "cbam?photo=camera", "overview?present=1", "multi_head?rollout=1"):
        page.goto(f"{host.address}/{link}&lang=en")
        settle(page)
    page.goto(f"{host.address}/cbam?lang=en")
    settle(page)
    page.locator(".st-key-export summary").click()
    page.locator(".st-key-export-preview .main-svg").first.wait_for()
    settle(page)
    with page.expect_download() as coming:
        page.locator(".st-key-export-save button").first.click()
    assert Path(coming.value.path()).read_bytes().startswith(b"\x89PNG")
    page.context.close()
    assert [line for line in said if "CSP" in line or "Content Security Policy" in line] == []
    assert [line for line in said if "Error" in line] == []


def test_no_markup_runs_in_pages_or_in_what_is_exported(browser: Browser, host: Hosted, tmp_path: Path) -> None:
    """The policy is switched off here: it would hide that something has got through."""
    page, _ = watched(browser, bypass_csp=True)
    page.add_init_script("window.ran = false")
    text, pair = " ".join(MARKUP[:5]), " ".join(MARKUP[5:11])
    page.goto(f"{host.address}/self_attention?lang=en")
    settle(page)
    for key, typed in (("s", text), ("p", pair)):
        page.locator(f".st-key-{key} input").fill(typed)
        page.locator(f".st-key-{key} input").press("Enter")
        settle(page)
    for name in ("overview", "self_attention", "multi_head", "head_view", "two_sentences"):
        page.locator(f'[data-testid="stSidebarNavLink"][href*="/{name}"]').click()
        settle(page)
        if "onerror" not in page.url:
            expect(page.locator(".st-key-s input")).to_have_value(text)
        assert page.evaluate("window.ran") is False
        assert page.locator('img[src="x"], a[href^="javascript"], svg[onload]').count() == 0
    page.locator('[data-testid="stSidebarNavLink"][href*="/self_attention"]').click()
    settle(page)
    page.locator(".st-key-export summary").click()
    page.locator(".st-key-export-preview .main-svg").first.wait_for()
    settle(page)
    with page.expect_download() as coming:
        page.locator(".st-key-export-html button").first.click()
    alone = tmp_path / "page.html"
    alone.write_bytes(Path(coming.value.path()).read_bytes())
    page.goto(alone.as_uri())
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    assert page.locator("body").inner_text().count("onerror") > 0  # it is shown
    assert page.evaluate("window.ran") is False
    assert page.locator('img[src="x"], a[href^="javascript"], svg[onload]').count() == 0
    page.context.close()


# --- what is kept ----------------------------------------------------------------------------

SECRET, NAME = "Zanzibarquokka grüßt 柠檬鸭嘴兽", "private-holiday"


def large_photo() -> bytes:
    """3 MB, which a server would put on its disk while it arrives."""
    noise = np.random.default_rng(5).integers(0, 256, (1000, 1000, 3), dtype=np.uint8)
    stream = BytesIO()
    Image.fromarray(noise).save(stream, "PNG", compress_level=0)
    return stream.getvalue()


def test_nothing_of_a_visitor_is_logged_or_written(browser: Browser, host: Hosted) -> None:
    page, _ = watched(browser)
    page.goto(f"{host.address}/cbam?lang=en&opacity={SECRET}")
    settle(page)
    written = len(host.opened_to_write)
    photo = large_photo()
    files = [
        {"name": f"{NAME}.png", "mimeType": "image/png", "buffer": photo},
        {"name": f"{NAME}-broken.png", "mimeType": "image/png", "buffer": photo[:2_000_000]},
    ]
    page.locator('[data-testid="stFileUploader"] input[type=file]').set_input_files(files)
    settle(page)
    expect(page.get_by_text(re.compile("1000 ?× ?1000")).first).to_be_visible()
    expect(page.locator('[data-testid="stAlert"]', has_text=NAME).first).to_be_visible()
    page.locator('[data-testid="stSidebarNavLink"][href*="/self_attention"]').click()
    settle(page)
    for typed in (SECRET, SECRET * 200):  # and one that is too long
        page.locator(".st-key-s input").fill(typed)
        page.locator(".st-key-s input").press("Enter")
        settle(page)
    page.context.close()

    assert host.opened_to_write[written:] == []
    assert [path for path in (host.folder / "temporary").rglob("*") if path.is_file()] == []
    for word in (*SECRET.split(), NAME):
        assert word not in host.log
