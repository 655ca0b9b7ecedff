"""Some three hundred routes, of which a request tries only those whose fixed words stand in its path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

_ANY = "{}"
"""In place of a word that may be anything."""


@dataclass
class _Step:
    """What may follow a part of a path; routes are told by their place in the order."""

    following: dict[str, _Step] = field(default_factory=dict)
    ending: list[int] = field(default_factory=list)
    open: list[int] = field(default_factory=list)
    """Routes whose last variable takes all the rest of a path."""


class Routes(BaseRoute):
    """Routes as one: the first that matches answers, as if all of them were tried in order."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = routes
        self._start = _Step()
        for number, route in enumerate(routes):
            step = self._start
            for word in route.path.split("/"):
                if word.endswith(":path}"):
                    step.open.append(number)
                    break
                step = step.following.setdefault(_ANY if "{" in word else word, _Step())
            else:
                step.ending.append(number)

    def candidates(self, path: str) -> list[Route]:
        """In order; of these each has the words of the path."""
        steps, found = [self._start], list[int]()
        for word in path.split("/"):
            found += (number for step in steps for number in step.open)
            steps = [step.following[key] for step in steps for key in {word, _ANY} if key in step.following]
        found += (number for step in steps for number in step.ending)
        return [self._routes[number] for number in sorted(found)]

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        partly: tuple[Match, Scope] = (Match.NONE, {})
        for route in self.candidates(scope["path"]):
            match, found = route.matches(scope)
            if match is Match.FULL:
                return match, {**found, "chosen": route}
            if match is Match.PARTIAL and partly[0] is Match.NONE:
                partly = match, {**found, "chosen": route}
        return partly

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await scope["chosen"].handle(scope, receive, send)
