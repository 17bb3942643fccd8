"""Addresses that others can reach."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path

import pytest

from attention_core.runtime.network import address_for_others, is_this_machine, lan_address
from attention_core.runtime.version import version

ROOT = Path(__file__).resolve().parents[2]


def test_the_address_is_one_of_this_machine_but_not_loopback() -> None:
    found = lan_address()
    if found is not None:  # a machine may have no network
        assert not ipaddress.ip_address(found).is_loopback


def test_without_a_network_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object) -> None:
        raise OSError("the network is unreachable")

    class Cut(socket.socket):
        connect = unreachable

    monkeypatch.setattr(socket, "socket", Cut)
    assert lan_address() is None


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1", "app.localhost"])
def test_names_of_this_machine(host: str) -> None:
    assert is_this_machine(host)


@pytest.mark.parametrize("host", ["", "192.168.1.2", "example.org", "localhost.example.org"])
def test_names_of_others(host: str) -> None:
    assert not is_this_machine(host)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://localhost:8501/cbam", "http://192.168.1.2:8501/cbam"),
        ("http://127.0.0.1/", "http://192.168.1.2/"),
        ("http://[::1]:80/x", "http://192.168.1.2:80/x"),
        ("https://hall.example.org/base/cbam", "https://hall.example.org/base/cbam"),
        ("http://10.0.0.7:8501", "http://10.0.0.7:8501"),
    ],
)
def test_only_this_machines_own_names_give_way(url: str, expected: str) -> None:
    assert address_for_others(url, "192.168.1.2") == expected
    assert address_for_others(url, None) == url


def test_the_version_is_that_of_the_project() -> None:
    assert f'version = "{version()}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
