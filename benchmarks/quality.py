"""How well a pass finds what was planted: `.venv/bin/python -m benchmarks.quality [--size 400] [--seeds 12]`

Recall and precision for each kind, the error of the support counts, valid quotes, leaks, and proposals on
pure noise. Lists what was missed and what was found beside the plants.
"""

from __future__ import annotations

import argparse
import statistics
from collections import Counter

from benchmarks.corpora import Corpus, Plant, noise, planted
from dreaming.mining import Finding, digest_session, mine
from dreaming.mining.values import Preference, Upkeep, Workflow
from dreaming.writer import write

KINDS = ("recurring_failure", "workaround", "workflow", "preference", "upkeep")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=400)
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--noise", type=int, default=20)
    parser.add_argument("--verbose", action="store_true")
    given = parser.parse_args()
    total: Counter[str] = Counter()
    errors: list[float] = []
    for seed in range(given.seeds):
        score(planted(seed, given.size), seed, total, errors, given.verbose)
    spurious = 0
    for seed in range(given.noise):
        found = passed(noise(seed, given.size))
        spurious += len(found)
        for item in found:
            print(f"  noise {seed}: {item.kind} {item.title}")
    report(total, errors)
    print(f"proposals on pure noise, {given.noise} seeds: {spurious}")


def passed(corpus: Corpus) -> list[Finding]:
    digests = [digest_session(view) for view in corpus.sessions]
    return list(mine(digests, memories=corpus.memories, served=corpus.served).findings)


def score(corpus: Corpus, seed: int, total: Counter[str], errors: list[float], verbose: bool) -> None:
    """Add one corpus to the totals. A plant that memory says already is right when it is not found."""
    found = passed(corpus)
    wanted = [plant for plant in corpus.plants if plant.kind in KINDS]
    used: set[int] = set()
    for plant in wanted:
        total[f"{plant.kind} planted"] += 1
        hit = next((n for n, item in enumerate(found) if n not in used and matches(plant, item)), None)
        if hit is None:
            print(f"  seed {seed} missed: {plant.kind} {plant.label} ({len(plant.sessions)} sessions)")
            continue
        used.add(hit)
        total[f"{plant.kind} hit"] += 1
        if plant.kind in {"recurring_failure", "workaround", "preference"}:
            errors.append(abs(found[hit].support.sessions - len(plant.sessions)) / len(plant.sessions))
    for number, item in enumerate(found):
        total[f"{item.kind} found"] += 1
        if number not in used:
            print(f"  seed {seed} beside: {item.kind} {item.title[:120]} ({item.support.sessions})")
        elif verbose:
            print(f"  seed {seed} right: {item.kind} {item.title[:120]} ({item.support.sessions})")
    check_quotes(corpus, found, total)


def matches(plant: Plant, item: Finding) -> bool:
    if plant.kind != item.kind:
        return False
    if isinstance(item.lesson, Upkeep):
        return item.lesson.path in plant.names
    if isinstance(item.lesson, Workflow):
        places = [item.lesson.steps.index(name) if name in item.lesson.steps else -1 for name in plant.names]
        return -1 not in places and places == sorted(places)
    if isinstance(item.lesson, Preference):
        shown = {one.session for one in item.evidence if one.stance == "supports"}
        return len(shown & plant.sessions) * 2 > len(shown)
    if item.tool != plant.names[0]:
        return False
    return len(plant.names) == 1 or (item.remedy is not None and plant.names[1] in item.remedy.change)


def check_quotes(corpus: Corpus, found: list[Finding], total: Counter[str]) -> None:
    events = {(view.external_id, event.seq): event for view in corpus.sessions for event in view.events}
    for item in found:
        draft = write(item)
        shown = "\n".join((draft.path, draft.content, draft.title, draft.rationale))
        total["leaks"] += sum(text in shown for text in corpus.forbidden)
        for one in item.evidence:
            event = events[one.session, one.seq]
            total["quotes"] += 1
            total["valid"] += any(one.quote in text for text in (event.text, event.output, event.input))


def report(total: Counter[str], errors: list[float]) -> None:
    print(f"{'kind':20} {'planted':>8} {'recall':>8} {'precision':>10}")
    for kind in KINDS:
        planted_, hit, found = (total[f"{kind} {what}"] for what in ("planted", "hit", "found"))
        print(f"{kind:20} {planted_:8} {hit / max(1, planted_):8.3f} {hit / max(1, found):10.3f}")
    print(f"support counts off by {statistics.mean(errors):.1%} on average, at most {max(errors):.1%}")
    print(f"valid quotes {total['valid']} of {total['quotes']}; leaks {total['leaks']}")


if __name__ == "__main__":
    main()
