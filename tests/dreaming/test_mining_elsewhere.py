"""Another tool after an error: what stands in for the one that failed, and what is merely the next step."""

from __future__ import annotations

import random

import pytest

from dreaming.mining import Finding, digest_session, mine
from tests.dreaming.test_mining_mine import Step, code, session

WORK = ("comb_wool", "card_wool", "dye_wool", "dry_wool", "bale_wool", "grade_wool")


def findings_of_a_mill(seed: int, *, remedy: float) -> tuple[Finding, ...]:
    """Sessions about one fleece each, which every call is given. A worn spindle stops some early in their work, so that more
    work comes after the error than after spinning; a share `remedy` of these spins by hand, as some always do.
    """
    rng = random.Random(seed)
    made = []
    for ref in range(400):
        fleece = {"fleece": code(rng)}
        work: list[Step] = [(name, fleece, "done") for name in rng.sample(WORK, 4)]
        spin: Step = ("spin_yarn", fleece, "spun")
        won = 0.75
        if rng.random() < 0.1:
            work.append(("handspin", fleece, "spun"))
        if ref % 12 == 0:
            worn: Step = ("spin_yarn", fleece, f"spindle {rng.randrange(90)} is worn and slips", True)
            mended = rng.random() < remedy
            steps = [worn, *([("handspin", fleece, "spun")] if mended else []), *work]
            won = 0.85 if mended else 0.42
        else:
            steps = [*work[:2], spin, *work[2:3]]
        outcome = "success" if rng.random() < won else "failure"
        made.append(session(ref, steps, outcome=outcome, task_id=""))
    return mine([digest_session(item) for item in made]).findings


@pytest.mark.parametrize("seed", range(6))
def test_what_comes_next_anyway_is_no_remedy(seed: int) -> None:
    assert not [item.title for item in findings_of_a_mill(seed, remedy=0) if item.kind == "workaround"]


@pytest.mark.parametrize("seed", range(6))
def test_a_tool_that_does_what_the_failed_one_should_is_the_remedy_though_some_call_it_anyway(seed: int) -> None:
    found = [item for item in findings_of_a_mill(seed, remedy=0.8) if item.kind == "workaround"]

    assert [item.remedy.change for item in found if item.remedy] == ["other tool: handspin"]
