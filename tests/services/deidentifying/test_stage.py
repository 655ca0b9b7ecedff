"""The stage: new labels, a new name, and nothing of the old ones in what comes out."""

from __future__ import annotations

import tempfile

import pytest

from tests.services.deidentifying.test_files import image, written
from xnat_tui.services.deidentifying.holding import Held
from xnat_tui.services.deidentifying.keys import Key
from xnat_tui.services.deidentifying.profile import Profile
from xnat_tui.services.deidentifying.relabel import Labels
from xnat_tui.services.deidentifying.stage import Stage

KEY = Key(b"k" * 32)


def stage(subject: str = "HOSP-4711", session: str = "HOSP-4711_MR1", **labels: str) -> Stage:
    return Stage(Profile(), KEY, Labels(labels or {"HOSP-4711": "A-1"}), "XNAT_S1", subject, session)


def passed(one: Stage, content: bytes) -> tuple[str, bytes]:
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as target:
        source.write(content)
        source.flush()
        name = one.pass_file(source, target)
        target.seek(0)
        return name, target.read()


def test_a_file_gets_new_labels_and_a_name_of_its_own():
    name, content = passed(stage(), written(image()))
    assert name == f"{KEY.uid('1.2.3.4.5')}.dcm"
    assert b"A-1" in content
    assert b"4711" not in content
    assert stage().new_session == "A-1_MR1"
    assert passed(stage(), written(image())) == (name, content)


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (stage(subject="P2"), "its subject has no row"),
        (stage(session="Müller MR"), "its session has no row"),
        (stage(**{"HOSP-4711": "X-HOSP-4711"}), "its new label holds the old one"),
    ],
)
def test_without_new_labels_nothing_leaves(one, reason):
    with pytest.raises(Held, match=reason):
        passed(one, written(image()))


def test_a_session_label_in_an_element_that_stays_holds_the_file():
    dataset = image()
    dataset.Manufacturer = "visit HOSP-4711_MR1"
    with pytest.raises(Held, match="still in its header"):
        passed(stage(), written(dataset))
