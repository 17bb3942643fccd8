"""Servers behind the proxy of deploy/: each visitor keeps to one of them, and goes on elsewhere when it dies."""

from __future__ import annotations

import http.client
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from deploy.hall import configuration, free_port
from tests.browser.driver import ROOT, settle
from tests.robustness.hosting import Hosted, hosted, nginx, wait_for
from tests.robustness.test_hosting import NAME, SECRET, large_photo

pytestmark = pytest.mark.browser


@dataclass
class Proxied:
    """The proxy with its replicas. folder: where it would keep what it writes."""

    port: int
    folder: Path
    replicas: list[Hosted]

    @property
    def address(self) -> str:
        """Where visitors come to."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> list[str]:
        """All requests so far, each with the replica that answered it at the end."""
        return (self.folder / "access.log").read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    program = nginx()
    with ExitStack() as running:
        folder = tmp_path_factory.mktemp("proxy")
        folder.chmod(0o777)
        replicas = [running.enter_context(hosted(tmp_path_factory.mktemp("replica"))) for _ in range(3)]
        port = free_port()
        text = configuration([replica.address.removeprefix("http://") for replica in replicas], port, folder)
        text = put_for("/dev/stdout", f"{folder}/access.log", text)
        text = put_for("/dev/stderr", f"{folder}/error.log", text)
        text = put_for("$request_time'", "$request_time $upstream_addr'", text)
        (folder / "nginx.conf").write_text(text, encoding="utf-8")
        process = subprocess.Popen([program, "-c", str(folder / "nginx.conf"), "-g", "daemon off;"])
        running.callback(process.wait, timeout=30)
        running.callback(process.terminate)
        proxy = Proxied(port, folder, replicas)
        wait_for(f"{proxy.address}/_stcore/health", 30)
        yield proxy


def put_for(old: str, new: str, text: str) -> str:
    """`text` with `new` in the place of `old`, which has to stand there once."""
    assert text.count(old) == 1, old
    return text.replace(old, new)


def answer(proxied: Proxied, path: str, method: str = "GET", **headers: str) -> http.client.HTTPResponse:
    """Of one request, read to its end."""
    with closing(http.client.HTTPConnection("127.0.0.1", proxied.port, timeout=60)) as connection:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        response.read()
        return response


def replica_of(line: str) -> str:
    """The replica that gave an answer; of several that were asked in turn the last."""
    return line.split(" ", 5)[-1].rsplit(", ", 1)[-1]


def test_each_visitor_keeps_to_one_replica_and_all_have_some(proxied: Proxied) -> None:
    for number in range(24):
        cookie = answer(proxied, f"/visitor-{number}?s=first").headers["Set-Cookie"]
        assert re.fullmatch(r"replica=[0-9a-f]{32}; Path=/; HttpOnly; SameSite=Lax", cookie)
        for _ in range(3):
            again = answer(proxied, f"/visitor-{number}", Cookie=cookie.split(";")[0])
            assert again.status == 200 and "replica=" not in (again.headers["Set-Cookie"] or "")
    answer(proxied, "/the-end")
    of_visitors = [{replica_of(line) for line in proxied.log if f" /visitor-{number} " in line} for number in range(24)]
    assert [len(replicas) for replicas in of_visitors] == [1] * 24
    assert set().union(*of_visitors) == {replica.address.removeprefix("http://") for replica in proxied.replicas}


def test_what_is_larger_than_an_upload_may_be_is_refused_at_the_door(proxied: Proxied) -> None:
    [megabytes] = re.findall(
        r"^maxUploadSize = (\d+)$", (ROOT / ".streamlit" / "config.toml").read_text(), re.MULTILINE
    )
    within, beyond = int(megabytes) * 1024**2, (int(megabytes) + 1) * 1024**2 + 1
    path = "/_stcore/upload_file/session/file"
    with closing(http.client.HTTPConnection("127.0.0.1", proxied.port, timeout=60)) as connection:
        connection.request("PUT", path, body=b"\0" * within)
        assert connection.getresponse().status == 403  # of the app, which misses its token
    assert answer(proxied, path, "PUT", **{"Content-Length": str(beyond)}).status == 413


def test_a_visitor_uploads_a_photo_and_goes_on_when_the_replica_dies(browser: Browser, proxied: Proxied) -> None:
    page = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(60_000)
    before = len(proxied.log)
    page.goto(f"{proxied.address}/cbam?lang=en&opacity={SECRET}")
    settle(page)
    file = {"name": f"{NAME}.png", "mimeType": "image/png", "buffer": large_photo()}
    page.locator('[data-testid="stFileUploader"] input[type=file]').set_input_files([file])
    settle(page)
    expect(page.get_by_text(re.compile("1000 ?× ?1000")).first).to_be_visible()
    page.goto(f"{proxied.address}/self_attention?lang=zh&s=猫喝牛奶&layer=1&head=2")  # which ends the first WebSocket
    settle(page)

    visit = proxied.log[before:]
    assert any("PUT /_stcore/upload_file/" in line for line in visit)
    assert any(line.split()[1] == "101" for line in visit)
    [home] = {replica_of(line) for line in visit[1:]}  # the first has no cookie yet; it is sent there all the same
    assert replica_of(visit[0]) == home
    said = "".join((proxied.folder / name).read_text(encoding="utf-8") for name in ("access.log", "error.log"))
    assert NAME not in said and "opacity" not in said and "127.0.0.1 " not in said
    kept = [path for path in proxied.folder.rglob("*") if path.is_file()]
    assert sorted(path.name for path in kept) == ["access.log", "error.log", "nginx.conf", "nginx.pid"]

    [theirs] = [replica for replica in proxied.replicas if replica.address.endswith(home)]
    theirs.kill()
    marks = page.locator(".st-key-weights .ytick text")
    page.reload()
    settle(page)
    expect(marks).to_have_text(["[CLS]", "猫", "喝", "牛", "奶", "[SEP]"])
    assert all(part in page.url for part in ("lang=zh", "layer=1", "head=2"))
    assert replica_of(proxied.log[-1]) != home
    page.context.close()
