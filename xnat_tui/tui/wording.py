"""What services say, in the explorer's words: an option of a verb is an answer in a plan's options here.

Services word their advice as a shell's user types it, `--on-existing update`: exact, and to be copied. On the
screen there is nothing to type it into.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from xnat_tui.tui.choices import OPTIONS, Choosing

_MENTION = re.compile(
    r"(?<![\w-])--(?P<no>no-)?(?P<name>[a-z]+(?:-[a-z]+)*)(?: (?P<answer>[A-Za-z]+(?:[/.][A-Za-z]+)*))?"
)
_FIELDS = {"overwrite": "overwrite_local"}
"""Options whose field has another name."""
_ELSEWHERE = {
    "--overwrite append": '"append" in the archiving form',
    "--as SUBJECT/SESSION": "the archiving form",
    "--merge": '"merge" in the form',
}
"""Options of verbs that a panel has, and no plan."""


def in_keys(text: str) -> str:
    """A message or hint with every option of a verb as it is called here: `"when it exists: update" (o)`.

    An option that only a verb has stays as it is, for that is where it can be given.
    """
    if "--" not in text:
        return text
    for option, words in _ELSEWHERE.items():
        text = text.replace(option, words)
    return _MENTION.sub(_as_chosen, text)


def _as_chosen(mention: re.Match[str]) -> str:
    name, answer = mention["name"].replace("-", "_"), mention["answer"] or ""
    for option in _options(_FIELDS.get(name, name)):
        if set(option.answers) == {True, False}:
            following = f" {answer}" if answer else ""
            return f'"{option.label}: {option.shown(not mention["no"])}" (o){following}'
        if not option.answers:
            following = f" {answer}" if answer and not answer.isupper() and "." not in answer else ""
            return f'"{option.label}" (o){following}'
        found = next((one for one in option.answers if str(one) == answer), None)
        if found is not None:
            return f'"{option.label}: {option.shown(found)}" (o)'
    return mention[0]


def _options(field: str) -> Iterable[Choosing]:
    return (option for options in OPTIONS.values() for option in options if option.field == field)


def told(message: str, hint: str) -> list[str]:
    """What happened, and below it what to do about it, each where there is something to say."""
    return [in_keys(part) for part in (message, hint) if part]
