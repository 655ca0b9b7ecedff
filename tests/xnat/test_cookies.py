"""Session and cookies stay with the server's scheme, host and port: a cookie jar knows no ports."""

from __future__ import annotations

import pytest

from xnat_tui.errors import NotXnat


def test_no_cookie_reaches_another_port_of_the_host(liar, connection, neighbour):
    """xnatpy's own requests and those that follow redirects included."""
    liar.on("GET /data/a", "{}", headers={"Set-Cookie": "route=node2; Path=/"})
    connection.get_json("/data/a")
    neighbour.on("GET /data/b", "{}", headers={"Set-Cookie": "route=foreign; Path=/"})
    liar.on("GET /data/b", b"", 302, headers={"Location": f"{neighbour.url}/data/b"})
    for url in (f"{neighbour.url}/data/b", f"{liar.url}/data/b"):
        connection.xnatpy.interface.get(url)
    assert [one.headers.get("Cookie") for one in neighbour.seen] == [None, None]
    liar.on("GET /data/c", "{}")
    connection.get_json("/data/c")
    assert liar.seen[-1].headers["Cookie"] == "route=node2; JSESSIONID=SESSION00001"


def test_a_redirect_to_another_port_gives_nothing_away(liar, connection, neighbour):
    liar.on("GET /data/x", b"", 302, headers={"Location": f"{neighbour.url}/data/x"})
    with pytest.raises(NotXnat, match="another port"):
        connection.get_json("/data/x")
    assert neighbour.seen == []
