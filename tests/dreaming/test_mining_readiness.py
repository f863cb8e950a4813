"""Readiness: what a window's sessions can teach, who says how they ended, and what to log."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from dreaming.mining import digest_session, mine
from dreaming.mining.readiness import Advice, Readiness, SessionSignal, readiness
from tests.dreaming.test_mining_mine import session, toll_without_ledger

TOOLS = frozenset({"inspect_lock", "log_passage"})
FULL = SessionSignal("bargee", "guild", "t0", "success", 1.0, "grader", TOOLS, frozenset())


def signals(count: int = 60, **given: object) -> list[SessionSignal]:
    """Three agents, each task run three times, two of three sessions a success, everything said but for `given`."""
    made = [
        replace(
            FULL,
            agent=f"bargee-{ref % 3}",
            task_id=f"t{ref % 20}",
            outcome="success" if ref % 3 else "failure",
            score=(ref % 10) / 10,
        )
        for ref in range(count)
    ]
    return [replace(signal, **given) for signal in made]  # type: ignore[arg-type]


def fields(report: Readiness) -> list[str]:
    return [item.field for item in report.advice]


def advice(report: Readiness, field: str) -> Advice:
    return next(item for item in report.advice if item.field == field)


def test_a_full_signal_is_counted_and_asks_for_nothing() -> None:
    report = readiness(signals())
    assert (report.sessions, report.digested, report.agents, report.with_outcome, report.won) == (60, 60, 3, 60, 40)
    assert report.sources.shown == (("grader", 60),)
    assert (report.with_task, report.repeated, report.with_principal) == (60, 40, 60)
    assert report.can_compare
    assert report.advice == ()


def test_scores_are_counted_by_tenths_and_the_greatest_falls_in_the_last() -> None:
    report = readiness([replace(FULL, score=score) for score in (0.0, 0.05, 0.3, 1.0, None)])
    assert report.scored == 4
    assert report.scores == (0.0, 0.3, 1.0)
    assert report.score_bins == (2, 0, 0, 1, 0, 0, 0, 0, 0, 1)


def test_tools_that_never_flag_an_error_are_named_and_stand_in_the_example() -> None:
    made = signals(silent=frozenset({"log_passage"}))
    report = readiness(made)
    assert report.silent_tools.shown == (("log_passage", 60),)
    assert "log_passage never say" in advice(report, "is_error").text
    assert advice(report, "is_error").example["events"][0]["tool"] == "log_passage"
    once_flagged = [*made[1:], replace(made[0], silent=frozenset())]
    assert readiness(once_flagged).silent_tools.shown == ()


def test_of_sessions_without_a_digest_the_tools_are_not_known() -> None:
    half = [*signals(30, tools=None), *signals(30, silent=TOOLS)]
    report = readiness(half)
    assert report.digested == 30
    assert report.silent_tools.shown == (("inspect_lock", 30), ("log_passage", 30))


def test_agents_too_small_to_learn_from_are_named_and_many_are_counted() -> None:
    lone = [replace(FULL, agent=f"newcomer-{number:02}") for number in range(14)]
    report = readiness([*signals(), *lone])
    assert report.small_agents.shown[0] == ("newcomer-00", 1)
    assert (len(report.small_agents.shown), report.small_agents.more) == (10, 4)
    assert "newcomer-04 and 9 more" in advice(report, "").text


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"outcome": "unknown", "source": ""}, "outcome.status"),
        ({"outcome": "success"}, "outcome.status"),
        ({"source": ""}, "outcome.source"),
        ({"task_id": ""}, "task_id"),
        ({"principal": ""}, "principal"),
    ],
)
def test_what_is_missing_is_asked_for_with_an_example(given: dict[str, str], field: str) -> None:
    report = readiness(signals(**given))
    assert fields(report) == [field]
    example = report.advice[0].example
    assert example is not None
    assert list(example) == [field.partition(".")[0]]


def test_an_outcome_that_never_differs_cannot_be_compared() -> None:
    assert not readiness(signals(outcome="success")).can_compare
    assert not readiness(signals(outcome="failure")).can_compare


def test_the_order_of_the_sessions_means_nothing() -> None:
    made = [*signals(outcome="partial", silent=TOOLS), *signals(33, source="customer")]
    shuffled = random.Random(1).sample(made, len(made))
    assert readiness(made) == readiness(shuffled)


def test_nothing_is_no_error() -> None:
    report = readiness([])
    assert (report.sessions, report.can_compare, report.advice) == (0, False, ())


def test_without_outcomes_only_what_needs_none_is_found() -> None:
    made = [
        digest_session(session(ref, toll_without_ledger(random.Random(ref), repaired=True), outcome="unknown"))
        for ref in range(40)
    ]
    assert [item.kind for item in mine(made).findings] == ["workaround"]
