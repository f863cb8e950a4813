"""Real sessions: what plain counting finds (the data's README) is what the pass finds."""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from dreaming.mining import Digest, EventView, Finding, SessionView, digest_session, mine
from dreaming.mining.values import Workflow
from dreaming.writer import write

DATA = Path(__file__).parents[2].parent / "shared" / "data"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _event(given: dict[str, Any]) -> EventView:
    return EventView(
        seq=given["seq"],
        type=given["type"],
        role=given.get("role") or "",
        text=given.get("text") or "",
        tool=given.get("tool") or "",
        call_id=given.get("call_id") or "",
        input=json.dumps(given["input"], ensure_ascii=False) if "input" in given else "",
        output=_text(given["output"]) if "output" in given else "",
        is_error=given.get("is_error"),
    )


@lru_cache(maxsize=2)
def sessions(name: str) -> tuple[SessionView, ...]:
    path = DATA / f"{name}.jsonl.gz"
    if not path.exists():
        pytest.skip(f"the real sessions are not on this machine: {path}")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return tuple(_session(ref, json.loads(line)) for ref, line in enumerate(lines))


def _session(ref: int, given: dict[str, Any]) -> SessionView:
    return SessionView(
        ref=ref,
        external_id=given["id"],
        agent=given["agent"],
        principal=given.get("principal") or "",
        task_id=given.get("task_id") or "",
        outcome=(given.get("outcome") or {}).get("status", "unknown"),
        score=(given.get("outcome") or {}).get("score"),
        events=[_event(event) for event in given["events"]],
    )


@lru_cache(maxsize=2)
def digests(name: str) -> tuple[Digest, ...]:
    return tuple(digest_session(view) for view in sessions(name))


@lru_cache(maxsize=2)
def findings(name: str) -> tuple[Finding, ...]:
    return mine(digests(name)).findings


def the(tool: str, words: str, name: str = "retail") -> Finding:
    return next(item for item in findings(name) if item.tool == tool and words in item.template)


@pytest.mark.parametrize(
    ("tool", "words", "sessions_hit", "change", "adopted"),
    [
        ("find_user_id_by_email", "user not found", 161, "other tool: find_user_id_by_name_zip", 127),
        ("find_user_id_by_name_zip", "user not found", 22, "other values", 18),
        ("get_return_refund_options", "field required", 57, "arguments: add item_ids, order_id", 43),
        (
            "exchange_delivered_order_items",
            "cannot be exchanged",
            38,
            "other tool: modify_pending_order_items",
            23,
        ),
    ],
)
def test_known_workarounds_with_their_counts(
    tool: str, words: str, sessions_hit: int, change: str, adopted: int
) -> None:
    found = the(tool, words)
    assert found.kind == "workaround"
    assert found.support.sessions == pytest.approx(sessions_hit, rel=0.1)
    assert found.remedy is not None
    assert found.remedy.change == change
    assert found.remedy.adopted == pytest.approx(adopted, rel=0.1)


def test_the_empty_list_is_named_as_the_cause() -> None:
    found = the("modify_pending_order_items", "should match")
    assert (found.kind, found.support.sessions, found.support.agents) == ("recurring_failure", 29, 8)
    assert found.causes[0].feature == "empty:new_item_ids"


def test_the_order_that_locks_is_the_one_workflow() -> None:
    found = [item for item in findings("retail") if item.kind == "workflow"]
    assert [item.title for item in found] == ["modify_pending_order_address → modify_pending_order_items"]
    support, lesson = found[0].support, found[0].lesson
    assert (support.met_success, support.met_total, support.other_success, support.other_total) == (53, 83, 1, 20)
    assert isinstance(lesson, Workflow)
    assert lesson.whole == (53, 84, 1, 20)
    assert (lesson.contrast, lesson.agents_for, lesson.agents_known) == ("order", 7, 7)
    assert found[0].graduates


def test_simulated_customers_have_no_preferences() -> None:
    assert not [item for item in findings("retail") if item.kind == "preference"]


def test_a_program_that_is_missing_and_what_runs_instead() -> None:
    found = the("bash: python -m pytest", "no module named pytest", "swe")
    assert found.remedy is not None
    assert found.remedy.change == "run: bin/test instead of python -m pytest"


@pytest.mark.parametrize("name", ["retail", "swe"])
def test_few_findings_each_with_exact_quotes_and_a_short_draft(name: str) -> None:
    events = {(view.external_id, event.seq): event for view in sessions(name) for event in view.events}
    assert 1 <= len(findings(name)) <= 12
    for found in findings(name):
        assert any(item.stance == "supports" for item in found.evidence)
        for item in found.evidence:
            event = events[item.session, item.seq]
            assert any(item.quote in text for text in (event.text, event.output, event.input))
        assert len(write(found).content) < 1200


def test_shuffled_outcomes_prove_nothing() -> None:
    outcomes = [item.outcome for item in digests("retail")]
    for seed in range(3):
        mixed = list(outcomes)
        random.Random(seed).shuffle(mixed)
        shuffled = [replace(item, outcome=outcome) for item, outcome in zip(digests("retail"), mixed, strict=True)]
        for found in mine(shuffled).findings:
            assert found.support.p_adjusted > 0.01
            assert found.kind != "workflow"
            assert found.remedy is not None or found.causes or not found.recovered
