"""New labels from old ones: a regular expression, and what is made of its groups."""

from __future__ import annotations

import re
from dataclasses import dataclass

from xnat_tui.errors import UsageError

_FIELD = re.compile(r"\{(\w*)\}")


@dataclass(frozen=True, slots=True)
class LabelPattern:
    """`expression` has to match a whole label; in `template` `{1}` is its first group, `{0}` the label."""

    expression: re.Pattern[str]
    template: str

    @classmethod
    def parse(cls, expression: str, template: str) -> LabelPattern:
        """Raises UsageError for what is no regular expression, and for groups that it does not have."""
        try:
            compiled = re.compile(expression)
        except re.error as error:
            raise UsageError(f"{expression!r} is no regular expression: {error.msg}.") from None
        known = {str(number) for number in range(compiled.groups + 1)} | set(compiled.groupindex)
        for name in _FIELD.findall(template):
            if name not in known:
                named = ", ".join(f"{{{one}}}" for one in sorted(known))
                raise UsageError(f"The pattern has no group {{{name}}}.", f"It has {named}; {{0}} is all.")
        return cls(compiled, template)

    def label(self, old: str) -> str | None:
        """The new label of an old one; None where the pattern does not match all of it."""
        found = self.expression.fullmatch(old)
        if found is None:
            return None

        def value(field: re.Match[str]) -> str:
            name = field[1]
            return (found[int(name)] if name.isdecimal() else found[name]) or ""

        return _FIELD.sub(value, self.template)
