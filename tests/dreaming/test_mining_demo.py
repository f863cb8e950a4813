"""The demo fleet: which lessons a first look gives, which are left out and why, and what is flagged."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from dreaming.demo import MEMORY, PORTAL, demo_sessions
from dreaming.mining import EventView, Finding, MemoryView, MiningResult, SessionView, digest_session, mine
from dreaming.mining.values import Upkeep
from dreaming.writer import write
from memory.scanning import INJECTION, scan


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _event(given: dict[str, Any]) -> EventView:
    return EventView(
        seq=given["seq"],
        type=given["type"],
        role=given.get("role", ""),
        text=given.get("text", ""),
        tool=given.get("tool", ""),
        call_id=given.get("call_id", ""),
        input=json.dumps(given["input"]) if "input" in given else "",
        output=_text(given["output"]) if "output" in given else "",
        is_error=given.get("is_error"),
    )


def _view(ref: int, given: dict[str, Any]) -> SessionView:
    return SessionView(
        ref=ref,
        external_id=given["id"],
        agent=given["agent"],
        principal=given["principal"],
        task_id=given["task_id"],
        outcome=given["outcome"]["status"],
        score=given["outcome"]["score"],
        events=[_event(event) for event in given["events"]],
    )


def dreamt(seed: int) -> MiningResult:
    sessions = demo_sessions(until=datetime(2026, 11, 3, tzinfo=UTC), seed=seed)
    memories = [MemoryView(path, text, version) for version, (path, text) in enumerate(MEMORY.items())]
    return mine([digest_session(_view(ref, given)) for ref, given in enumerate(sessions)], memories=memories)


RESULT = dreamt(20)  # the seed that `make run` loads


def the(tool: str) -> Finding:
    return next(item for item in RESULT.findings if item.tool == tool)


@pytest.mark.parametrize(
    ("tool", "change", "claim"),
    [
        (
            "export_statement",
            "form: from_date from `9999-99-99` to `99.99.9999`",
            "Give `export_statement` its `from_date` in the format `12.34.5678`, not `1234-56-78`",
        ),
        (
            "post_payment",
            "first: request_review_release",
            "When `post_payment` answers `claim <id> is under review, payment of <n> refused`, "
            "call `request_review_release` and then `post_payment` again",
        ),
        (
            "find_member_by_email",
            "other tool: find_member_by_number",
            "Use `find_member_by_number` instead of `find_member_by_email` when that answers "
            "`no member with this address`",
        ),
        (
            "search_clauses",
            "arguments: add jurisdiction",
            "Call `search_clauses` with `jurisdiction`: it is refused otherwise",
        ),
        ("approve_settlement", "arguments: add part", "Call `approve_settlement` with `part`: it is refused otherwise"),
        (
            "read_record",
            "arguments: add override_consent",
            "Call `read_record` with `override_consent`: it is refused otherwise",
        ),
    ],
)
def test_the_lessons(tool: str, change: str, claim: str) -> None:
    found = the(tool)
    assert found.kind == "workaround"
    assert found.remedy is not None
    assert found.remedy.change == change
    assert write(found).title == claim


def test_the_letter_that_gives_orders_is_flagged_and_not_repeated() -> None:
    found = the("read_attachment")
    draft = write(found)
    assert not scan(draft.title, draft.content, draft.rationale)
    assert INJECTION in scan(*(item.quote for item in found.evidence))


def of_kind(kind: str) -> Finding:
    (found,) = (item for item in RESULT.findings if item.kind == kind)
    return found


def test_a_step_that_successes_share_is_a_workflow() -> None:
    assert write(of_kind("workflow")).title == "Call `verify_identity` before `change_account`"


def test_what_every_desk_asks_for_is_a_preference() -> None:
    found = of_kind("preference")
    assert "claim number into the subject line" in write(found).title
    assert (found.support.sessions, found.support.principals) == (9, 4)


def test_a_memory_that_users_contradict_is_corrected_in_its_place() -> None:
    lesson = of_kind("upkeep").lesson
    assert isinstance(lesson, Upkeep)
    assert lesson.path == "/playbook/letters.md"
    kept, changed = lesson.content.splitlines()
    assert kept in MEMORY[lesson.path]
    assert changed.removeprefix("- ") in PORTAL


def test_nothing_else_is_proposed_and_the_rest_is_left_out_with_its_reason() -> None:
    assert len(RESULT.findings) == 10
    left = {item.tool: item.reason for item in RESULT.discarded}
    assert left["search_documents"] == "transient: it heals on an identical retry"
    assert left["print_label"] == "one-session storm: 30 times in a single session"


def test_what_was_approved_is_not_contradicted_by_the_sessions_that_it_came_from() -> None:
    lessons = [write(found) for found in RESULT.findings]
    approved = [MemoryView(lesson.path, lesson.content, number) for number, lesson in enumerate(lessons)]
    sessions = demo_sessions(until=datetime(2026, 11, 3, tzinfo=UTC), seed=20)
    again = mine([digest_session(_view(ref, given)) for ref, given in enumerate(sessions)], memories=approved)
    assert again.findings == ()


def test_another_fleet_gives_the_same_lessons() -> None:
    for seed in range(1, 6):
        result = dreamt(seed)
        tools = [found.tool for found in result.findings]
        assert "export_statement" in tools
        assert "post_payment" in tools
        assert {"workaround", "workflow", "preference", "upkeep"} <= {found.kind for found in result.findings}
