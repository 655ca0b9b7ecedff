"""The gateway takes away what the wire added to a text, once, and no character of the text itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from xnat_tui.demo.item_xml import item_xml as written
from xnat_tui.demo.study import source_site
from xnat_tui.xnat.documents import item_xml
from xnat_tui.xnat.documents import items as documents
from xnat_tui.xnat.documents.escaping import document_text, plain_text
from xnat_tui.xnat.documents.item_xml import XNAT

ANY_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), include_characters="\n\t"))
NEAR_ENTITIES = st.lists(
    st.sampled_from(["&", "amp;", "&amp;", "&lt;", "&apos;", "<", "'", " ", "\n", "a", "&#39;", "&eacute;"])
).map("".join)
SITE = source_site()
COMMENT = '<!--hidden_fields[x_id="1"]-->'


def variables(body: bytes | str) -> dict[str, str]:
    root = item_xml.parse(body.encode() if isinstance(body, str) else body)
    path = f"{{{XNAT}}}fields/{{{XNAT}}}field"
    return {str(one.get("name")): one.text or "" for one in root.findall(path)}


def document(*fields: str) -> str:
    return f'<xnat:Subject xmlns:xnat="{XNAT}"><xnat:fields>{"".join(fields)}</xnat:fields></xnat:Subject>'


@pytest.mark.parametrize("text", ["1", "\n1", " x ", "", "a\n b", "  ", "x\n  ", "\n"])
def test_xalan_writes_a_comment_a_newline_and_the_text(text: str) -> None:
    assert variables(document(f'<xnat:field name="a">{COMMENT}\n{text}</xnat:field>')) == {"a": text}
    assert variables(document(f'<xnat:field name="a">{text}</xnat:field>')) == {"a": text}


JDK = f"""<?xml version="1.0" encoding="UTF-8"?><xnat:Subject xmlns:xnat="{XNAT}">
    <xnat:fields>
        <xnat:field name="one">
            {COMMENT}
            1
        </xnat:field>
        <xnat:field name="around">
            {COMMENT}
             x{" "}
        </xnat:field>
        <xnat:field name="empty">
            {COMMENT}
        </xnat:field>
        <xnat:field name="two lines">
            {COMMENT}
            a
 b
        </xnat:field>
        <xnat:field name="blanks">
            {COMMENT}
{" " * 14}
        </xnat:field>
        <xnat:field name="newline last">
            {COMMENT}
            x
{"  "}
        </xnat:field>
    </xnat:fields>
</xnat:Subject>
"""


def test_a_jdk_puts_comment_and_text_on_lines_of_their_own() -> None:
    """As JDK 17's transformer writes these texts with INDENT=yes, a comment before each."""
    assert variables(JDK) == {
        "one": "1",
        "around": " x ",
        "empty": "",
        "two lines": "a\n b",
        "blanks": "  ",
        "newline last": "x\n  ",
    }


def test_a_comment_that_is_no_ones_keys_takes_nothing_with_it() -> None:
    assert variables(document('<xnat:field name="a"> a<!-- by hand --> b\n</xnat:field>')) == {"a": " a b\n"}
    assert variables(document(f'<xnat:field name="a">Zürich{COMMENT}</xnat:field>')) == {"a": "Zürich"}


@pytest.mark.parametrize("concealed", [True, False])
@pytest.mark.parametrize("serializer", ["xalan", "jdk"])
@given(text=ANY_TEXT)
def test_what_the_server_holds_is_what_is_read(serializer: str, concealed: bool, text: str) -> None:
    SITE.settings.xml_serializer = serializer
    subject = next(one for one in SITE.subjects.values() if one.fields)
    subject.variables.clear()
    subject.variables["a"] = text
    if serializer == "jdk" and not concealed:
        text = text.lstrip("\n")  # lost on the wire
    body = written(SITE, next(iter(SITE.users.values())), subject, conceal=concealed)
    assert variables(body) == {"a": plain_text(text)}


@given(ANY_TEXT | NEAR_ENTITIES)
def test_a_text_that_is_sent_reads_the_same(text: str) -> None:
    assert plain_text(document_text(text)) == text
    root = etree.Element(f"{{{XNAT}}}Subject", nsmap={"xnat": XNAT})
    root.set("group", text)
    etree.SubElement(root, f"{{{XNAT}}}note").text = text
    back = item_xml.parse(item_xml.serialise(root))
    assert back.get("group") == text
    assert (back.findtext(f"{{{XNAT}}}note") or "") == text
    assert item_xml.lost(root, back) == []


@pytest.mark.parametrize(
    ("stored", "meant"),
    [
        ("Tom&apos;s &lt;b&gt; &amp; &quot;x&quot;", 'Tom\'s <b> & "x"'),
        ("&amp;lt;", "&lt;"),
        ("Tom & Jerry", "Tom & Jerry"),
        ("&eacute; &#39; AT&T;", "&eacute; &#39; AT&T;"),
    ],
)
def test_five_entities_are_unescaped_once(stored: str, meant: str) -> None:
    assert plain_text(stored) == meant


def test_json_documents_are_read_alike() -> None:
    values = {"note": " Tom&apos;s\n", "ID": "a&amp;b"}
    children = {
        "fields/field": [{"data_fields": {"name": "x", "field": "\n&lt;"}}, {"data_fields": {"name": "y"}}]
    }
    fields = documents.own_fields(values, children)
    assert dict(fields) == {"ID": "a&b", "note": " Tom's\n", "fields/x": "\n<", "fields/y": ""}


def test_names_of_items_are_not_touched() -> None:
    scans = '<xnat:scans><xnat:scan ID="a&amp;amp;b"/></xnat:scans>'
    body = f'<xnat:MRSession xmlns:xnat="{XNAT}">{scans}</xnat:MRSession>'
    assert list(item_xml.scans(item_xml.parse(body.encode()))) == ["a&amp;b"]


def test_custom_forms_keep_their_json() -> None:
    body = f'<a:x xmlns:a="{XNAT}"><a:custom_fields>{{"q": "&amp;quot;"}}</a:custom_fields></a:x>'
    assert item_xml.text_of(item_xml.parse(body.encode()), "custom_fields") == '{"q": "&quot;"}'


def test_variables_are_compared_each_by_its_name() -> None:
    one, other, empty = (
        item_xml.parse(
            document(f'<xnat:field name="a">{a}</xnat:field><xnat:field name="b">{b}</xnat:field>').encode()
        )
        for a, b in (("1", "2"), ("2", "1"), ("", "1"))
    )
    assert item_xml.lost(one, other) == ["fields/field[a]", "fields/field[b]"]
    assert item_xml.lost(empty, other) == ["fields/field[a]"]
