"""What the server adds to Streamlit's own: hosts, headers, compressed bundles, errors in the user's language."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from functools import cache
from pathlib import Path

import streamlit as st
from anyio import to_thread
from starlette.datastructures import Headers
from starlette.formparsers import MultiPartParser
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.shell import bundles

_STATIC = Path(st.__file__).parent / "static"
_KINDS = {".js": "text/javascript", ".css": "text/css"}
_YEAR = 365 * 24 * 60 * 60
_LOCAL = ("localhost", "127.0.0.1")  # health checks come from the machine itself


def middleware() -> list[Middleware]:
    """From the outside in. Hosts are those of Streamlit's `server.allowedHosts`, which asks at WebSockets alone."""
    hosts: list[str] = st.get_option("server.allowedHosts")
    trusted = [Middleware(TrustedHostMiddleware, allowed_hosts=[*hosts, *_LOCAL])] if hosts else []
    return [*trusted, Middleware(SecurityHeaders), Middleware(CompressedBundles)]


def keep_uploads_in_memory() -> None:
    """Starlette writes what is larger than a megabyte to the disk while it arrives; here nothing of a visitor's is."""
    MultiPartParser.spool_max_size = (st.get_option("server.maxUploadSize") + 1) * 1024**2


class SecurityHeaders:
    """Adds the usual security headers to every HTTP answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._headers = [(name.encode(), value.encode()) for name, value in _security_headers().items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; WebSockets pass untouched."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._headers]
            await send(message)

        await self.app(scope, receive, with_headers)


def _security_headers() -> dict[str, str]:
    policy = {
        "default-src": "'self'",
        # blob: Streamlit makes a module of each component's JavaScript; wasm: its tables are read by WebAssembly; the
        # hash: of the script in its index.html.
        "script-src": f"'self' blob: 'wasm-unsafe-eval' {' '.join(_inline_scripts())}",
        "style-src": "'self' 'unsafe-inline'",  # Streamlit's own styles, Plotly's, and ours in st.html
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "media-src": "'self' data: blob:",
        "connect-src": "'self' data: blob:",
        "worker-src": "'self' blob:",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'self'",
    }
    return {
        "content-security-policy": "; ".join(f"{name} {sources}" for name, sources in policy.items()),
        "x-content-type-options": "nosniff",
        "x-frame-options": "SAMEORIGIN",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "permissions-policy": "camera=(self), clipboard-read=(self), geolocation=(), microphone=(), payment=(), usb=()",
    }


def _inline_scripts() -> list[str]:
    """The hashes of the scripts that stand in Streamlit's page itself, whichever release it is of."""
    page = (_STATIC / "index.html").read_text(encoding="utf-8")
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    return [f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in scripts]


class CompressedBundles:
    """Streamlit's own scripts and styles, compressed once: it would send them as they are. And Plotly's script."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        found = (path for path in (_STATIC / "static").rglob("*") if path.suffix in _KINDS)
        self._bundles = {bundles.below_base(path.relative_to(_STATIC).as_posix()): path for path in found}
        self._bundles[bundles.address(bundles.PLOTLY)] = bundles.PLOTLY

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; everything but a bundle gets Streamlit's own answer."""
        bundle = self._bundles.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "GET" else None
        if bundle is None:
            await self.app(scope, receive, send)
            return
        headers = {
            "vary": "Accept-Encoding",
            "cache-control": f"public, immutable, max-age={_YEAR}",  # a bundle's name holds its hash or its version
        }
        if "gzip" in Headers(scope=scope).get("accept-encoding", ""):
            headers["content-encoding"] = "gzip"
            content = await to_thread.run_sync(_packed, bundle)
        else:
            content = await to_thread.run_sync(bundle.read_bytes)
        await Response(content, headers=headers, media_type=_KINDS[bundle.suffix])(scope, receive, send)


@cache
def _packed(bundle: Path) -> bytes:
    return gzip.compress(bundle.read_bytes(), mtime=0)


def on_script_error(error: Exception) -> bool:
    """Shows a plain sentence instead of a traceback, which Streamlit writes to the log."""
    # Not above: they load PyTorch, and the server answers before it is there.
    from attention_core.errors import BusyError
    from ui.i18n import t
    from ui.shell.turns import too_many

    if isinstance(error, BusyError):
        too_many(error)
        return True
    st.error(t("frame.our_error", kind=type(error).__name__))
    return True
