"""Answers in chunks: whatever their sizes and however they come, what is given out is what was sent."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.client import HTTPException

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xnat_tui.xnat.http.adapter import AHEAD, Reply

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


def chunked(body: bytes, sizes: list[int], extension: bytes = b"") -> bytes:
    """A body in chunks of these sizes in turn."""
    out, place, number = [], 0, 0
    while place < len(body):
        piece = body[place : place + sizes[number % len(sizes)]]
        out.append(b"%x%s\r\n%s\r\n" % (len(piece), extension, piece))
        place, number = place + len(piece), number + 1
    return b"".join(out)


def pieces(sent: bytes, step: int, most: int) -> Iterator[bytes]:
    """What `read1` gives out of an answer that is sent in parts."""
    ours, theirs = socket.socketpair()

    def send() -> None:
        with theirs:
            for start in range(0, len(sent), step):
                theirs.sendall(sent[start : start + step])

    sender = threading.Thread(target=send)
    sender.start()
    with ours:
        reply = Reply(ours, method="GET")
        reply.begin()
        while piece := reply.read1(most):
            yield piece
        reply.close()
    sender.join()


@given(
    body=st.binary(max_size=5000),
    sizes=st.lists(st.integers(1, 700), min_size=1, max_size=4),
    step=st.integers(1, 4000),
    most=st.sampled_from([1, 100, 1000, 100_000]),
    extension=st.sampled_from([b"", b";name=value"]),
)
def test_chunks_of_any_sizes(body: bytes, sizes: list[int], step: int, most: int, extension: bytes) -> None:
    found = list(pieces(HEAD + chunked(body, sizes, extension) + END, step, most))
    assert b"".join(found) == body
    assert max(map(len, found), default=0) <= most


def test_small_chunks_are_given_out_together() -> None:
    body = bytes(range(256)) * 4096
    found = list(pieces(HEAD + chunked(body, [8192]) + b"0\r\nTrailer: x\r\n\r\n", len(body), len(body)))
    assert b"".join(found) == body
    assert len(found) < len(body) / 8192 / 2
    assert max(map(len, found)) <= AHEAD + 8192


@given(cut=st.integers(1, 5000))
def test_cut_anywhere_it_is_no_end(cut: int) -> None:
    whole = HEAD + chunked(bytes(5000), [700]) + END
    found: list[bytes] = []
    with pytest.raises(HTTPException):
        found.extend(pieces(whole[: len(whole) - len(END) - cut], 1000, 100_000))
    assert set(b"".join(found)) <= {0}


@pytest.mark.parametrize("line", [b"zz", b"-5", b"", b"0x10", b"fffffffff"])
def test_a_size_that_is_none_is_an_error(line: bytes) -> None:
    sent = HEAD + chunked(b"good", [4]) + line + b"\r\nrest\r\n" + END
    with pytest.raises((HTTPException, ValueError)):
        list(pieces(sent, 1000, 1000))
