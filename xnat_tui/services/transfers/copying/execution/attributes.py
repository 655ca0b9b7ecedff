"""Attributes of resources: format, content, description and tags, given as a resource is made, and read back.

XNAT takes them only then, and whatever is uploaded first makes a resource that is missing. So what carries
other attributes than its resource is sent once the resource is seen to stand there: which of several uploads
fails, or comes first, changes nothing.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from lxml import etree

from xnat_tui.errors import BadAnswer, Conflict, Interrupted, ServerUnreachable, Unclear, XnatTuiError
from xnat_tui.jobs.control import Control
from xnat_tui.model.entities import Item
from xnat_tui.model.judging import same_content
from xnat_tui.model.plan import Step
from xnat_tui.model.transfer import Failure
from xnat_tui.model.work import ResourceCopy
from xnat_tui.services.transfers.attempts import ATTEMPTS, pause
from xnat_tui.services.transfers.copying.run import CopyRun
from xnat_tui.services.transfers.lists import session_of
from xnat_tui.xnat.documents import item_xml, writing
from xnat_tui.xnat.documents.writing import Attributes

NAMES = ("format", "content", "description", "tags")


def of_file(item: Item) -> Attributes:
    """What its own row says of a file, never its resource's; files have no description."""
    return Attributes(**{name: item.fields.get(name, "") for name in ("format", "content", "tags")})


def planned(run: CopyRun, step: Step) -> Attributes:
    """A resource's own at the source. Only the document of what it stands at tells all of them."""
    uri, work = step.source.uri, step.carried(ResourceCopy)
    document = run.document(session_of(uri) or _owner(uri))
    told = item_xml.resource_attributes(document, uri, work.label)
    return Attributes(**{name: told.get(name) or getattr(work, name) for name in NAMES})


def address(step: Step) -> str:
    """Of the destination's document that tells a resource's attributes: its session's, if it has one."""
    uri = step.target.uri
    return step.session if uri.startswith(f"{step.session}/") else _owner(uri)


def make(
    run: CopyRun, needed: Sequence[Step], missing: Iterable[Step], control: Control
) -> dict[int, XnatTuiError]:
    """Make resources, and see that they stand there; why not, by the step's number.

    Resources of which any of the `missing` has to be the second of its scan are made along with them.
    """
    before = [one for step in missing for one in _before(run, step)]
    by_number = {step.number: step for step in (*before, *needed)}
    waiting = list(by_number)
    errors: dict[int, XnatTuiError] = {}
    for attempt in range(ATTEMPTS):
        for number in waiting:
            control.check()
            if error := _put(run, by_number[number]):
                errors[number] = error
        given_up = {number for number, error in errors.items() if not _unclear(error)}
        waiting = [number for number in waiting if number not in given_up]
        standing = _standing(run, [by_number[number] for number in waiting])
        run.made |= {by_number[number].target.uri for number in standing}
        waiting = [number for number in waiting if number not in standing]
        for number in standing:
            errors.pop(number, None)
        if not waiting:
            break
        if attempt < ATTEMPTS - 1:
            pause(control, attempt)
    for number in waiting:
        errors.setdefault(number, _NOT_MADE)
    wanted = {step.number for step in needed}
    return {number: error for number, error in errors.items() if number in wanted}


def _put(run: CopyRun, step: Step) -> XnatTuiError | None:
    try:
        writing.put_resource(run.target, step.target.uri, planned(run, step))
    except Conflict:
        return None  # it is there already
    except Interrupted:
        raise
    except XnatTuiError as error:
        return error
    return None


def _unclear(error: XnatTuiError) -> bool:
    return isinstance(error, Unclear | ServerUnreachable)


def _standing(run: CopyRun, steps: Sequence[Step]) -> set[int]:
    """The numbers of those that the destination's documents show, each asked for once."""
    documents = {uri: run.stored(uri) for uri in dict.fromkeys(address(step) for step in steps)}
    found = set()
    for step in steps:
        document = documents[address(step)]
        if document is not None and told(step, document):
            found.add(step.number)
    return found


def _before(run: CopyRun, step: Step) -> list[Step]:
    """A resource that has to be made before this one, which has no content and would be given one.

    XNAT gives the first resource of a typed scan the content RAW when it is told none.
    """
    owner = _owner(step.target.uri)
    if "/scans/" not in owner or planned(run, step).content:
        return []
    beside = [
        one
        for one in run.below[step.session]
        if isinstance(one.work, ResourceCopy)
        and one.number != step.number
        and _owner(one.target.uri) == owner
    ]
    if any(one.carried(ResourceCopy).exists or one.target.uri in run.made for one in beside):
        return []
    return [one for one in beside if one.writes and planned(run, one).content][:1]


def told(step: Step, document: etree._Element) -> dict[str, str]:
    """What the destination's document says of a resource; nothing where it has none of its label."""
    return item_xml.resource_attributes(document, step.target.uri, step.carried(ResourceCopy).label)


def lost(run: CopyRun, step: Step, document: etree._Element | None) -> Failure | None:
    """What of the planned attributes the destination does not have, by its document of this moment."""
    found = told(step, document) if document is not None else {}
    if not found:
        return Failure(step.path, _NOT_MADE.message, _NOT_MADE.hint)
    run.made.add(step.target.uri)
    wanted = planned(run, step)
    words = [
        f"its {name} is {found[name]!r} there and not {getattr(wanted, name)!r}"
        for name in NAMES
        if not _same(name, getattr(wanted, name), found[name], step.target.uri)
    ]
    if not words:
        return None
    text = "; ".join(words)
    return Failure(step.path, f"{text[0].upper()}{text[1:]}.", _HINT)


def _same(name: str, wanted: str, found: str, uri: str) -> bool:
    """XNAT stores what it is given as a parameter escaped once more than it came."""
    if name == "tags":
        return sorted(wanted.split(",")) in (
            sorted(found.split(",")),
            sorted(html.unescape(found).split(",")),
        )
    if name == "content" and "/scans/" in uri and same_content(wanted, found):
        return True
    return wanted in (found, html.unescape(found))


def _owner(uri: str) -> str:
    return uri.partition("/resources/")[0]


_NOT_MADE = BadAnswer("The server said yes, but made no resource.", "You may lack the right to write there.")
_HINT = "XNAT takes them only as it makes a resource: delete it there, then retry the job."
