"""Workflows: ordered steps that successes share and failures lack, told apart from what merely goes along."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from dreaming.mining import Finding, MiningResult, digest_session, mine
from dreaming.mining.values import Workflow
from dreaming.writer import graduation_text, write
from tests.dreaming.test_mining_mine import Step, code, lock_steps, session


def corpus(size: int, special: Callable[[int, random.Random], tuple[list[Step], float]], seed: int = 1) -> MiningResult:
    """Sessions of ordinary work around `special`'s steps, which succeed with the given chance."""
    rng = random.Random(seed)
    made = []
    for ref in range(size):
        steps, chance = special(ref, rng)
        work = lock_steps(rng, 2)
        cut = rng.randrange(len(work))
        outcome = "success" if rng.random() < chance else "failure"
        made.append(session(ref, work[:cut] + steps + work[cut:], outcome=outcome))
    return mine([digest_session(item) for item in made])


def steps_of(found: Finding) -> tuple[str, ...]:
    assert isinstance(found.lesson, Workflow)
    return found.lesson.steps


def test_a_step_that_failures_leave_out_is_found() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], float]:
        kiln = {"kiln": code(rng)}
        fire, vent = ("fire_kiln", kiln, "lit"), ("open_vent", kiln, "open")
        return ([vent, fire], 0.9) if rng.random() < 0.6 else ([fire], 0.35)

    found = [item for item in corpus(300, special).findings if item.kind == "workflow"]
    assert [steps_of(item) for item in found] == [("open_vent", "fire_kiln")]
    assert found[0].support.agents == 3
    assert write(found[0]).path == "/workflows/open-vent-fire-kiln.md"


@pytest.mark.parametrize(
    ("tool", "first", "second", "names"),
    [
        ("db", "ANALYZE TABLE bins.b_{0}", "CALL grain.swap_bin('b_{0}')", ("ANALYZE TABLE", "CALL grain.swap_bin")),
        ("sh", "millctl -n mill{0} stone lock", "millctl grind --lot {0}", ("millctl stone lock", "millctl grind")),
    ],
)
def test_steps_of_one_tool_are_told_apart_by_the_words_that_they_begin_with(
    tool: str, first: str, second: str, names: tuple[str, str]
) -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], float]:
        steps: list[Step] = [(tool, {"input": text.format(rng.randrange(90))}, "ok") for text in (first, second)]
        return (steps, 0.9) if rng.random() < 0.6 else (steps[1:], 0.35)

    found = [item for item in corpus(300, special).findings if item.kind == "workflow"]
    assert [steps_of(item)[-2:] for item in found] == [tuple(f"{tool}: {name}" for name in names)]


def test_a_longer_sequence_is_one_finding_with_gaps_allowed() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], float]:
        vat = {"vat": code(rng)}
        parts: list[Step] = [(name, vat, "done") for name in ("rinse_vat", "warm_vat", "pour_dye", "stir_dye")]
        if rng.random() < 0.3:
            parts.insert(2, ("ring_bell", {}, "rung"))
        if rng.random() < 0.5:
            return parts, 0.9
        return [part for part in parts if part[0] not in {"warm_vat", "stir_dye"}], 0.3

    found = [item for item in corpus(300, special).findings if item.kind == "workflow"]
    assert len(found) == 1
    assert {"warm_vat", "pour_dye", "stir_dye"} <= set(steps_of(found[0]))
    places = [steps_of(found[0]).index(name) for name in ("warm_vat", "pour_dye", "stir_dye")]
    assert places == sorted(places)


def dyeing(chance: float, rng: random.Random) -> tuple[list[Step], float]:
    """Three steps before a fourth, of which half of the runs leave one out, and succeed with this chance."""
    vat = {"vat": code(rng)}
    parts: list[Step] = [(name, vat, "done") for name in ("rinse_vat", "warm_vat", "stir_dye", "pour_dye")]
    if rng.random() < 0.5:
        return parts, 0.9
    del parts[rng.randrange(3)]
    return parts, chance


@pytest.mark.parametrize("seed", range(4))
def test_an_order_is_found_where_each_session_that_lacks_it_lacks_another_step(seed: int) -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], float]:
        return dyeing(0.3, rng) if rng.random() < 0.4 else ([], 0.7)

    found = [item for item in corpus(300, special, seed).findings if item.kind == "workflow"]

    assert [steps_of(item) for item in found] == [("rinse_vat", "warm_vat", "stir_dye", "pour_dye")]
    assert "before `pour_dye`" in write(found[0]).title
    lacked = found[0].support.other_total
    assert lacked > 30
    assert f"of {lacked} that took `pour_dye` without `rinse_vat` and then `warm_vat`" in write(found[0]).content


REFUSALS = (
    "the platen is cold",
    "no operator signed in",
    "boards too thick for this press",
    "screw jammed, call the smith",
    "humidity out of range today",
)


def bookbinding(chance: float, rng: random.Random) -> tuple[list[Step], float]:
    """Three steps in order, or one of them left out; other work takes any one of them too, and succeeds."""
    book = {"book": code(rng)}
    parts: list[Step] = [(name, book, "done") for name in ("fold_sheets", "sew_spine", "press_book")]
    kind = rng.random()
    if kind < 0.12:
        return parts, 0.9
    if kind < 0.2:
        del parts[rng.randrange(3)]
        return parts, chance
    return ([parts[rng.choice([0, 1, 2, 2])]], 0.8) if kind < 0.5 else ([], 0.7)


@pytest.mark.parametrize("seed", range(4))
def test_an_order_is_compared_with_the_same_kind_of_work_and_not_with_whatever_takes_its_last_step(seed: int) -> None:
    found = [
        item for item in corpus(400, lambda _, rng: bookbinding(0.3, rng), seed).findings if item.kind == "workflow"
    ]

    assert [steps_of(item) for item in found] == [("fold_sheets", "sew_spine", "press_book")]
    assert "that took most of these steps, but not all of them in this order" in write(found[0]).content


@pytest.mark.parametrize("seed", range(4))
def test_who_is_refused_a_step_has_not_left_it_out(seed: int) -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], float]:
        book = {"book": code(rng)}
        parts: list[Step] = [(name, book, "done") for name in ("fold_sheets", "sew_spine", "press_book")]
        if rng.random() < 0.15:
            parts[2] = ("press_book", book, rng.choice(REFUSALS), True)
            return parts, 0.25
        return (parts, 0.85) if rng.random() < 0.4 else ([], 0.7)

    found = corpus(400, special, seed).findings
    assert not [item for item in found if item.kind == "workflow"]


@pytest.mark.parametrize("seed", range(4))
def test_work_that_is_as_good_with_a_step_left_out_teaches_no_order(seed: int) -> None:
    assert corpus(400, lambda _, rng: bookbinding(0.9, rng), seed).findings == ()


@pytest.mark.parametrize("seed", range(4))
def test_of_an_order_that_failures_leave_out_as_well_nothing_is_told(seed: int) -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], float]:
        return (dyeing(0.6, rng)[0], 0.6) if rng.random() < 0.4 else ([], 0.6)

    assert corpus(300, special, seed).findings == ()


def test_an_order_is_found_where_both_take_both_steps() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], float]:
        bale = {"bale": code(rng)}
        parts: list[Step] = [("weigh_bale", bale, "12"), ("bind_bale", bale, "bound")]
        return (parts, 0.85) if rng.random() < 0.6 else (parts[::-1], 0.3)

    found = corpus(300, special).findings
    assert [steps_of(item) for item in found] == [("weigh_bale", "bind_bale")]
    assert "before" in write(found[0]).title


def jammed(rng: random.Random) -> Step:
    return ("pull_lever", {"lever": code(rng)}, "lever jammed, the smith is needed", True)


@pytest.mark.parametrize("seed", range(4))
def test_an_order_is_found_beside_an_error_that_decides_how_sessions_of_either_order_end(seed: int) -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], float]:
        bale = {"bale": code(rng)}
        parts: list[Step] = [("weigh_bale", bale, "12"), ("bind_bale", bale, "bound")]
        if rng.random() < 0.8:
            return ([jammed(rng)], 0.1) if rng.random() < 0.1 else ([("pull_lever", {}, "pulled")], 0.7)
        parts, chance = (parts, 0.9) if rng.random() < 0.6 else (parts[::-1], 0.35)
        return ([*parts, jammed(rng)], 0.1) if rng.random() < 0.5 else (parts, chance)

    found = corpus(400, special, seed).findings
    order = next(item for item in found if item.kind == "workflow")
    assert [item.kind for item in found if item is not order] == ["recurring_failure"]
    assert steps_of(order) == ("weigh_bale", "bind_bale")
    assert isinstance(order.lesson, Workflow)
    apart = order.lesson.whole[1] + order.lesson.whole[3] - order.support.met_total - order.support.other_total
    assert apart > 20
    assert f"{apart} more met an error that is told by itself" in write(order).rationale


@pytest.mark.parametrize("seed", range(4))
def test_an_error_that_the_wrong_order_brings_about_does_not_hide_the_order(seed: int) -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], float]:
        bale = {"bale": code(rng)}
        weigh: Step = ("weigh_bale", bale, "12")
        if rng.random() < 0.6:
            return [weigh, ("bind_bale", bale, "bound")], 0.9
        return [("bind_bale", bale, "bale has no weight on record", True), weigh], 0.2

    found = [item for item in corpus(300, special, seed).findings if item.kind == "workflow"]
    assert [steps_of(item) for item in found] == [("weigh_bale", "bind_bale")]


@pytest.mark.parametrize("seed", range(4))
def test_an_order_of_two_steps_is_found_where_all_sorts_of_other_work_take_either(seed: int) -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], float]:
        bale = {"bale": code(rng)}
        parts: list[Step] = [("weigh_bale", bale, "12"), ("bind_bale", bale, "bound")]
        kind = rng.random()
        if kind > 0.2:
            return ([rng.choice(parts)] if kind < 0.7 else [], 0.65)
        return (parts, 0.9) if rng.random() < 0.6 else (parts[::-1], 0.2)

    found = corpus(400, special, seed).findings
    assert [steps_of(item) for item in found] == [("weigh_bale", "bind_bale")]


@pytest.mark.parametrize("seed", range(5))
def test_a_sequence_equal_in_success_and_failure_is_not_told(seed: int) -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], float]:
        jar = {"jar": code(rng)}
        parts: list[Step] = [("seal_jar", jar, "sealed"), ("label_jar", jar, "labelled")]
        return (parts if rng.random() < 0.5 else parts[::-1], 0.6)

    assert corpus(300, special, seed).findings == ()


def test_what_one_strong_agent_does_is_not_the_reason_that_it_succeeds() -> None:
    rng = random.Random(3)
    made = []
    for ref in range(300):
        strong = ref % 3 == 0
        loom = {"loom": code(rng)}
        steps: list[Step] = [("think_aloud", {}, "yes")] if strong or rng.random() < 0.05 else []
        outcome = "success" if rng.random() < (0.95 if strong else 0.4) else "failure"
        made.append(session(ref, [*steps, ("thread_loom", loom, "threaded")], outcome=outcome))
    assert mine([digest_session(item) for item in made]).findings == ()


def test_what_several_agents_found_is_fit_to_graduate_with_a_ready_text() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], float]:
        kiln = {"kiln": code(rng)}
        fire, vent = ("fire_kiln", kiln, "lit"), ("open_vent", kiln, "open")
        return ([vent, fire], 0.9) if rng.random() < 0.6 else ([fire], 0.35)

    found = corpus(300, special).findings[0]
    assert found.graduates
    text = graduation_text(found)
    assert text.startswith("## Call `open_vent` before `fire_kiln`")
    assert "3 agents found this independently" in text


def test_a_switch_that_is_on_here_and_there_does_not_split_a_step() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], float]:
        kiln = {"kiln": code(rng)}
        vent = ("open_vent", kiln | {"terse": rng.random() < 0.5}, "open")
        fire = ("fire_kiln", kiln | {"terse": rng.random() < 0.5}, "lit")
        return ([vent, fire], 0.9) if rng.random() < 0.6 else ([fire], 0.35)

    found = [item for item in corpus(300, special).findings if item.kind == "workflow"]
    assert [steps_of(item)[-2:] for item in found] == [("open_vent", "fire_kiln")]


def test_a_trial_run_before_the_step_itself_is_an_order() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], float]:
        kiln = {"kiln": code(rng)}
        trial, fire = ("fire_kiln", kiln | {"rehearse": True}, "would light"), ("fire_kiln", kiln, "lit")
        return ([trial, fire], 0.9) if rng.random() < 0.6 else ([fire], 0.35)

    found = [item for item in corpus(300, special).findings if item.kind == "workflow"]
    assert [steps_of(item) for item in found] == [("fire_kiln(rehearse)", "fire_kiln")]
