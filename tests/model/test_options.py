"""Options of transfers: what means nothing to a verb cannot be given to it."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from xnat_tui.errors import UsageError
from xnat_tui.model.options import (
    OPTIONS,
    CopyOptions,
    ExportOptions,
    Mode,
    OnExisting,
    Shared,
    UploadOptions,
    options_or_usual,
)


def test_words_are_as_good_as_their_enumeration():
    words: dict[str, Any] = {"mode": "zip", "shared": "share", "on_existing": "update"}
    options = CopyOptions(**words)
    assert options == CopyOptions(mode=Mode.ZIP, shared=Shared.SHARE, on_existing=OnExisting.UPDATE)
    assert options.mode is Mode.ZIP


@pytest.mark.parametrize(
    ("kind", "choice", "word"),
    [
        (ExportOptions, "mode", "rsync"),
        (UploadOptions, "mode", "metadata"),
        (ExportOptions, "shared", "share"),
        (CopyOptions, "via", "pigeon"),
    ],
)
def test_a_word_that_means_nothing_there_is_refused_with_those_that_do(kind, choice, word):
    with pytest.raises(UsageError, match=f"{choice} cannot be '{word}'") as caught:
        kind(**{choice: word})
    assert "It is one of: " in caught.value.hint


def test_no_verb_has_a_choice_that_only_others_heed():
    named = {verb: {one.name for one in fields(kind)} for verb, kind in OPTIONS.items()}
    every = {"on_existing", "verify", "bandwidth", "workers", "mode"}
    every |= {"deidentify", "key", "label_map", "relabel", "pass_resource"}
    assert named["copy"] & named["export"] & named["upload"] == every
    assert not named["export"] & {"autorun", "ohif", "event_reason", "skip_existing_sessions", "via"}
    assert named["upload"] == every | {"skip_existing_sessions", "autorun", "ohif", "event_reason"}


def test_options_of_another_verb_are_refused():
    assert options_or_usual(CopyOptions, None) == CopyOptions()
    with pytest.raises(UsageError, match="ExportOptions say nothing to copy") as caught:
        options_or_usual(CopyOptions, ExportOptions())
    assert caught.value.hint == "Give it CopyOptions, or none."
