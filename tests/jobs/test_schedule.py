"""The order of steps, without threads."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xnat_tui.jobs.schedule import Schedule
from xnat_tui.model.entities import Kind
from xnat_tui.model.plan import Action, End, Step
from xnat_tui.model.work import Untouched


def step(number: int, *needs: int, key: str = "") -> Step:
    end = End("qc", key or f"/{number}")
    return Step(number, Action.UPLOAD, Untouched(), f"E{number}", Kind.RESOURCE, end, end, needs=needs)


def schedule(*steps: Step, failed: dict[int, str] | None = None) -> Schedule:
    return Schedule(steps, failed or {}, lambda each: each.target.uri)


def numbers(steps: list[Step]) -> list[int]:
    return [each.number for each in steps]


def test_a_step_waits_for_its_needs():
    plan = schedule(step(1), step(2, 1), step(3))
    assert [plan.next().number, plan.next().number, plan.next()] == [1, 3, None]
    plan.succeed(1)
    assert plan.next().number == 2


def test_one_target_is_written_by_one_step_at_a_time():
    plan = schedule(step(1, key="a"), step(2, key="a"), step(3, key="b"))
    assert [plan.next().number, plan.next().number, plan.next()] == [1, 3, None]
    plan.succeed(1)
    assert plan.next().number == 2


def test_a_failure_takes_along_what_needs_it_and_nothing_else():
    plan = schedule(step(1), step(2, 1), step(3, 2), step(4))
    assert plan.next().number == 1
    assert numbers(plan.fail(1)) == [2, 3]
    assert plan.next().number == 4
    plan.succeed(4)
    assert len(plan) == 0


def test_what_needs_an_earlier_failure_is_doomed_with_its_path():
    plan = schedule(step(2, 1), step(3, 2), step(4), failed={1: "subjects/S"})
    assert [(each.number, reason) for each, reason in plan.doomed] == [(2, "subjects/S"), (3, "subjects/S")]
    assert plan.next().number == 4


def test_steps_that_need_each_other_are_found():
    plan = schedule(step(1, 2), step(2, 1))
    assert plan.next() is None
    assert numbers(plan.stuck()) == [1, 2]


@settings(suppress_health_check=[HealthCheck.too_slow])  # says how busy the machine is
@given(st.data())
def test_every_step_ends_exactly_once_whatever_fails(data):
    count = data.draw(st.integers(1, 12))
    steps = [
        step(
            n,
            *data.draw(st.sets(st.integers(1, n - 1)) if n > 1 else st.just(set())),
            key=data.draw(st.sampled_from("abc")),
        )
        for n in range(1, count + 1)
    ]
    plan = schedule(*steps)
    ended: list[int] = []
    lost: list[int] = []
    running: dict[int, str] = {}
    while len(plan):
        while started := plan.next():
            assert started.target.uri not in running.values()
            assert set(started.needs) <= set(ended)
            running[started.number] = started.target.uri
        number = data.draw(st.sampled_from(sorted(running)))
        del running[number]
        match data.draw(st.sampled_from(["done", "failed", "stopped"])):
            case "done":
                plan.succeed(number)
                ended.append(number)
            case "failed":
                lost += [number, *numbers(plan.fail(number))]
            case _:
                plan.give_back(number)
    assert sorted(ended + lost) == list(range(1, count + 1))
