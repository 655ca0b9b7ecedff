"""Text is carried and compared as it is: white space, newlines, empty texts, what XNAT stored escaped."""

from __future__ import annotations

from typing import Any

import pytest

from xnat_tui.demo.site import Site
from xnat_tui.model.entities import Kind
from xnat_tui.model.options import CopyOptions, OnExisting
from xnat_tui.model.pairing import Status
from xnat_tui.model.plan import Action
from xnat_tui.services.comparing import reports
from xnat_tui.services.comparing.compared import items_of
from xnat_tui.xnat.documents.escaping import plain_text

TEXTS = {
    "plain": "1",
    "newline first": "\n1",
    "newline last": "1\n",
    "blanks around": " x ",
    "empty": "",
    "two lines": "a\n b",
    "blanks": "  ",
    "one newline": "\n",
    "tab": "\ta\t",
    "entities": 'Tom\'s & "Jerry" <b>',
    "looks escaped": "&amp;lt; means &lt;",
}


def with_texts(site: Site, texts: dict[str, str]) -> Site:
    """Custom variables of these texts at a subject and a session, notes of them at scans."""
    subject = next(iter(site.projects["P"].subjects.values()))
    session = next(iter(subject.experiments.values()))
    for item in (subject, session):
        item.variables.update(texts)
    for number, text in enumerate(texts.values(), 10):
        scan = site.add_scan(session, str(number), fields={"type": "T1"})
        scan.fields |= {"note": text} if text else {}
        if text.strip():
            scan.fields |= {"parameters/addParam": text, "parameters/addParam/name": "x"}
    return site


def stored(site: Site, project: str) -> dict[str, Any]:
    subject = next(iter(site.projects[project].subjects.values()))
    session = next(iter(subject.experiments.values()))
    told = {"subject": subject.variables, "session": session.variables}
    for name in ("note", "parameters/addParam"):
        told[name] = {one.id: one.fields.get(name, "") for one in session.scans.values()}
    return told


def meanings(found: dict[str, Any]) -> dict[str, Any]:
    """What stored texts mean (`docs/xnat-contract.md` 0.3)."""
    return {name: {key: plain_text(text) for key, text in texts.items()} for name, texts in found.items()}


@pytest.mark.parametrize("concealed", [True, False], ids=["concealed", "with comments"])
@pytest.mark.parametrize("serializer", ["xalan", "jdk"])
def test_a_copy_ends_with_every_character(
    servers: Any, make_site: Any, serializer: str, concealed: bool
) -> None:
    texts = dict(TEXTS)
    if serializer == "jdk" and not concealed:  # this serializer loses newlines at the beginning itself
        texts = {name: text for name, text in TEXTS.items() if not text.startswith("\n")}
    pair = servers(with_texts(make_site(), texts), Site())
    for one in (pair.source, pair.target):
        one.site.settings.xml_serializer = serializer
        one.site.settings.hidden_fields_concealed = concealed
    result = pair.copy("P")
    assert result.failures == []
    there = stored(pair.target.site, "NEW")
    assert meanings(there) == meanings(stored(pair.source.site, "P"))
    assert there["session"]["blanks around"] == " x "
    assert there["session"]["empty"] == ""
    pair.target.requests.clear()
    again = pair.plan("P", options=CopyOptions(on_existing=OnExisting.UPDATE))
    assert {step.action for step in again.steps} == {Action.SKIP}
    assert pair.run(again).failures == []
    assert pair.writes() == 0


def test_what_a_parameter_stored_escaped_is_copied_as_it_was_meant(servers: Any, make_site: Any) -> None:
    source = make_site()
    session = next(iter(source.experiments.values()))
    session.variables["said"] = session.fields["note"] = "Tom&apos;s &lt;b&gt; &amp; more"
    pair = servers(source, Site())
    assert pair.copy("P").failures == []
    there = next(iter(pair.target.site.experiments.values()))
    assert there.variables["said"] == there.fields["note"] == "Tom's <b> & more"


def test_white_space_that_a_server_drops_is_told_and_stops_nothing(
    servers: Any, make_site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_site()
    session = next(iter(source.experiments.values()))
    session.fields["note"] = "   "
    pair = servers(source, Site())
    monkeypatch.setattr(
        "xnat_tui.services.transfers.copying.execution.blanks.writing.put_fields", lambda *_: None
    )
    result = pair.copy("P")
    assert [(one.path.rpartition("/")[2], one.error) for one in result.failures] == [
        ("E1", "note: the server does not keep white space alone")
    ]
    assert result.evidence.digest == 2


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ("1", "\n1", "fields/site 1 ⇄ ␊1"),
        ("x", " x ", "fields/site x ⇄ ␠x␠"),
        ("a b", "a  b", "fields/site a␠b ⇄ a␠␠b"),
        ("a b", "a\nb", "fields/site a␠b ⇄ a␊b"),
        ("", "  ", "fields/site (none) ⇄ ␠␠"),
        ("x", "y ", "fields/site x ⇄ y␠"),
    ],
)
@pytest.mark.parametrize("fields", ["listed", "all"])
def test_two_values_that_differ_in_white_space_only_differ_and_show_how(
    pair_of: Any, make_site: Any, one: str, other: str, said: str, fields: str
) -> None:
    sites = make_site(), make_site()
    for site, text in zip(sites, (one, other), strict=True):
        next(iter(site.subjects.values())).variables["site"] = text
    comparison = pair_of(*sites).compare("lab:P", "qc:P", user="admin", fields=fields)
    (pair,) = [found for found in items_of(comparison.root) if found.status is Status.DIFFERS]
    assert [(found.name, found.source, found.destination) for found in pair.fields] == [
        ("fields/site", one, other)
    ]
    assert list(reports.as_lines(reports.document(comparison))) == [f"* subject subjects/S1: {said}"]
    for text in (
        reports.as_html(reports.document(comparison)),
        reports.as_markdown(reports.document(comparison)),
    ):
        assert said.rpartition(" ")[2] in text


def test_what_is_stored_escaped_is_the_same_as_what_is_not(pair_of: Any, make_site: Any) -> None:
    """In bulk, in small listings and in documents alike; but for what was escaped twice."""
    sites = make_site(), make_site()
    for site, text in zip(sites, ("Tom&apos;s &amp; Co", "Tom's & Co"), strict=True):
        subject = next(iter(site.subjects.values()))
        session = next(iter(subject.experiments.values()))
        scan = next(iter(session.scans.values()))
        for item in (subject, session):
            item.variables["x"] = text
        subject.fields["group"] = session.fields["note"] = scan.fields["note"] = text
        scan.fields["documentation"] = scan.resources[0].description = text
        scan.resources[0].content = site.projects["P"].fields["description"] = text
    pair = pair_of(*sites)
    for place in ("P", "P/S1", "P/S1/E1"):
        for fields in ("listed", "all"):
            comparison = pair.compare(f"lab:{place}", f"qc:{place}", user="admin", fields=fields)
            assert comparison.summary().differs == 0
    session = pair.side("lab:P/S1", user="admin")
    (item,) = session.reader.below(session.root, Kind.EXPERIMENT).items
    assert item.fields["note"] == "Tom's & Co"
    next(iter(sites[0].subjects.values())).fields["group"] = "Tom&amp;apos;s &amp;amp; Co"
    assert pair.compare("lab:P", "qc:P", user="admin").summary().differs == 1
