"""Where a front page's redirect may lead before the password is sent."""

from __future__ import annotations

import io
from typing import Any

import pytest
import requests

from xnat_tui.config import Server
from xnat_tui.errors import NotXnat, ServerUnreachable
from xnat_tui.xnat.http.signin import find_base
from xnat_tui.xnat.http.transport import Transport


class FrontPages(Transport):
    """Answers from a table of addresses; all others with 200."""

    def __init__(self, url: str, pages: dict[str, str | int]) -> None:
        super().__init__(Server("lab", url))
        self.pages = pages
        self.asked: list[str] = []

    def send(self, method: str, url: str, *arguments: Any, **options: Any) -> requests.Response:
        self.asked.append(url)
        response = requests.Response()
        response.raw = io.BytesIO()
        page = self.pages.get(url, 200)
        response.status_code = page if isinstance(page, int) else 302
        if isinstance(page, str):
            response.headers["Location"] = page
        return response


LOGIN = "/app/template/Login.vm"


@pytest.mark.parametrize(
    ("start", "pages", "base", "count"),
    [
        ("https://x.org", {}, "https://x.org", 1),
        ("https://x.org/xnat/", {}, "https://x.org/xnat", 1),
        ("https://x.org", {"https://x.org/": LOGIN}, "https://x.org", 1),
        ("https://x.org", {"https://x.org/": f"/xnat{LOGIN};jsessionid=A"}, "https://x.org/xnat", 1),
        (
            "https://x.org",
            {"https://x.org/": "/xnat/", "https://x.org/xnat/": f"/xnat{LOGIN}"},
            "https://x.org/xnat",
            2,
        ),
        ("https://x.org", {"https://x.org/": "/;jsessionid=ABC"}, "https://x.org", 1),
        ("http://x.org", {"http://x.org/": "https://x.org/"}, "https://x.org", 2),
        ("http://x.org", {"http://x.org/": f"https://x.org/xnat{LOGIN}"}, "https://x.org/xnat", 1),
        ("http://x.org:8080", {"http://x.org:8080/": "https://x.org:8443/"}, "https://x.org:8443", 2),
        ("https://x.org", {"https://x.org/": f"http://x.org{LOGIN}"}, "https://x.org", 1),
        ("https://x.org", {"https://x.org/": f"https://idp.example{LOGIN}"}, "https://x.org", 1),
        (
            "http://localhost:9999",
            {"http://localhost:9999/": f"https://x.org{LOGIN}"},
            "http://localhost:9999",
            1,
        ),
        ("https://x.org", {"https://x.org/": 404}, "https://x.org", 1),
    ],
)
def test_only_the_same_host_and_never_a_step_back(
    start: str, pages: dict[str, str | int], base: str, count: int
) -> None:
    transport = FrontPages(start, pages)
    find_base(transport)
    assert (transport.base, len(transport.asked)) == (base, count)


@pytest.mark.parametrize("location", ["http://x.org/data/y", "http://x.org:443/data/y", "//y.org/data/y"])
def test_the_session_is_never_sent_unencrypted_nor_to_another_host(location: str) -> None:
    transport = FrontPages("https://x.org", {"https://x.org/data/x": location})
    with pytest.raises(NotXnat, match=r"https to http|another host"):
        transport.get("https://x.org/data/x", transport.stop)
    assert transport.asked == ["https://x.org/data/x"]


def test_redirects_in_a_circle_end() -> None:
    transport = FrontPages("https://x.org", {"https://x.org/": "/a/", "https://x.org/a/": "/"})
    find_base(transport)
    assert len(transport.asked) <= 5


def test_a_proxy_without_its_server_is_unreachable() -> None:
    with pytest.raises(ServerUnreachable, match="502"):
        find_base(FrontPages("https://x.org", {"https://x.org/": 502}))


@pytest.mark.parametrize(
    ("base", "location"),
    [
        ("https://x.org", "https://x.org:8443/data/y"),
        ("http://x.org:8080", "http://x.org/data/y"),
        ("http://x.org:8080", "//x.org:8081/data/y"),
        ("http://x.org", "https://x.org/data/y"),
    ],
)
def test_the_session_is_never_sent_to_another_port(base: str, location: str) -> None:
    transport = FrontPages(base, {f"{base}/data/x": location})
    with pytest.raises(NotXnat, match="another port"):
        transport.get(f"{base}/data/x", transport.stop)
    assert transport.asked == [f"{base}/data/x"]


@pytest.mark.parametrize("location", ["https://x.org:443/data/y", "/data/y", "https://X.org/data/y"])
def test_a_port_that_is_the_usual_one_is_the_same_written_or_not(location: str) -> None:
    transport = FrontPages("https://x.org", {"https://x.org/data/x": location})
    assert transport.get("https://x.org/data/x", transport.stop).status_code == 200
