"""The search engine's addresses: searching, cached and saved searches, display fields."""

from __future__ import annotations

from urllib.parse import unquote

from starlette.responses import Response
from starlette.routing import Route

from xnat_tui.demo.calls import Call, route
from xnat_tui.demo.displays import Displays
from xnat_tui.demo.records import SavedSearch
from xnat_tui.demo.replies import Refusal, Table, json_reply, table_reply, text
from xnat_tui.demo.searching import read_search, run

_FIELD_COLUMNS = ("FIELD_ID", "HEADER", "SUMMARY", "TYPE", "REQUIRES_VALUE", "DESC", "ELEMENT_NAME", "SRC")


def search(call: Call) -> Response:
    """Run the document in the body; ``cache=true`` keeps the rows for ``GET /data/search/{ID}``."""
    asked = read_search(call.site, call.body())
    answer = run(call.site, call.user, asked)
    kept = SavedSearch(
        f"xs{call.site.count('search'):08d}",
        call.user.login,
        columns=answer.columns,
        rows=answer.rows,
        root=asked.root,
    )
    cached = call.flag("cache")
    if cached:
        call.site.searches[kept.id] = kept
    return _reply(call, kept, cached=cached)


def cached_page(call: Call) -> Response:
    """Rows of a cached search, by ``limit`` and ``offset``; 404 unknown or another user's."""
    return _reply(call, _own(call), cached=True)


def list_saved(call: Call) -> Response:
    rows = [
        [one.id, "", "", one.root]
        for one in call.site.searches.values()
        if one.document and one.owner == call.user.login
    ]
    return call.table(Table(["id", "brief_description", "description", "root_element_name"], rows))


def put_saved(call: Call) -> Response:
    name, body = unquote(call.path["search"]), call.body()
    root = read_search(call.site, body).root
    call.site.searches[name] = SavedSearch(name, call.user.login, document=body, root=root)
    return text("")


def get_saved(call: Call) -> Response:
    return Response(_own(call).document, media_type="text/xml")


def saved_results(call: Call) -> Response:
    kept = _own(call)
    answer = run(call.site, call.user, read_search(call.site, kept.document))
    shown = SavedSearch(kept.id, kept.owner, columns=answer.columns, rows=answer.rows, root=kept.root)
    return _reply(call, shown, cached=False)


def delete_saved(call: Call) -> Response:
    del call.site.searches[_own(call).id]
    return text("")


def display_fields(call: Call) -> Response:
    """The display fields of a type; 404 for types without."""
    known = call.site.types.get(call.path["element"])
    name = known.name if known is not None else call.path["element"]
    found = Displays(call.site, call.user).fields(name)
    if not found:
        raise Refusal(404, f"{name} has no display fields")
    rows = [[one, one.title(), f"{name}.{one}", "string", "false", "", name, "0"] for one in found]
    return call.table(Table(_FIELD_COLUMNS, rows))


def routes() -> list[Route]:
    top = "/data/search"
    saved = f"{top}/saved/{{search}}"
    return [
        route(top, POST=search),
        route(f"{top}/elements/{{element}}", GET=display_fields),
        route(f"{top}/saved", GET=list_saved),
        route(saved, GET=get_saved, PUT=put_saved, DELETE=delete_saved),
        route(f"{saved}/results", GET=saved_results),
        # Registered with a fixed start so that ``/data/search/elements`` keeps its own handler.
        route(f"{top}/xs{{search}}", GET=cached_page),
    ]


def _own(call: Call) -> SavedSearch:
    key = unquote(call.path["search"])
    found = call.site.searches.get(key) or call.site.searches.get(f"xs{key}")
    if found is None or found.owner != call.user.login:
        raise Refusal(404, "Unable to find search.")
    return found


def _reply(call: Call, kept: SavedSearch, *, cached: bool) -> Response:
    limit, offset = call.params.get("limit", "*"), call.params.get("offset", "0")
    if not offset.isdigit() or not (limit.isdigit() or limit == "*"):
        raise Refusal(400, "Invalid limit or offset")
    rows = kept.rows[int(offset) :]
    rows = rows if limit == "*" else rows[: int(limit)]
    keys = [column["key"] for column in kept.columns]
    form = call.form()
    if form != "json":
        return table_reply(Table(keys, [[row[key] for key in keys] for row in rows]), form)
    envelope: dict[str, object] = {
        "Columns": kept.columns,
        "Result": rows,
        "totalRecords": str(len(kept.rows)),
        "rootElementName": kept.root,
    }
    if cached:
        envelope["ID"] = kept.id
    return json_reply({"ResultSet": envelope})
