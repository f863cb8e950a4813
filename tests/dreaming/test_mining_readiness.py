"""Readiness: what a window's sessions can teach, who says how they ended, and what to log."""

from __future__ import annotations

import random
from dataclasses import replace

from dreaming.mining import Digest, digest_session, mine
from dreaming.mining.readiness import readiness
from tests.dreaming.test_mining_mine import lock_steps, session, toll_without_ledger


def digests(count: int, **given: str) -> list[Digest]:
    return [
        digest_session(
            session(ref, lock_steps(random.Random(ref)), outcome="success" if ref % 3 else "failure") if not given
            else session(ref, lock_steps(random.Random(ref)), **given)
        )
        for ref in range(count)
    ]  # fmt: skip


def test_a_full_signal_is_counted_and_asks_for_nothing_but_flags_and_sources() -> None:
    made = [replace(item, score=0.5, source="grader", silent=()) for item in digests(60)]
    report = readiness(made)
    assert (report.sessions, report.agents, report.with_outcome, report.won) == (60, 3, 60, 40)
    assert report.sources == (("grader", 60),)
    assert report.scores == (0.5, 0.5, 0.5)
    assert (report.with_task, report.repeated, report.with_principal) == (60, 40, 60)
    assert report.can_compare
    assert report.advice == ()


def test_tools_that_never_flag_an_error_are_named() -> None:
    report = readiness(digests(40))
    assert [tool for tool, _ in report.silent_tools] == ["inspect_lock", "log_passage", "weigh_cargo"]
    assert any("is_error" in line for line in report.advice)


def test_agents_too_small_to_learn_from_are_named() -> None:
    lone = digest_session(session(999, lock_steps(random.Random(1)), agent="newcomer"))
    assert readiness([*digests(40), lone]).small_agents == (("newcomer", 1),)


def test_without_outcomes_only_what_needs_none_is_proposed_and_the_pass_says_so() -> None:
    made = [
        digest_session(session(ref, toll_without_ledger(random.Random(ref), repaired=True), outcome="unknown"))
        for ref in range(40)
    ]
    result = mine(made)
    assert [item.kind for item in result.findings] == ["workaround"]
    assert "No session says how it ended" in result.notes[0]
    assert not readiness(made).can_compare


def test_an_outcome_that_never_differs_is_told() -> None:
    report = readiness(digests(40, outcome="success"))
    assert any("end the same way" in line for line in report.advice)


def test_nothing_is_no_error() -> None:
    report = readiness([])
    assert (report.sessions, report.can_compare, report.advice) == (0, False, ())
