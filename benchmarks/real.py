"""The true top failures of the real sessions, by plain counting, and whether a pass finds them:
`.venv/bin/python -m benchmarks.real` (reads ../shared/data; skips what is not there)

Plain counting knows nothing of the miner: it takes flagged or "Error…" outputs, strikes out digits and counts
distinct sessions. For each of the most frequent it says what the pass made of it: a finding, or the reason.
"""

from __future__ import annotations

import gzip
import json
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dreaming.mining import Discarded, EventView, Finding, SessionView, digest_session, mine

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
TOP = 12
WORDLESS = "failed without a message"


def main() -> None:
    for name in ("retail", "swe"):
        path = DATA / f"{name}.jsonl.gz"
        if not path.exists():
            print(f"{path} is not here")
            continue
        views = list(sessions(path))
        started = time.perf_counter()
        result = mine([digest_session(view) for view in views])
        took = time.perf_counter() - started
        kinds = ", ".join(f"{item.kind} {item.support.sessions}" for item in result.findings)
        print(f"\n{name}: {result.sessions} sessions, {result.events} events, {took:.1f} s: {kinds}")
        for (tool, line), who in counted(views)[:TOP]:
            print(
                f"  {len(who):4} {tool[:32]:32} {line[:60]:60} {fate(tool, line, [*result.findings, *result.discarded])}"
            )


def text_of(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def sessions(path: Path) -> Iterator[SessionView]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for ref, line in enumerate(lines):
            given = json.loads(line)
            outcome = given.get("outcome") or {}
            yield SessionView(
                ref=ref,
                external_id=given["id"],
                agent=given["agent"],
                principal=given.get("principal") or "",
                task_id=given.get("task_id") or "",
                outcome=outcome.get("status", "unknown"),
                score=outcome.get("score"),
                events=[event_of(event) for event in given["events"]],
                source=outcome.get("source") or "",
            )


def event_of(given: dict[str, Any]) -> EventView:
    return EventView(
        seq=given["seq"],
        type=given["type"],
        role=given.get("role") or "",
        text=given.get("text") or "",
        tool=given.get("tool") or "",
        call_id=given.get("call_id") or "",
        input=text_of(given["input"]) if "input" in given else "",
        output=text_of(given["output"]) if "output" in given else "",
        is_error=given.get("is_error"),
    )


def counted(views: list[SessionView]) -> list[tuple[tuple[str, str], set[str]]]:
    """(tool, last line of the error without digits) by the sessions that show it, most first."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for view in views:
        for event in view.events:
            text = event.output or event.text
            if event.type == "tool_result" and (event.is_error or text.startswith("Error")):
                lines = [line.strip() for line in re.sub(r"<[^>]*>", "\n", text).splitlines() if line.strip()]
                line = lines[-1] if "Traceback" in text else next((line for line in lines if " " in line), WORDLESS)
                line = re.sub(r"[^a-z ]+", " ", line.lower())
                found[event.tool, " ".join(line.split())[:90]].add(view.external_id)
    return sorted(found.items(), key=lambda item: -len(item[1]))


def fate(tool: str, line: str, results: list[Finding | Discarded]) -> str:
    """What the pass made of an error: of the results on its tool, the one that shares most of its words."""
    words = set(line.split()) - {"error", "the", "a", "of", "to", "be"}

    def own(item: Finding | Discarded) -> set[str]:
        return set(re.findall(r"[a-z]+", item.template.lower()))

    def shared(item: Finding | Discarded) -> float:
        return len(words & own(item)) / max(1, len(words | own(item)))

    # A shell's failures are told by the program it ran: `bash: python -m pytest`.
    of_tool = (item for item in results if item.tool.partition(":")[0] in {tool, ""} or tool in item.template)
    near = max(of_tool, key=shared, default=None)
    # Of the shorter of the two: the counted line is clipped, and the template may hold more of the message.
    if near is None or len(words & own(near)) <= 0.3 * min(len(words), len(own(near))):
        return "not told"
    return f"found: {near.kind}" if isinstance(near, Finding) else f"left out: {near.reason}"


if __name__ == "__main__":
    main()
