"""Logging in: sessions, tokens, browsers, guests, expiry."""

from __future__ import annotations

import re
from typing import Any

import requests

from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.site import Site


def bare(server: DemoServer, path: str, **options: Any) -> requests.Response:
    return requests.get(server.url + path, timeout=10, **options)


def test_the_form_login_gives_a_usable_session(server: DemoServer) -> None:
    login = requests.put(
        f"{server.url}/data/services/auth", data={"username": "olga", "password": "secret"}, timeout=10
    )
    answer = bare(server, "/data/auth", cookies={"JSESSIONID": login.text})
    assert answer.text == "User 'olga' is logged in"
    wrong = requests.put(
        f"{server.url}/data/services/auth", data={"username": "olga", "password": "x"}, timeout=10
    )
    assert wrong.status_code == 401


def test_every_basic_request_without_cookie_is_a_new_session(server: DemoServer, site: Site) -> None:
    site.settings.concurrent_max_sessions = 2
    codes = [bare(server, "/data/auth", auth=("olga", "secret")).status_code for _ in range(3)]
    assert codes == [200, 200, 401]


def test_the_expiration_cookie_is_quoted(admin: Any) -> None:
    admin.get("/data/auth")
    assert re.fullmatch(r'"\d+,900000"', admin.http.cookies["SESSION_EXPIRATION_TIME"])


def test_expired_sessions_answer_401_or_the_login_page(server: DemoServer, site: Site, admin: Any) -> None:
    session = admin.get("/data/JSESSION").text
    server.expire_sessions()
    assert bare(server, "/data/projects", cookies={"JSESSIONID": session}).status_code == 401
    site.settings.expired_answer = "login"
    page = bare(server, "/data/projects", cookies={"JSESSIONID": session})
    assert page.status_code == 200
    assert "BEGIN xnat-templates/screens/Login.vm" in page.text


def test_browsers_are_sent_to_the_login_page(server: DemoServer) -> None:
    page = bare(server, "/data/projects", headers={"User-Agent": "Mozilla/5.0"})
    assert page.status_code == 200
    assert page.history[0].status_code == 302
    assert "Login.vm" in page.text
    refused = bare(server, "/data/projects")
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith("Basic")


def test_guests_on_open_sites(server: DemoServer, site: Site) -> None:
    site.settings.require_login = False
    assert bare(server, "/data/auth").text == "User 'guest' is logged in"
    missing = bare(server, "/data/experiments/NOPE?format=json")
    assert (missing.status_code, missing.content) == (200, b"")


def test_tokens_stand_in_for_passwords(server: DemoServer, client_of: Any) -> None:
    olga = client_of("olga")
    token = olga.get("/data/services/tokens/issue").json()
    pair = (token["alias"], token["secret"])
    assert bare(server, "/xapi/users/username", auth=pair).text == "olga"
    base = "/data/services/tokens"
    assert olga.get(f"{base}/validate/{pair[0]}/wrong").json() == {"valid": None}
    assert olga.get(f"{base}/issue/user/mia").status_code == 403
    assert olga.get(f"{base}/invalidate/{pair[0]}").json() == {"result": "OK"}
    assert bare(server, "/data/auth", auth=pair).status_code == 401


def test_expired_passwords_and_disabled_accounts(server: DemoServer, site: Site) -> None:
    site.users["olga"].password_expired = True
    assert bare(server, "/data/auth", auth=("olga", "secret")).status_code == 403
    site.users["mia"].enabled = False
    assert bare(server, "/data/auth", auth=("mia", "secret")).status_code == 401


def test_what_the_server_says_of_itself(admin: Any, site: Site, client_of: Any) -> None:
    assert admin.get("/data/version").status_code == 404
    site.version = "1.10.0-RC2"
    assert admin.get("/xapi/siteConfig/buildInfo").json()["version"] == "1.10.0-RC2"
    assert site.at_least(1, 9)
    assert admin.get("/xapi/users/admin/roles").json() == ["Administrator"]
    assert "xnat:imageScanData" in admin.get("/xapi/schemas/datatypes").json()
    missing = admin.get("/xapi/plugins/ohifViewerPlugin")
    assert missing.status_code == 404
    assert "<h3>" not in missing.text
    olga = client_of("olga")
    assert olga.get("/xapi/siteConfig/archivePath").status_code == 403
    assert olga.get("/xapi/access/projects").json()[0]["group_id"] == "P1_owner"


def test_a_context_path_is_part_of_every_address(site: Site) -> None:
    site.settings.context_path = "/xnat"
    with DemoServer(site) as server:
        assert server.url.endswith("/xnat")
        assert bare(server, "/data/auth", auth=("admin", "admin")).status_code == 200
        root = server.url.removesuffix("/xnat")
        assert requests.get(f"{root}/data/auth", auth=("admin", "admin"), timeout=10).status_code == 404
