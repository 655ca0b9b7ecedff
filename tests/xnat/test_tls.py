"""TLS against a certificate that no authority knows (`loopback.pem`: its key, and itself as CA)."""

from __future__ import annotations

import ssl
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from xnat_tui.errors import Interrupted, TlsFailure
from xnat_tui.xnat.http.connection import Connection

PEM = Path(__file__).with_name("loopback.pem")
Dial = Callable[..., Connection]


@pytest.fixture
def tls(liar: Any) -> str:
    """The liar's address, its listening socket wrapped in TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    liar.server.socket = context.wrap_socket(liar.server.socket, server_side=True)
    return str(liar.url).replace("http:", "https:")


def test_a_certificate_of_nobody_is_refused_before_the_password_is_sent(
    liar: Any, dial: Dial, tls: str
) -> None:
    with pytest.raises(TlsFailure, match="self-signed certificate"):
        dial(url=tls)
    assert not liar.seen


def test_a_ca_file_makes_it_known(liar: Any, dial: Dial, tls: str) -> None:
    assert dial(url=tls, verify=PEM).user == "olga"


def test_the_ca_file_of_the_environment_is_used(
    dial: Dial, tls: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(PEM))
    assert dial(url=tls).user == "olga"


def test_a_ca_file_that_is_not_there_is_said(dial: Dial, tls: str, tmp_path: Path) -> None:
    with pytest.raises(TlsFailure, match="not there"):
        dial(url=tls, verify=tmp_path / "ca.pem")


def test_an_unverified_connection_warns_nobody_on_the_terminal(dial: Dial, tls: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert dial(url=tls, verify=False).user == "olga"


def test_a_thread_waiting_behind_tls_is_interrupted(liar: Any, dial: Dial, tls: str) -> None:
    connection, held, ended = dial(url=tls, verify=PEM), threading.Event(), []
    liar.on("GET /data/slow", hold=held)
    while liar.arrived.acquire(blocking=False):
        pass

    def ask() -> None:
        with pytest.raises(Interrupted):
            connection.get_json("/data/slow")
        ended.append(True)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    assert liar.arrived.acquire(timeout=20)
    connection.interrupt()
    thread.join(20)
    held.set()
    assert ended == [True]
