"""Where other machines on the same network find this one."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit, urlunsplit

_ELSEWHERE = ("192.0.2.1", 9)  # set apart for examples (RFC 5737): nobody's, and nothing is sent there


def lan_address() -> str | None:
    """This machine's address in its local network; None without one.

    Connecting a UDP socket sends no packet: the system only chooses the interface that it would use.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ELSEWHERE)
            address = str(probe.getsockname()[0])
        except OSError:
            return None
    return None if is_this_machine(address) or address == "0.0.0.0" else address


def is_this_machine(host: str) -> bool:
    """Whether `host` is a name or address by which a machine means itself."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name
        return False


def address_for_others(url: str, lan: str | None) -> str:
    """`url` as other machines must write it: "localhost" gives way to `lan`, any other host stays."""
    parts = urlsplit(url)
    if lan is None or not is_this_machine(parts.hostname or ""):
        return url
    host = lan if parts.port is None else f"{lan}:{parts.port}"
    return urlunsplit(parts._replace(netloc=host))
