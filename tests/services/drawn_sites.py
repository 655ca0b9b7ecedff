"""A drawn tree in a demo server's site."""

from __future__ import annotations

from tests.services.drawn_trees import File, Item, Resource, spellings
from xnat_tui.demo.archive import Experiment, FileEntry
from xnat_tui.demo.archive import Item as Stored
from xnat_tui.demo.archive import Resource as StoredResource
from xnat_tui.demo.content import BytesContent
from xnat_tui.demo.site import Site


def fill(site: Site, name: str, tree: Item) -> None:
    """A project of this name with what the tree says; shared items belong to another one."""
    project, other = site.add_project(name, users={"demo": "owner"}), site.add_project(f"{name}_X")
    other.users["demo"] = "owner"
    _put(site, project, tree)
    for one in tree.items:
        owner = other if one.shared else project
        subject = site.add_subject(owner, f"own {one.key}" if one.shared else one.key)
        if one.shared:
            site.share(subject, name, one.key)
        _put(site, subject, one)
        for two in one.items:
            label = f"own {one.key} {two.key}" if two.shared else two.key
            session = site.add_experiment(
                subject, label, two.type, project=f"{name}_X" if two.shared else name
            )
            if two.shared:
                site.share(session, name, two.key)
            _put(site, session, two)
            _fill_session(site, session, two, name)


def add_plain(site: Site, project: str, label: str) -> None:
    """A subject with one session of one scan: what most of an archive is, and shows none of the rest."""
    session = site.add_experiment(
        site.add_subject(site.projects[project], label), f"{label} MR", "xnat:mrSessionData", project=project
    )
    scan = site.add_scan(session, "1", xsi_type="xnat:mrScanData")
    _put(site, scan, Item("scan", "1", resources=[Resource("DICOM", files={"1.dcm": File(b"one")})]))


def _fill_session(site: Site, session: Experiment, tree: Item, name: str) -> None:
    for one in tree.items:
        if one.kind == "scan":
            _put(site, site.add_scan(session, one.key, xsi_type=one.type), one)
        elif one.kind == "assessor":
            label = f"own {session.label} {one.key}" if one.shared else one.key
            owner = f"{name}_X" if one.shared else session.project
            assessor = site.add_assessor(session, label, one.type, project=owner)
            if one.shared:
                site.share(assessor, name, one.key)
            _put(site, assessor, one)
        else:
            _put(site, site.add_reconstruction(session, one.key), one)


def _put(site: Site, stored: Stored, tree: Item) -> None:
    for name, number in tree.fields.items():
        text = spellings(tree.kind, name)[number][1]
        if name.startswith("fields/"):
            stored.variables[name.removeprefix("fields/")] = text
        else:
            stored.fields[name] = text
    for one in tree.resources:
        where: list[StoredResource] = getattr(stored, f"{one.side}_resources" if one.side else "resources")
        resource = site.new_resource(one.label, format=one.format)
        where.append(resource)
        for path, file in one.files.items():
            content = BytesContent(file.data)
            digest = content.md5 if file.digest else ""
            resource.add(FileEntry(path, content, digest, content.size))
        resource.file_count = one.count
        resource.file_size = None if one.counted is None else one.size
