"""One line about a pair: what the summary line says of the row under the cursor."""

from __future__ import annotations

from xnat_tui.model.display import cell_width, clean, clean_beside, counted, short_size
from xnat_tui.model.entities import Item, Kind, type_word
from xnat_tui.model.pairing import FieldDifference, Pair, Status
from xnat_tui.tui.explorer.marks import MarkTotals

_STATUS = {
    Status.SAME: "= same as far as compared",
    Status.DIFFERS: "* differs",
    Status.ONLY_SOURCE: "< only on the left",
    Status.ONLY_DESTINATION: "> only on the right",
    Status.UNREADABLE: "! could not be read",
    Status.UNREAD: "? not compared yet",
}


def pair_line(pair: Pair) -> str:
    """Label, kind, verdict and what it rests on."""
    if pair.group is not None:
        below = f"  ~ {counted(pair.differing_below, 'difference')} below" if pair.differing_below else ""
        return f"{pair.key} of {clean(pair.parent.key) if pair.parent else ''}{below}{_error(pair)}"
    item = pair.item
    if item is None:
        return ""
    parts = [f"{clean(item_name(item))}  {item_word(item)}"]
    if item.kind is Kind.PROJECT and (title := item.fields.get("name", "")) != item.key:
        parts.append(clean(title))
    if pair.compared:
        parts.append(verdict(pair))
    else:
        parts.append(_figures(item))
    if item.shared_from is not None:
        parts.append(f"shared in from {clean(item.shared_from) or 'another project'}")
    if pair.note:
        parts.append(clean(pair.note))
    return "  ".join(part for part in parts if part) + _error(pair)


def marks_line(totals: MarkTotals) -> str:
    """What is marked, and how much that is as far as the server has counted; "" without marks."""
    if not totals.items:
        return ""
    words = [f"{totals.items} marked"]
    if totals.uncounted == totals.items and not totals.files:
        words.append("files not counted yet")
    else:
        least = "at least " if totals.uncounted else ""
        words += [f"{least}{counted(totals.files, 'file')}", short_size(totals.bytes)]
    return " · ".join(word for word in words if word)


def item_name(item: Item) -> str:
    """The label; an item without one is named by its number."""
    series = item.fields.get("type", "") if item.kind is Kind.SCAN else ""
    name = item.key or f"(no label, {item.id})"
    return f"{item.side + '/' if item.side else ''}{name}{' ' + series if series else ''}"


def item_word(item: Item) -> str:
    if item.kind is Kind.EXPERIMENT:
        return f"{type_word(item.type)} session" if item.type else "session"
    if item.kind is Kind.ASSESSOR:
        return f"{type_word(item.type)} assessor"
    return str(item.kind)


def verdict(pair: Pair) -> str:
    """How the two sides compare, in words, and what differs."""
    if pair.status is Status.SAME and pair.differing_below:
        return f"~ itself alike, {counted(pair.differing_below, 'difference')} below"
    if pair.status is Status.SAME and not pair.complete:
        return _STATUS[Status.UNREAD]
    text = "= alike by name and size, no digest" if pair.unverified else _STATUS[pair.status]
    if pair.fields:
        shown = ", ".join(_difference(difference) for difference in pair.fields[:2])
        more = len(pair.fields) - 2
        text += f": {shown}" + (f" and {more} more" if more > 0 else "")
    return text


def _difference(difference: FieldDifference) -> str:
    """`8 vs 6 files`, `113k vs 84k`; any other field by its name."""
    one, other = clean_beside(difference.source, difference.destination)
    if difference.name == "file_count":
        return f"{_short(one)} vs {_short(other)} files"
    if difference.name == "file_size" and one.isdecimal() and other.isdecimal():
        return f"{short_size(int(one))} vs {short_size(int(other))}"
    return f"{difference.name} {_short(one)} vs {_short(other)}"


def _short(text: str) -> str:
    text = text or "(none)"
    return text if len(text) <= 16 else text[:15] + "…"


def _figures(item: Item) -> str:
    words = []
    if item.files is not None:
        words.append(counted(item.files, "file"))
    if item.bytes is not None:
        words.append(short_size(item.bytes))
    if day := item.fields.get("date"):
        words.append(clean(day))
    return "  ".join(words)


def _error(pair: Pair) -> str:
    return f"  ! {clean(pair.error.message)}" if pair.error is not None else ""


def cut(text: str, cells: int) -> str:
    """Shorten a sentence at its end; labels are shortened in their middle, by `fit`."""
    if cell_width(text) <= cells:
        return text
    while text and cell_width(text) >= cells:
        text = text[:-1]
    return text + "…"
