"""One open page without a browser: what a browser sends to a Streamlit server, and how it keeps what comes back.

A browser says which control was moved, with the values of all controls, the link and the part of the page that the
control belongs to; the server answers with what is to be drawn, and with the end of the run (streamlit.proto).
"""

from __future__ import annotations

import asyncio
import time
import urllib.request
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Origin, Subprotocol

PATIENCE = 30.0  # seconds until an answer counts as missing
DONE = {ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY}


@dataclass(frozen=True)
class Answer:
    """What became of one interaction: seconds from the message sent to the end of its run; error: "" where it is right.

    kind: the control that was moved, or "open".
    """

    kind: str
    seconds: float
    error: str = ""


@dataclass
class Control:
    """A control on the page: its state as the server knows it, its words, and the part of the page that it is in.

    several: of an uploader, whether it keeps the files before the last.
    """

    state: WidgetState
    options: list[str] = field(default_factory=list)
    part: str = ""
    several: bool = False  # files at once


class Visitor:
    """A session of the server at one page. controls: key in the link → control."""

    def __init__(self, address: str, page: str, values: dict[str, str]) -> None:
        self.page, self.session = page, ""
        self.controls: dict[str, Control] = {}
        self.link = urlencode({"lang": "en", **values})
        self._address = address
        self._script = ""
        self._connection: ClientConnection | None = None
        self._failure = ""
        self._places: FileURLs | None = None  # where the next file goes

    async def open(self) -> Answer:
        """Connects and asks for the page, in a new session."""
        self._script = ""
        origin = Origin(self._address)
        stream = self._address.replace("http", "ws", 1) + "/_stcore/stream"
        start = time.perf_counter()
        try:
            # Browsers answer pings and send none.
            self._connection = await connect(
                stream, origin=origin, subprotocols=[Subprotocol("streamlit")], max_size=None, ping_interval=None
            )
        except (OSError, WebSocketException) as error:
            return Answer("open", time.perf_counter() - start, type(error).__name__)
        return await self._ask("open", "", start)

    async def leave(self) -> None:
        if self._connection is not None:
            await self._connection.close()

    async def type(self, key: str, text: str) -> Answer:
        """Enters a text; right when the link says so."""
        control = self.controls[key]
        control.state.string_value = text
        return await self._ask(key, control.part, time.perf_counter(), text)

    async def pick(self, key: str, option: int) -> Answer:
        """Picks an option of a row of buttons; right when the link says another value than before."""
        control = self.controls[key]
        control.state.string_array_value.data[:] = [control.options[option]]
        return await self._ask(key, control.part, time.perf_counter())

    async def upload(self, key: str, name: str, data: bytes) -> Answer:
        """Gives a file to an uploader; what the page makes of it counts, not the time that its way takes."""
        control = self.controls[key]
        self._places = None
        message = BackMsg()
        message.file_urls_request.request_id = name
        message.file_urls_request.file_names.append(name)
        message.file_urls_request.session_id = self.session
        try:
            assert self._connection is not None
            async with asyncio.timeout(PATIENCE):
                await self._connection.send(message.SerializeToString())
                while self._places is None:
                    self._keep(await self._received())
                await asyncio.to_thread(put, self._address, self._places.upload_url, name, data)
        except (TimeoutError, OSError, WebSocketException) as error:
            return Answer(key, 0.0, type(error).__name__)
        files = control.state.file_uploader_state_value.uploaded_file_info
        if not control.several:
            del files[:]
        uploaded = files.add()
        uploaded.file_id, uploaded.name, uploaded.size = self._places.file_id, name, len(data)
        uploaded.file_urls.CopyFrom(self._places)
        return await self._ask(key, control.part, time.perf_counter(), in_link=False)

    def picked(self, key: str) -> int:
        """Which option of a row of buttons is chosen."""
        control = self.controls[key]
        return control.options.index(control.state.string_array_value.data[0])

    def in_link(self, key: str) -> str:
        return parse_qs(self.link, keep_blank_values=True).get(key, [""])[0]

    async def _ask(
        self, kind: str, part: str, start: float, wanted: str | None = None, *, in_link: bool = True
    ) -> Answer:
        """in_link: whether the link says of `kind` what was chosen."""
        before = self.in_link(kind)
        self._failure = ""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._send(part)
                while not self._keep(await self._received()):
                    pass
        except TimeoutError:
            self._failure = f"no answer within {PATIENCE:g} s"
            # Its answer may still come, and is not that to the next message: whoever goes on loads the page anew.
            await self.leave()
            self.controls.clear()
        except WebSocketException as error:
            self._failure = type(error).__name__
        seconds = time.perf_counter() - start
        now = self.in_link(kind)
        if not self._failure and in_link and kind != "open" and (now == before if wanted is None else now != wanted):
            self._failure = f"the link does not say the new {kind}"
        return Answer(kind, seconds, self._failure)

    async def _send(self, part: str) -> None:
        assert self._connection is not None
        message = BackMsg()
        asked = message.rerun_script
        asked.query_string = self.link
        asked.widget_states.widgets.extend(control.state for control in self.controls.values())
        if self._script:
            asked.page_script_hash = self._script
        else:
            asked.page_name = self.page
        asked.fragment_id = part
        asked.context_info.timezone, asked.context_info.locale = "UTC", "en-GB"
        asked.context_info.url = f"{self._address}/{self.page}"
        await self._connection.send(message.SerializeToString())

    async def _received(self) -> ForwardMsg:
        assert self._connection is not None
        frame = await self._connection.recv()
        assert isinstance(frame, bytes)
        message: ForwardMsg = ForwardMsg.FromString(frame)
        return message

    def _keep(self, message: ForwardMsg) -> bool:
        """Takes in one message; True at the end of the run that was asked for."""
        match message.WhichOneof("type"):
            case "new_session":
                self.session = message.new_session.initialize.session_id or self.session
            case "navigation":
                self._script = message.navigation.page_script_hash
            case "page_info_changed":
                self.link = message.page_info_changed.query_string
            case "delta":
                self._draw(message.delta)
            case "file_urls_response":
                [self._places] = message.file_urls_response.file_urls
            case "script_finished":
                # A run that another one takes over, as `st.rerun` asks for, is not the end.
                return message.script_finished in DONE
        return False

    def _draw(self, delta: Delta) -> None:
        element = delta.new_element
        match element.WhichOneof("type"):
            case "button_group":
                group = element.button_group
                state = WidgetState(id=group.id)
                state.string_array_value.data.extend(group.raw_values)
                words = [option.content for option in group.options]
                self.controls[_key(group.id)] = Control(state, words, delta.fragment_id)
            case "text_input":
                state = WidgetState(id=element.text_input.id, string_value=element.text_input.value)
                self.controls[_key(element.text_input.id)] = Control(state, part=delta.fragment_id)
            case "file_uploader":
                state = WidgetState(id=element.file_uploader.id)
                state.file_uploader_state_value.SetInParent()
                several = element.file_uploader.multiple_files
                self.controls[_key(element.file_uploader.id)] = Control(state, part=delta.fragment_id, several=several)
            case "exception":
                self._failure = f"exception: {element.exception.type}"
            case "alert" if element.alert.format == element.alert.ERROR:
                self._failure = f"error on the page: {element.alert.body[:60]}"


def _key(identity: str) -> str:
    """The key that the app gave to a widget: Streamlit's identity is "$$ID-hash-key"."""
    return identity.split("-", 2)[2]


def put(address: str, path: str, name: str, data: bytes) -> None:
    """Brings a file, as a browser does, with the token that the server gives against forged requests."""
    with urllib.request.urlopen(f"{address}/_stcore/health") as answer:
        cookie = next(iter(answer.headers.get_all("Set-Cookie") or [""])).partition(";")[0]
    border = "a-file-of-a-visitor"
    head = f'--{border}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
    body = head.encode() + b"Content-Type: application/octet-stream\r\n\r\n" + data + f"\r\n--{border}--\r\n".encode()
    headers = {
        "Content-Type": f"multipart/form-data; boundary={border}",
        "Cookie": cookie,
        "X-Xsrftoken": cookie.partition("=")[2],
        "Origin": address,
    }
    urllib.request.urlopen(urllib.request.Request(address + path, body, headers, method="PUT")).close()
