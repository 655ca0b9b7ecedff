"""Display fields: what the search engine shows of each type, not always what the schema stores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from html import escape

from xnat_tui.demo.archive import Assessor, Experiment, Item, Project, Scan, Subject, timestamp
from xnat_tui.demo.datatypes import IMAGE_ASSESSOR, IMAGE_SCAN, PROJECT, SUBJECT, SUBJECT_ASSESSOR
from xnat_tui.demo.records import User, Workflow
from xnat_tui.demo.rights import can_read, sees_project
from xnat_tui.demo.site import Site, owner_of
from xnat_tui.demo.workflows import TYPE as WORKFLOW
from xnat_tui.demo.workflows import item_of, readable_item, visible

Row = Item | Workflow
_COLOURS = {"Complete": "green", "Failed": "red"}
_COUNTED = ("mr", "pet", "ct", "petmr", "us", "cr", "eeg", "meg", "ut")
_ROLES = {"OWNERS": "owner", "MEMBERS": "member", "COLLABS": "collaborator"}
_SUBJECT_FIELDS = {
    "GENDER": "gender",
    "GENDER_TEXT": "gender",
    "HANDEDNESS": "handedness",
    "HANDEDNESS_TEXT": "handedness",
    "EDUC": "education",
    "SES": "ses",
    "RACE": "race",
    "ETHNICITY": "ethnicity",
    "SUB_GROUP": "group",
    "HEIGHT": "height",
    "WEIGHT": "weight",
}
_EXPERIMENT_FIELDS = {
    "DATE": "date",
    "TIME": "time",
    "NOTE": "note",
    "AGE": "age",
    "SCANNER_CSV": "scanner",
    "SCANNER": "scanner",
    "OPERATOR": "operator",
    "UID": "UID",
    "MODALITY": "modality",
    "TYPE": "session_type",
    "VALIDATION_STATUS": "validation/status",
}
_SCAN_FIELDS = {
    "TYPE": "type",
    "QUALITY": "quality",
    "SERIES_DESCRIPTION": "series_description",
    "UID": "UID",
    "FRAMES": "frames",
    "NOTE": "note",
    "CONDITION": "condition",
    "MODALITY": "modality",
    "FIELDSTRENGTH": "fieldStrength",
    "PARAMETERS_TR": "parameters/tr",
    "PARAMETERS_TE": "parameters/te",
    "PARAMETERS_TI": "parameters/ti",
    "PARAMETERS_FLIP": "parameters/flip",
    "PARAMETERS_VOXELRES_X": "parameters/voxelRes/x",
    "PARAMETERS_VOXELRES_Y": "parameters/voxelRes/y",
    "PARAMETERS_VOXELRES_Z": "parameters/voxelRes/z",
}
_WORKFLOW_FIELDS = {
    "CURRENT_STEP_ID": "current_step_id",
    "CURRENT_STEP_LAUNCH_TIME": "current_step_launch_time",
    "NEXT_STEP_ID": "next_step_id",
    "STEP_DESCRIPTION": "step_description",
    "PERCENTAGECOMPLETE": "percentageComplete",
    "JOB_ID": "jobID",
}
Fields = dict[str, Callable[[Row], str]]
"""Display fields by their ID, each from a row of its type."""


class UnknownField(Exception):
    """A display field that a type does not have."""


class Displays:
    """The display fields of a site for one search, with what is worth computing only once."""

    def __init__(self, site: Site, user: User) -> None:
        self._site, self._user = site, user
        self._last_workflows: dict[str, datetime] | None = None
        self._statuses: dict[str, str] | None = None
        self._tables: dict[str, Fields] = {}

    def candidates(self, root: str) -> Iterable[Row]:
        """The rows of a root type that the user may read."""
        site, user, types = self._site, self._user, self._site.types
        if root == WORKFLOW:
            return visible(site, user)
        if root == PROJECT:
            return [one for one in site.projects.values() if sees_project(user, one)]
        if root == SUBJECT:
            return [one for one in site.subjects.values() if can_read(site, user, one)]
        if types.is_a(root, IMAGE_SCAN):
            readable = [one for one in site.experiments.values() if can_read(site, user, one)]
            return [s for one in readable for s in one.scans.values() if types.is_a(s.xsi_type, root)]
        stored: list[Item] = [*site.experiments.values(), *site.assessors.values()]
        return [one for one in stored if types.is_a(one.xsi_type, root) and can_read(site, user, one)]

    def fields(self, root: str) -> Fields:
        """The display fields of a type; empty for base types, which have none."""
        if root not in self._tables:
            self._tables[root] = self._fields(root)
        return self._tables[root]

    def field(self, root: str, name: str) -> Callable[[Row], str]:
        """A display field, perhaps one with a parameter such as ``SUB_EXPT_COUNT=xnat:mrSessionData``."""
        field_id, _, parameter = name.partition("=")
        found = self.fields(root).get(field_id.upper())
        if parameter:
            found = self._parameterised(field_id.upper(), parameter) or found
        if found is None:
            raise UnknownField(f"{root}/{name}")
        return found

    def _fields(self, root: str) -> Fields:
        types = self._site.types
        if root == WORKFLOW:
            return self._workflow()
        if root == PROJECT:
            return self._project()
        if root == SUBJECT:
            return self._subject()
        if types.abstract(root):
            return {}
        if types.is_a(root, IMAGE_SCAN):
            return self._scan()
        if types.is_a(root, SUBJECT_ASSESSOR):
            return self._experiment(root)
        return self._assessor() if types.is_a(root, IMAGE_ASSESSOR) else {}

    def _project(self) -> Fields:
        found: Fields = {
            "ID": lambda row: _project(row).id,
            "NAME": _stored("name"),
            "NAME_CSV": _stored("name"),
            "SECONDARY_ID": _stored("secondary_ID"),
            "DESCRIPTION": _stored("description"),
            "KEYWORDS": _stored("keywords"),
            "PI": lambda row: " ".join(
                filter(
                    None, (_project(row).fields.get("pi_lastname"), _project(row).fields.get("pi_firstname"))
                )
            ),
            "PROJECT_ACCESS": lambda row: _project(row).accessibility,
            "PROJECT_LAST_WORKFLOW": lambda row: timestamp(self._last_workflow(_project(row).id)),
            "PROJECT_USERS": partial(self._people, ""),
            **_dates(),
        }
        for name, role in _ROLES.items():
            found[f"PROJECT_{name}"] = partial(self._people, role)
        for kind in _COUNTED:
            found[f"PROJ_{kind.upper()}_COUNT"] = partial(self._owned, f"xnat:{kind}SessionData")
        return found

    def _subject(self) -> Fields:
        found: Fields = {
            **{name: _stored(path) for name, path in _SUBJECT_FIELDS.items()},
            "SUBJECT_ID": lambda row: _item(row).id,
            "SUBJECTID": lambda row: _item(row).id,
            "SUBJECT_LABEL": lambda row: _item(row).label,
            "PROJECT": lambda row: owner_of(_item(row)),
            "PROJECTS": lambda row: "," + _projects(_item(row)),
            "DOB": lambda row: _item(row).fields.get("dob", "")[:4] or _item(row).fields.get("yob", ""),
            "AGE": _stored("age"),
            **_dates(),
        }
        for kind in _COUNTED:
            found[f"{kind.upper()}_COUNT"] = partial(self._of_subject, f"xnat:{kind}SessionData")
        return found

    def _experiment(self, root: str) -> Fields:
        kind = root.split(":")[-1].removesuffix("SessionData").upper()
        return {
            **{name: _stored(path) for name, path in _EXPERIMENT_FIELDS.items()},
            **_labelled(),
            "SUBJECT_ID": lambda row: _subject_of(row).id,
            "SUBJECT_LABEL": lambda row: _subject_of(row).label,
            f"{kind}_SCAN_COUNT_AGG": lambda row: _scan_counts(row),
            "WORKFLOW_STATUS": self._workflow_status,
            **_dates(),
        }

    def _assessor(self) -> Fields:
        return {
            **{name: _stored(path) for name, path in _EXPERIMENT_FIELDS.items()},
            **_labelled(),
            "SESSION_ID": lambda row: row.session.id if isinstance(row, Assessor) else "",
            "SESSION_LABEL": lambda row: row.session.label if isinstance(row, Assessor) else "",
            **_dates(),
        }

    def _scan(self) -> Fields:
        return {
            **{name: _stored(path) for name, path in _SCAN_FIELDS.items()},
            "ID": lambda row: _item(row).id,
            "PROJECT": lambda row: owner_of(_item(row)),
            "SESSION_ID": lambda row: row.session.id if isinstance(row, Scan) else "",
            "SESSION_LABEL": lambda row: row.session.label if isinstance(row, Scan) else "",
            **_dates(),
        }

    def _workflow(self) -> Fields:
        def plain(get: Callable[[Workflow], str]) -> Callable[[Row], str]:
            return lambda row: get(row) if isinstance(row, Workflow) else ""

        stored: Fields = {name: _stored(path) for name, path in _WORKFLOW_FIELDS.items()}
        return {
            **stored,
            "WORKFLOW_ID": plain(lambda one: str(one.number)),
            "WRK_WORKFLOWDATA_ID": plain(lambda one: str(one.number)),
            "ID": plain(lambda one: one.item_id),
            "DATA_TYPE": plain(lambda one: one.data_type),
            "EXTERNALID": plain(lambda one: one.external_id),
            "PIPELINE_NAME": plain(lambda one: one.pipeline_name),
            "STATUS": plain(lambda one: status_markup(one.status)),
            "LAUNCH_TIME": plain(lambda one: timestamp(one.launch_time)),
            "LAST_MODIFIED": plain(lambda one: timestamp(one.launch_time)),
            "SESSION_LABEL": plain(self._session_label),
            "SUBJECT_LABEL": plain(self._subject_label),
            "PROJECT": plain(lambda one: one.external_id),
            "USERLOGIN": plain(lambda one: one.create_user),
            "USERFULLNAME": plain(lambda one: _full_name(self._site.users.get(one.create_user))),
            "USEREMAIL": plain(lambda one: self._email(one.create_user)),
        }

    def _parameterised(self, field_id: str, parameter: str) -> Callable[[Row], str] | None:
        if field_id == "SUB_EXPT_COUNT":
            return partial(self._of_subject, parameter)
        if field_id.endswith("_PROJECT_IDENTIFIER"):
            return lambda row: (
                self._site.label_in(_item(row), parameter)
                if self._site.in_project(_item(row), parameter)
                else ""
            )
        if field_id.endswith("_FIELD_MAP"):
            return lambda row: _item(row).variables.get(parameter, "")
        return None

    def _last_workflow(self, project_id: str) -> datetime | None:
        if self._last_workflows is None:
            self._last_workflows = {}
            for one in self._site.workflows.values():
                known = self._last_workflows.get(one.external_id)
                if known is None or one.launch_time > known:
                    self._last_workflows[one.external_id] = one.launch_time
        return self._last_workflows.get(project_id)

    def _people(self, role: str, row: Row) -> str:
        """Names in HTML, one per line."""
        logins = [login for login, own in _project(row).users.items() if role in ("", own)]
        return " <br/> ".join(escape(_full_name(self._site.users.get(login))) for login in logins)

    def _owned(self, xsi_type: str, row: Row) -> str:
        project = _project(row)
        subjects = project.subjects.values()
        held = (one for subject in subjects for one in subject.experiments.values())
        return _count(one.project == project.id and one.xsi_type == xsi_type for one in held)

    def _of_subject(self, xsi_type: str, row: Row) -> str:
        if not isinstance(row, Subject):
            return ""
        readable = (one for one in row.experiments.values() if can_read(self._site, self._user, one))
        return _count(one.xsi_type == xsi_type for one in readable)

    def _workflow_status(self, row: Row) -> str:
        if self._statuses is None:
            self._statuses = {one.item_id: one.status for one in self._site.workflows.values()}
        status = self._statuses.get(_item(row).id)
        return status_markup(status) if status is not None else ""

    def _session_label(self, workflow: Workflow) -> str:
        item = readable_item(self._site, self._user, workflow)
        return item.label if isinstance(item, Experiment | Assessor) else ""

    def _subject_label(self, workflow: Workflow) -> str:
        item = item_of(self._site, workflow)
        if isinstance(item, Experiment):
            return item.subject.label
        return item.label if isinstance(item, Subject) else ""

    def _email(self, login: str) -> str:
        user = self._site.users.get(login)
        return user.email if user is not None else ""


def status_markup(status: str) -> str:
    """A workflow's status as the display field shows it: HTML."""
    colour = next((own for word, own in _COLOURS.items() if status.startswith(word)), "orange")
    return f"<B><FONT COLOR={colour}>{escape(status)}</FONT></B>"


def _stored(path: str) -> Callable[[Row], str]:
    return lambda row: row.fields.get(path, "")


def _item(row: Row) -> Item:
    if not isinstance(row, Item):
        raise TypeError("a workflow is no item")
    return row


def _project(row: Row) -> Project:
    if not isinstance(row, Project):
        raise TypeError("not a project")
    return row


def _subject_of(row: Row) -> Subject:
    if not isinstance(row, Experiment):
        raise TypeError("not an experiment of a subject")
    return row.subject


def _dates() -> Fields:
    return {
        "INSERT_DATE": lambda row: timestamp(_item(row).insert_date),
        "INSERT_USER": lambda row: _item(row).insert_user,
        "LAST_MODIFIED": lambda row: timestamp(_item(row).last_modified or _item(row).insert_date),
    }


def _labelled() -> Fields:
    return {
        "SESSION_ID": lambda row: _item(row).id,
        "EXPT_ID": lambda row: _item(row).id,
        "ID": lambda row: _item(row).id,
        "LABEL": lambda row: _item(row).label,
        "PROJECT": lambda row: owner_of(_item(row)),
        "PROJECTS": lambda row: _projects(_item(row)),
    }


def _projects(item: Item) -> str:
    return ",".join(f"<{one}>" for one in (owner_of(item), *item.shares))


def _scan_counts(row: Row) -> str:
    if not isinstance(row, Experiment):
        return ""
    counted = Counter(scan.fields.get("type", "") for scan in row.scans.values())
    return ", ".join(f"{kind}({number})" for kind, number in sorted(counted.items()))


def _count(found: Iterable[bool]) -> str:
    number = sum(found)
    return str(number) if number else ""


def _full_name(user: User | None) -> str:
    return f"{user.firstname} {user.lastname}".strip() if user is not None else ""
