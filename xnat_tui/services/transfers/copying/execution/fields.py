"""Single fields of an item that is there: only those that a plan names, and only over what it saw there."""

from __future__ import annotations

from xnat_tui.errors import Conflict, NotFound
from xnat_tui.jobs.control import Control
from xnat_tui.model.judging import same_text
from xnat_tui.model.plan import Step
from xnat_tui.model.transfer import Failure, Kept, Outcome, State
from xnat_tui.model.work import FieldsCopy
from xnat_tui.services.transfers.copying.execution.items import put, there_now
from xnat_tui.services.transfers.copying.run import CopyRun
from xnat_tui.xnat.documents import item_xml
from xnat_tui.xnat.documents.listed_names import listed_values, only_listed


def copy_fields(run: CopyRun, step: Step, control: Control) -> Outcome:
    """Set them and read them back. Running it again changes nothing that is right already.

    Raises NotFound where the item is not there any more. What has another value there than the plan saw is
    left alone, and told.
    """
    work = step.carried(FieldsCopy)
    there = there_now(run, step)
    if there is None:
        raise NotFound("It is not at the destination any more.", "Plan again.")
    source = item_xml.own(run.document(step.source.uri), step.kind)
    here, held = listed_values(source), listed_values(item_xml.own(there, step.kind))
    failures: tuple[Failure, ...] = ()
    wanted = []
    for name, before in work.fields.items():
        now, value = held.get(name, ""), here.get(name, "")
        if same_text(now, value):
            continue
        if not same_text(now, before):
            error = Conflict(f"{name} was changed there meanwhile.", "Plan again.")
            failures += (Failure(step.path, error.message, error.hint),)
        else:
            wanted.append(name)
    if wanted:
        document = only_listed(source, wanted)
        failures += put(run, step, document, document, control)
    state = State.FAILED if failures else State.DONE
    return Outcome(step.number, state, failures=failures, attributes=Kept(lost=1) if failures else Kept(1))
