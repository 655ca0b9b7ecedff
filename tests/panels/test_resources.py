"""Resources are made and deleted, and no file goes that nobody meant."""

import pytest

from xnat_tui.demo.archive import FileEntry
from xnat_tui.demo.content import BytesContent
from xnat_tui.demo.faults import Answer, WriteThenDrop
from xnat_tui.errors import NotFound
from xnat_tui.model.entities import Item
from xnat_tui.services.administration.resources import Resources
from xnat_tui.xnat.documents.writing import Attributes

SESSION = "BRAINS/SUB-001/SUB-001_MR1"


def held(xnat, label="NAMES"):
    subjects = xnat.site.projects["BRAINS"].subjects.values()
    person = next(one for one in subjects if one.label == "SUB-001")
    session = next(one for one in person.experiments.values() if one.label == "SUB-001_MR1")
    return next((one for one in session.resources if one.label == label), None)


@pytest.fixture
def named(xnat, reader, look):
    """A session resource whose files' names begin alike, and the service for it."""

    def make(*names: str) -> tuple[Resources, Item]:
        service = Resources(reader, look(SESSION))
        service.do(service.plan_create("NAMES", Attributes(format="TEXT")))
        resource = held(xnat)
        for name in names:
            content = BytesContent(name.encode())
            resource.add(FileEntry(name, content, content.md5, content.size, "TEXT", ""))
        resource.populate_stats()
        reader.forget(service.owner)
        return service, next(one for one in service.resources().items if one.key == "NAMES")

    return make


def doomed(service, resource, *names):
    files = service.files(resource).items
    return service.plan_delete_files(resource, [one for one in files if one.key in names])


def test_a_resource_is_created_with_its_attributes(xnat, reader, look):
    service = Resources(reader, look(f"{SESSION}/scans/1"))
    change = service.plan_create("NIFTI", Attributes(format="NIFTI", content="T1"))
    assert (change.verb, change.refusal, change.after["format"]) == ("create", "", "NIFTI")
    assert service.do(change) == ""
    made = next(one for one in service.resources().items if one.key == "NIFTI")
    assert (made.type, made.fields["content"]) == ("NIFTI", "T1")


@pytest.mark.parametrize("path", ["BRAINS", "BRAINS/SUB-001", SESSION])
def test_resources_are_made_at_every_level(reader, look, path):
    service = Resources(reader, look(path))
    service.do(service.plan_create("EXTRA"))
    assert "EXTRA" in [one.key for one in service.resources().items]


def test_an_assessor_has_resources_on_two_sides(reader, look):
    service = Resources(reader, look(f"{SESSION}/assessors/SUB-001_MR1_FS"))
    service.do(service.plan_create("MADE", side="out"))
    service.do(service.plan_create("USED", side="in"))
    found = {one.key: one.side for one in service.resources().items}
    assert (found["MADE"], found["USED"]) == ("out", "in")


@pytest.mark.parametrize("label", ["12", "a b", "", "a/b", "ü"])
def test_labels_that_cannot_be_are_refused_before_anything_is_sent(xnat, reader, look, label):
    change = Resources(reader, look(SESSION)).plan_create(label)
    assert "is no label for a resource" in change.refusal
    assert not [one for one in xnat.requests if one.method == "PUT" and "/resources/" in one.path]


def test_a_server_has_no_resources(reader, look):
    with pytest.raises(NotFound):
        Resources(reader, look("BRAINS").parent)


def test_a_file_that_begins_like_another_one_is_not_deleted_alone(xnat, named):
    service, resource = named("a", "ab.dcm", "a/b.txt", "c")
    (change,) = doomed(service, resource, "a")
    assert change.refusal == "XNAT would delete a/b.txt and ab.dcm with it, because their paths begin alike."
    assert change.destroys
    assert change.project == "BRAINS"


def test_files_that_begin_alike_are_deleted_together_longest_first(xnat, named):
    service, resource = named("a", "ab.dcm", "a/b.txt", "c")
    changes = doomed(service, resource, "a", "ab.dcm", "a/b.txt")
    assert [change.before["Name"] for change in changes] == ["a/b.txt", "ab.dcm", "a"]
    assert not any(change.refusal for change in changes)
    for change in changes:
        service.do(change)
    assert list(held(xnat).files) == ["c"]


def test_a_longer_path_is_deleted_and_the_shorter_one_stays(xnat, named):
    service, resource = named("a", "ab.dcm")
    (change,) = doomed(service, resource, "ab.dcm")
    service.do(change)
    assert list(held(xnat).files) == ["a"]


def test_the_last_file_can_go(xnat, named):
    service, resource = named("only.txt")
    (change,) = doomed(service, resource, "only.txt")
    service.do(change)
    assert not held(xnat).files


def test_a_star_in_a_name_is_refused(named):
    service, resource = named("a*", "b")
    (change,) = doomed(service, resource, "a*")
    assert "would read the *" in change.refusal


def test_a_whole_resource_goes_and_nothing_beside_it(xnat, named):
    service, resource = named("a")
    others = [one.key for one in service.resources().items if one.key != "NAMES"]
    (change,) = service.plan_delete([resource])
    assert (change.before["file_count"], change.destroys) == ("1", True)
    service.do(change)
    assert [one.key for one in service.resources().items] == others


def test_a_lost_answer_is_read_back(xnat, named):
    service, resource = named("a")
    (change,) = service.plan_delete([resource])
    xnat.faults.add("DELETE ", WriteThenDrop(), times=1)
    assert service.do(change) == "The answer was lost; read back, and it is so."
    assert held(xnat) is None


def test_a_yes_that_did_nothing_is_no_success(xnat, named, carry_out):
    service, resource = named("a")
    changes = service.plan_delete([resource])
    xnat.faults.add("DELETE ", Answer(""), times=1)
    (result,) = carry_out(changes, service.do)
    assert "still there" in result.error.message
    assert held(xnat) is not None


def test_members_may_not_delete(sign_in, look, carry_out):
    service = Resources(sign_in("member"), look(f"{SESSION}/scans/1"))
    changes = service.plan_delete(service.resources().items)
    (result,) = carry_out(changes, service.do)
    assert result.error.status == 403


def test_what_is_shared_in_is_deleted_by_its_owner_only(reader, look):
    service = Resources(reader, look("TEACHING/SUB-002/SUB-002_MR1/scans/1"))
    (change,) = service.plan_delete([one for one in service.resources().items if one.key == "DICOM"])
    assert "shared in" in change.refusal


@pytest.mark.parametrize("name", ["a[1].txt", "d#e.txt", "x;y.txt"])
def test_a_name_that_xnat_may_not_find_is_noted_and_said_when_it_is_so(xnat, named, name, carry_out):
    service, resource = named(name, "other")
    (change,) = doomed(service, resource, name)
    assert change.refusal == ""
    assert change.note.startswith("XNAT may not find it by its address, ")
    (result,) = carry_out([change], service.do)
    assert isinstance(result.error, NotFound)
    assert result.error.message == f"{change.note}, and did not."
    assert "only its whole resource" in result.error.hint
    assert sorted(held(xnat).files) == sorted([name, "other"])


def test_each_of_several_files_is_read_back_by_itself(xnat, named, carry_out):
    """One that stays makes the list whole again, and the next one's must not be taken from memory."""
    service, resource = named("a[1].txt", "b c.txt", "r+s.txt", "z.txt")
    results = carry_out(doomed(service, resource, "a[1].txt", "b c.txt", "r+s.txt"), service.do)
    assert [type(result.error) for result in results] == [NotFound, type(None), type(None)]
    assert sorted(held(xnat).files) == ["a[1].txt", "z.txt"]
    assert [one.change.note for one in results[1:]] == [
        "XNAT before 1.8 may not find it by its address, b%20c.txt",
        "XNAT before 1.8 may not find it by its address, r%2Bs.txt",
    ]
