"""The demo server as an ASGI application: route modules in the order in which they match."""

from __future__ import annotations

from functools import cache

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from xnat_tui.demo.faults import Faults, RequestLog
from xnat_tui.demo.replies import error_page, text
from xnat_tui.demo.routes import anonymize as anonymize_routes
from xnat_tui.demo.routes import archive as archive_routes
from xnat_tui.demo.routes import auth as auth_routes
from xnat_tui.demo.routes import custom_fields as custom_field_routes
from xnat_tui.demo.routes import files as file_routes
from xnat_tui.demo.routes import imports as import_routes
from xnat_tui.demo.routes import items as item_routes
from xnat_tui.demo.routes import lists as list_routes
from xnat_tui.demo.routes import prearchive as prearchive_routes
from xnat_tui.demo.routes import projects as project_routes
from xnat_tui.demo.routes import resources as resource_routes
from xnat_tui.demo.routes import search as search_routes
from xnat_tui.demo.routes import services as service_routes
from xnat_tui.demo.routes import sharing as sharing_routes
from xnat_tui.demo.routes import site as site_routes
from xnat_tui.demo.routes import users as user_routes
from xnat_tui.demo.routes import viewer as viewer_routes
from xnat_tui.demo.routes import workflows as workflow_routes
from xnat_tui.demo.routing import Routes
from xnat_tui.demo.site import Site
from xnat_tui.demo.transport import Connections, Gateway

ROUTE_MODULES = (
    auth_routes,
    site_routes,
    list_routes,
    prearchive_routes,
    archive_routes,
    import_routes,
    workflow_routes,
    anonymize_routes,
    search_routes,
    sharing_routes,
    user_routes,
    service_routes,
    custom_field_routes,
    viewer_routes,
    file_routes,
    resource_routes,
)
"""Modules with ``routes()``; a new one is one line here. The first matching route answers."""

TAIL_MODULES = (item_routes, project_routes)
"""They answer every path below their items, so they come last."""


@cache
def _routes() -> Routes:
    return Routes([one for module in (*ROUTE_MODULES, *TAIL_MODULES) for one in module.routes()])


def create_application(
    site: Site, faults: Faults, log: RequestLog, connections: Connections | None = None
) -> Starlette:
    """The application of a site; ``connections`` lets faults close sockets."""
    application = Starlette(
        routes=[_routes()],
        middleware=[
            Middleware(
                Gateway,
                site=site,
                faults=faults,
                log=log,
                connections=connections or Connections(),
            )
        ],
        exception_handlers={HTTPException: _not_found},
    )
    application.router.redirect_slashes = False
    application.state.site = site
    return application


async def _not_found(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if request.url.path.startswith("/xapi"):
        return text("Not Found", status)
    return error_page(status, "The server has not found anything matching the request URI")
