"""Among the lines that a log writes, the one that tells what went wrong is found, with what goes on below it."""

from __future__ import annotations

import random

import pytest

from dreaming.mining.failures import failure_line, locate, telling_line
from dreaming.mining.templates import template_of
from tests.dreaming.test_mining_mine import Step, code, corpus, only, passed

ROUTINE = [f"2031-04-05T10:0{at}:11Z INFO  lantern {at} lit on the mole" for at in range(4)]
FRAMES = [f"\tat quay.toll.Clerk.weigh(Clerk.java:{at})" for at in range(20)]


def shown(*lines: str) -> str:
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (
            shown(*ROUTINE, "2031-04-05T10:09:11Z ERROR [clerk-7] quay.TollFault: silt on the sill", *FRAMES, "\t... 8 more"),
            "quay.TollFault: silt on the sill",
        ),
        (shown("> key in use: brass", *ROUTINE, "silt lies on the sill of gate nine", "[exit code 2]"), "silt lies on the sill of gate nine"),
        (shown(*ROUTINE, "barge: error: silt on the sill", "exit status 1"), "barge: error: silt on the sill"),
        (
            shown("barge: error: silt on the sill of gates/north/nine", "barge: - the sill must be swept", "(returncode=1)"),
            "barge: error: silt on the sill of gates/north/nine\nbarge: - the sill must be swept",
        ),
        (
            shown(*ROUTINE, "2031-04-05T10:09:11Z ERROR WaitError: 300 ms are over", "  - a rope lies across the gate", ROUTINE[0]),
            "WaitError: 300 ms are over\n  - a rope lies across the gate",
        ),
        (shown("Request failed.", "The sluice is frozen since noon."), "Request failed.\nThe sluice is frozen since noon."),
        (
            '{"error": "Request failed", "details": [{"field": "gate", "reason": "the sluice is frozen"}]}',
            "Request failed\nthe sluice is frozen",
        ),
        (shown("Error: the sluice is frozen", "Ask the lock keeper about it."), "Error: the sluice is frozen"),
    ],
)  # fmt: skip
def test_the_telling_line_is_neither_routine_nor_a_frame(output: str, line: str) -> None:
    assert telling_line(output) == line
    assert failure_line(output, True) == line
    assert locate(line, output, 300).startswith(line.splitlines()[0])


def test_a_branch_or_another_name_in_parts_is_a_value() -> None:
    said = "silt found for {} at noon"
    assert template_of(said.format("refs/heads/north-gate")).text == template_of(said.format("refs/tags/ix")).text


def test_one_failure_is_one_whatever_its_log_says_besides() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        if ref % 12:
            return [("sweep_sill", {"gate": code(rng)}, {"swept": rng.randrange(9)})], ""
        lines = rng.choices(ROUTINE, k=rng.randrange(2, 5))
        error = f"2031-04-05T10:09:11Z ERROR [clerk-{ref}] quay.TollFault: silt of barge {code(rng)} lies on the sill"
        return [("sweep_sill", {"gate": code(rng)}, shown(*lines, error, *FRAMES), True)], (
            "success" if ref % 60 == 0 else "failure"
        )

    found = only(passed(corpus(300, special)))
    assert (found.kind, found.support.sessions) == ("recurring_failure", 25)
    assert found.template == "silt of barge <id> lies on the sill"
