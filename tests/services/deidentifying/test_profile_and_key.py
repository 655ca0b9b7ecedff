"""Profiles that a user writes, and key files: what is not known or not private is refused."""

from __future__ import annotations

import pytest

from xnat_tui.errors import ConfigError, UsageError
from xnat_tui.services.deidentifying.keys import Key, create_key, new_key, read_key
from xnat_tui.services.deidentifying.profile import read_profile
from xnat_tui.services.deidentifying.standard import Option


def test_the_basic_profile_and_its_options():
    assert not read_profile("basic").options
    profile = read_profile("basic+retain-uids+retain-modified-dates")
    assert profile.options == {Option.RETAIN_UIDS, Option.RETAIN_MODIFIED_DATES}


@pytest.mark.parametrize(
    ("named", "said", "hint"),
    [
        ("basic+retain-uid", "has no option 'retain-uid'", "Did you mean retain-uids?"),
        ("basic+clean-descriptors", "asks for clean-descriptors, which is not there yet", "Leave it out."),
        ("basic+retain-full-dates+retain-modified-dates", "full dates and for shifted ones", "Choose"),
        ("nowhere.toml", "There is no profile", "basic"),
    ],
)
def test_what_is_no_profile(named, said, hint):
    with pytest.raises(UsageError) as error:
        read_profile(named)
    assert said in error.value.message
    assert hint in error.value.hint


def test_a_file_of_the_users(tmp_path):
    file = tmp_path / "study.toml"
    file.write_text('options = ["retain-uids"]\nkeep = ["SeriesDescription"]\nremove = ["(0008,0070)"]\n')
    profile = read_profile(str(file))
    assert (profile.name, *profile.keep, *profile.remove) == ("study", 0x0008103E, 0x00080070)
    assert not profile.is_standard


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ('keep = ["SeriesDescripton"]', "'SeriesDescripton' is no attribute", "SeriesDescription"),
        ('keeps = ["SeriesDescription"]', "no key 'keeps'", "keep"),
        ('keep = ["(0009,1001)"]', "a private attribute", ""),
        ('keep = ["Modality"]\nremove = ["Modality"]', "both kept and removed", ""),
        ('keep = "Modality"', "no list of texts", ""),
        ('keep = ["PatientBirthDate"]', "says who somebody is", ""),
        ('keep = ["OperatorsName"]', "says who somebody is", ""),
        ("keep = [", "is no TOML", ""),
    ],
)
def test_a_file_that_says_what_nobody_knows(tmp_path, text, said, hint):
    file = tmp_path / "study.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as error:
        read_profile(str(file))
    assert said in error.value.message
    assert hint in error.value.hint


def test_a_key_is_private_and_the_same_when_it_is_read_again(tmp_path):
    file = tmp_path / "study.key"
    key = create_key(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert read_key(file) == key
    assert key.secret.hex() not in repr(key)
    with pytest.raises(UsageError, match="there already"):
        create_key(file)


def test_a_key_that_others_can_read_is_refused(tmp_path):
    file = tmp_path / "study.key"
    create_key(file)
    file.chmod(0o640)
    with pytest.raises(ConfigError, match="can be read by others"):
        read_key(file)


@pytest.mark.parametrize("text", ["", "xnat-tui-key-1 ", "xnat-tui-key-1 abcd\n", "xnat-tui-key-1 zz", "ä"])
def test_what_is_no_key(tmp_path, text):
    file = tmp_path / "study.key"
    file.touch(mode=0o600)
    file.write_text(text)
    with pytest.raises(ConfigError):
        read_key(file)


def test_nobody_goes_back_without_the_key():
    one, other = Key(b"1" * 32), Key(b"2" * 32)
    assert one.uid("1.2.3") == one.uid("1.2.3") != other.uid("1.2.3")
    assert len(one.uid("1.2.3")) <= 44
    assert one.label("S") != other.label("S")
    assert new_key() != new_key()
