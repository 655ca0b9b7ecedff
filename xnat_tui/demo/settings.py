"""What can be switched on a demo site, above all where real servers are known to differ."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Settings:
    """Site preferences, then switches for behaviour that no source proves (marked "unproven").

    ``bulk_file_columns``: unproven; what columns of resources below ``file/``, ``resources/resource/``,
    ``in/file/`` and ``out/file/`` answer: ``full``, ``labels`` (all other keys are missing) or
    ``refused`` (an SQL error: 200 with an empty body).
    ``scan_type_column``: unproven; the same for ``xnat:imageScanData/extension_item/element_name``:
    ``full``, ``missing`` or ``refused``.
    ``reconstruction_columns``: unproven; the same for what is below ``reconstructions/``.
    ``assessor_owner_column``: unproven; the same for ``xnat:imageAssessorData/project`` in lists of sessions.
    ``columns``: unproven; what columns answer whose full path a regular expression is found in, for any
    column or join: ``full``, ``missing``, ``refused``, ``blank`` (there, and empty in every row), ``single``
    (one row an item, however many children it has) or ``cut`` (the table ends early, and says nothing).
    ``study_protocols``: unproven; those of a project's XML are ``kept``, ``dropped`` or ``refused``.
    ``disabled_scripts``: unproven; the text of an anonymisation script that is switched off: ``hidden``
    (204 for a project, empty for the site) or ``shown``.
    ``encoded_labels_match``: unproven; whether a stored label with a space is found under ``%20``.
    ``resource_as_json_item``: a single resource with ``format=json`` is an item, which xnatpy reads after it
    made one; the source of 1.8.11 answers the catalog XML whatever is asked.
    ``types_in_whole_zips``: zips of a whole session (``all=true``) name scans ``ID-TYPE`` too; the source of
    1.8.11 does so only where the address names the scans.
    ``typed_children``: whether polymorphic single children of JSON items carry their type in brackets.
    ``null_clears_fields``: unproven; whether ``NULL`` blanks a subject's field, else only variables.
    ``nested_sessions``: unproven; what stands in a subject's document of its experiments: ``full``, or
    ``bare``, without what stands below them.
    ``one_age_field``: unproven; whether setting one of dob, yob and age removes the others.
    ``assessors_renamed``: unproven; whether an assessor can be renamed through ``/projects/P/experiments``.
    ``open_workflows_block_delete``: unproven; 409 for deleting an item that is being processed.
    ``unassigned_cell``: the ``project`` of unassigned prearchive rows: "" or ``null``.
    ``raw_control_characters``: tables escape only quotes and backslashes, as string concatenation does.
    ``percent_refused``: unproven; the container refuses ``%25`` in paths as well.
    ``project_name_as_csv``: a search for projects with the schema's field ``name`` answers it under
    ``name_csv``, as on the servers that copyxnat works with.
    ``user_id_in_envelope``: unproven; lists of projects by role name the user's number as ``xdat_user_id``.
    ``unknown_type_status``: unproven; a new item of a type that the schemas lack: 400 or 500.
    ``owner_clash_goes_on``: unproven; 409 for a label that the new owner has already, and moved all the same.
    ``types_not_set_up``: data types of the schemas that no administrator has set up for use.
    ``missing_resource_files``: a files list of an unknown resource: ``empty`` (200) or ``missing``.
    ``empty_upload_status``: a raw upload of zero bytes: 400 or 500.
    ``bad_label_status``: an illegal label on creation: 500 (usual), 417 or 400.
    ``shared_rows_repeat``: unproven; a session shared into several projects is listed repeatedly.
    ``strict_addresses``: unproven; the container refuses ``%2F``, ``%5C``, ``;``, ``//`` in paths, bare
    ``[`` and ``]`` in queries, and addresses beyond 8 kB with 400.
    ``zip_level``: unproven; how hard zips are deflated where ``compression`` says nothing: 0 not at all, -1
    as Java's own default.
    ``xml_serializer``: what writes documents: ``xalan``, which XNAT ships, or ``jdk``.
    ``hidden_fields_concealed``: unproven for old servers; whether ``concealHiddenFields=true`` is honoured.
    ``range_supported``: servers after 1.10 may answer 206 to a Range header.
    ``expired_answer``: an expired session: ``401``, or ``login`` (200 with the login page).
    ``last_modified_blank``: never-changed rows list "" instead of their insertion time.
    ``workflow_search_allowed``: unproven; whether others than administrators may search workflows.
    ``item_search``: unproven; what searches for subjects, experiments and scans by schema paths answer:
    ``full``, ``refused`` (403) or ``empty`` (no row, whatever there is).
    """

    site_id: str = "XNAT"
    context_path: str = ""
    require_login: bool = True
    checksums: bool = True
    session_timeout_seconds: int = 900
    concurrent_max_sessions: int = 1000
    allow_non_admin_project_creation: bool = True
    restrict_user_list: bool = True
    require_change_justification: bool = False
    prevent_data_deletion: bool = False
    sharing_enabled: bool = True
    initialized: bool = True
    token_lifetime_seconds: int = 2 * 24 * 3600
    default_import_handler: str = "SI"
    archive_timeout_seconds: int = 600
    archive_path: str = "/data/xnat/archive"
    plugins: dict[str, dict[str, object]] = field(default_factory=dict)
    preferences: dict[str, object] = field(default_factory=dict)
    """Further values of ``/xapi/siteConfig/{property}``."""
    anonymize: bool = True
    """Whether the site's script rewrites imported DICOM: project, subject and session in the header."""
    site_script: str = 'version "6.1"\n(0008,1030) := project\n(0010,0010) := subject\n(0010,0020) := session'
    """Shown, and never run: what the demo rewrites is always that."""
    autorun_status: str = "Complete"
    """The status in which the AutoRun of a newly archived session ends up."""

    bulk_file_columns: str = "full"
    scan_type_column: str = "full"
    reconstruction_columns: str = "full"
    assessor_owner_column: str = "full"
    columns: dict[str, str] = field(default_factory=dict)
    study_protocols: str = "kept"
    disabled_scripts: str = "hidden"
    resource_as_json_item: bool = False
    types_in_whole_zips: bool = False
    typed_children: bool = False
    null_clears_fields: bool = True
    nested_sessions: str = "full"
    one_age_field: bool = False
    assessors_renamed: bool = True
    open_workflows_block_delete: bool = False
    unassigned_cell: str = ""
    raw_control_characters: bool = True
    percent_refused: bool = False
    project_name_as_csv: bool = True
    user_id_in_envelope: bool = False
    unknown_type_status: int = 400
    owner_clash_goes_on: bool = False
    types_not_set_up: frozenset[str] = frozenset()
    encoded_labels_match: bool = False
    missing_resource_files: str = "empty"
    empty_upload_status: int = 400
    bad_label_status: int = 500
    shared_rows_repeat: bool = False
    strict_addresses: bool = True
    zip_level: int = 0
    xml_serializer: str = "xalan"
    hidden_fields_concealed: bool = True
    range_supported: bool = False
    expired_answer: str = "401"
    last_modified_blank: bool = False
    workflow_search_allowed: bool = True
    item_search: str = "full"
