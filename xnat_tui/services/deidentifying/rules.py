"""A profile applied to a header: what is done to each element, and why.

The walk is ours and not the library's: that one goes by the table and looks at the outermost data set alone,
so that what stands within a sequence would stay. Here every element that is there is asked after, at any
depth, and what neither the table nor the dictionary knows is removed. Dummies for values are the library's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from xnat_tui.services.deidentifying.keys import Key
from xnat_tui.services.deidentifying.profile import Profile
from xnat_tui.services.deidentifying.standard import BASIC, CODES, Action, Code, Option, action_of

if TYPE_CHECKING:
    from pydicom import DataElement, Dataset

Element = tuple[int, ...]
"""Tag, number of the item in it, tag within that item …"""
_NAME, _ID = 0x00100010, 0x00100020
_REMOVED, _METHOD, _CODES = 0x00120062, 0x00120063, 0x00120064
_DATES = 0x00280303
_WRITTEN = frozenset({_REMOVED, _METHOD, _CODES, _DATES})
"""What is said about the de-identification itself, anew each time."""
_DATE_LENGTH = 8
_TIME = frozenset("0123456789.:+- ")


class Reason(NamedTuple):
    """What is done to one element, and why, in words for a person."""

    action: Action
    why: str
    keyed: bool = False
    """Whether the new value hangs on the key."""


def reason_of(tag: int, profile: Profile, *, dummies: bool = False, labelled: bool = False) -> Reason:
    """What a profile does to an attribute, and why. `dummies`: it stands in a sequence of which the standard
    wants dummies; `labelled`: there is a label for the patient's name and ID."""
    from pydicom.datadict import dictionary_has_tag, dictionary_VR

    if (tag >> 16) % 2:
        return Reason(Action.REMOVE, "private: nobody knows what a vendor writes there")
    if tag >> 16 in (0x0000, 0x0002):
        return Reason(Action.REMOVE, "no part of a data set")
    if tag & 0xFFFF == 0:
        return Reason(Action.REMOVE, "a group's length, which changes")
    if tag in profile.remove:
        return Reason(Action.REMOVE, "removed by the profile file")
    if tag in profile.keep:
        return Reason(Action.KEEP, "kept by the profile file")
    if not dictionary_has_tag(tag):
        return Reason(Action.REMOVE, "unknown to the standard")
    if tag in _WRITTEN:
        return Reason(Action.REMOVE, "written anew")
    action, option = action_of(tag, profile.options)
    if option is not None and action is not None:
        return Reason(action, f"{option}", keyed=action is Action.SHIFT)
    if tag in (_NAME, _ID) and action is not None:
        return Reason(action, "basic profile: the new label", keyed=not labelled)
    if action is not None:
        return Reason(action, f"basic profile: {action}", keyed=action is Action.NEW_UID)
    if dictionary_VR(tag) == "PN":
        return Reason(Action.EMPTY, "a person's name")
    if dummies:
        return Reason(Action.DUMMY, "within a sequence of dummies")
    return Reason(Action.KEEP, "not in table E.1-1")


def keeps(tag: int, profile: Profile) -> bool:
    """Whether an attribute stays as it is: the user wants it, or the standard says nothing of it."""
    return reason_of(tag, profile).action is Action.KEEP


@dataclass(slots=True)
class Rules:
    """A profile for one subject. `subject` is the same text for all that is one person's: by it dates are
    shifted. `label` becomes the patient's name and ID; "" is one made by the key."""

    profile: Profile
    key: Key
    subject: str
    label: str = ""
    reasons: dict[Element, Reason] = field(default_factory=dict)
    """Of the data set that was last treated."""

    def apply(self, dataset: Dataset) -> None:
        """Change a header in place, and note the reasons. What pydicom raises is raised: nothing of the
        data set may be used then."""
        self.reasons = {}
        self._walk(dataset, (), dummies=False)
        self._say_so(dataset)

    def keeps(self, tag: int) -> bool:
        """As `keeps`, under this profile."""
        return keeps(tag, self.profile)

    def _walk(self, dataset: Dataset, above: Element, *, dummies: bool) -> None:
        for tag in sorted(int(one) for one in dataset.keys()):  # noqa: SIM118
            place = (*above, tag)
            reason = reason_of(tag, self.profile, dummies=dummies, labelled=bool(self.label))
            self.reasons[place] = reason
            self._do(dataset, tag, reason.action, place)

    def _do(self, dataset: Dataset, tag: int, action: Action, place: Element) -> None:
        if action is Action.REMOVE:
            del dataset[tag]
        elif tag in (_NAME, _ID) and action is not Action.KEEP:
            self._put(dataset, tag, self.label or self.key.label(self.subject))
        elif action is Action.EMPTY:
            self._put(dataset, tag, None)
        elif _is_sequence(dataset, tag):
            self._open(dataset, tag, action, place)
        elif action is Action.DUMMY:
            self._put_dummy(dataset, tag)
        elif action is Action.NEW_UID:
            self._put(dataset, tag, [self._new_uid(uid) for uid in _values(dataset[tag])])
        elif action is Action.SHIFT:
            self._shift(dataset, tag)
        elif action is Action.INSIDE:
            del dataset[tag]  # the table has a sequence here and the file has none

    def _open(self, dataset: Dataset, tag: int, action: Action, place: Element) -> None:
        """A sequence: what it holds goes through the same rules; one that cannot be opened goes."""
        element = dataset[tag]
        if element.VR != "SQ":
            del dataset[tag]
            return
        for number, item in enumerate(element.value):
            self._walk(item, (*place, number), dummies=action is Action.DUMMY)

    def _new_uid(self, uid: str) -> str:
        from pydicom._uid_dict import UID_dictionary

        known = uid in UID_dictionary  # one of the standard's own, such as a well-known frame of reference
        return uid if known or not uid else self.key.uid(uid)

    def _shift(self, dataset: Dataset, tag: int) -> None:
        element = dataset[tag]
        if element.VR not in ("DA", "DT"):
            is_time = element.VR == "TM" or element.keyword == "TimezoneOffsetFromUTC"
            if not is_time or not _TIME.issuperset("".join(_values(element))):
                del dataset[tag]
            return  # a time of day says nothing without its date
        self._put(dataset, tag, [self._earlier(text) for text in _values(element)])

    def _earlier(self, text: str) -> str:
        """A date goes back by the subject's days; one that is none, or has no day, is emptied."""
        try:
            day = datetime.strptime(text[:_DATE_LENGTH], "%Y%m%d")  # noqa: DTZ007
            shifted = day - timedelta(days=self.key.days(self.subject))
        except (ValueError, OverflowError):
            return ""
        rest = text[_DATE_LENGTH:]
        return f"{shifted.year:04}{shifted:%m%d}" + (rest if _TIME.issuperset(rest) else "")

    @staticmethod
    def _put(dataset: Dataset, tag: int, value: str | Sequence[str] | None) -> None:
        from pydicom import DataElement

        vr = _vr(tag)
        empty: list[str] | None = [] if vr == "SQ" else None
        dataset[tag] = DataElement(tag, vr, empty if value is None else value)

    def _put_dummy(self, dataset: Dataset, tag: int) -> None:
        """The library's dummy of the attribute's kind; of a kind that it has none for, nothing."""
        from dicomanonymizer.simpledicomanonymizer import replace_element
        from pydicom import DataElement

        if _vr(tag) == "UI":
            self._put(dataset, tag, [self._new_uid(uid) for uid in _values(dataset[tag])])
            return
        dummy = DataElement(tag, _vr(tag), None)
        try:
            replace_element(dummy)
        except NotImplementedError:
            del dataset[tag]
        else:
            dataset[tag] = dummy

    def _say_so(self, dataset: Dataset) -> None:
        """PS3.15 E.1.1: that the identity was removed, how, and by which codes; PS3.3 C.12.1.1: of dates."""
        from pydicom import DataElement

        method = f"DICOM PS3.15 {self.profile.name}" if self.profile.is_standard else "Local profile"
        dataset[_REMOVED] = DataElement(_REMOVED, "CS", "YES")
        dataset[_METHOD] = DataElement(_METHOD, "LO", [method[:64], "xnat-tui"])
        dates = {Option.RETAIN_FULL_DATES: "UNMODIFIED", Option.RETAIN_MODIFIED_DATES: "MODIFIED"}
        kept = [word for option, word in dates.items() if option in self.profile.options]
        if any(_vr(tag) in ("DA", "DT", "TM") for tag in self.profile.keep):
            kept = ["UNMODIFIED"]
        dataset[_DATES] = DataElement(_DATES, "CS", kept[0] if kept else "REMOVED")
        if self.profile.is_standard:
            asked = [CODES[option] for option in Option if option in self.profile.options]
            dataset[_CODES] = DataElement(_CODES, "SQ", [_coded(code) for code in (BASIC, *asked)])


def _coded(code: Code) -> Dataset:
    from pydicom import Dataset

    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, "DCM", code.meaning[:64]
    return item


def _vr(tag: int) -> str:
    """The dictionary's, the first of several."""
    from pydicom.datadict import dictionary_VR

    return dictionary_VR(tag).partition(" ")[0]


def _is_sequence(dataset: Dataset, tag: int) -> bool:
    return _vr(tag) == "SQ" or dataset.get_item(tag).VR == "SQ"


def _values(element: DataElement) -> list[str]:
    value = element.value
    if value is None:
        return []
    several = value if hasattr(value, "__iter__") and not isinstance(value, str | bytes) else [value]
    return [str(one) for one in several]
