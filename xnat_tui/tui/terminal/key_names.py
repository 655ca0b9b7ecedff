"""How keys are written on the screen."""

from __future__ import annotations

_NAMES = {
    "escape": "esc",
    "slash": "/",
    "comma": ",",
    "full_stop": ".",
    "colon": ":",
    "question_mark": "?",
    "equals_sign": "=",
    "plus": "+",
    "minus": "-",
    "asterisk": "*",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "delete": "del",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "home": "Home",
    "end": "End",
    "shift+up": "shift+↑",
    "shift+down": "shift+↓",
}


def key_name(keys: str) -> str:
    """The first of several keys, as a person writes it: `left_square_bracket,f2` → `[`."""
    key = keys.partition(",")[0].strip()
    if key in _NAMES:
        return _NAMES[key]
    return key.upper() if len(key) > 1 and key[0] == "f" and key[1:].isdigit() else key


def key_names(keys: str) -> str:
    """All of them, for the help."""
    return " ".join(key_name(key) for key in keys.split(","))
