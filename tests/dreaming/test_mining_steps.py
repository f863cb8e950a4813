"""Steps: what a call is named by in an order, when it counts as taken, and orders of which each step is needed."""

from __future__ import annotations

import random
from typing import Any

import pytest

from dreaming.mining import Digest, digest_session, mine
from tests.dreaming.test_mining_mine import Step, code, lock_steps, session
from tests.dreaming.test_mining_workflows import corpus, steps_of


def digest(*steps: Step) -> Digest:
    return digest_session(session(1, steps))


def named(tool: str, given: dict[str, Any]) -> str:
    """The longest name of the one step."""
    return digest((tool, given, {"wick": 3})).steps[-1].signature


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"method": "post", "url": "https://wax.example/v2/vats/9931/pour?slow=1"}, "POST /v2/vats/<id>/pour"),
        ({"verb": "GET", "path": "/vats/7f0c22e9-11aa/wicks", "headers": {}}, "GET /vats/<id>/wicks"),
        ({"operation": "trimWick", "wick": "w-4"}, "trimWick"),
        ({"request": {"action": "wax.melt", "grams": 40}}, "wax.melt"),
    ],
)
def test_a_request_is_named_by_its_verb_and_path_or_the_operation_that_it_asks_for(
    given: dict[str, Any], name: str
) -> None:
    assert named("ask_chandlery", given) == f"ask_chandlery: {name}"


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("SELECT colour, length FROM wicks WHERE vat = 7", "SELECT FROM wicks"),
        ("select w.*\n  from chandlery.wicks w\n  join vats v on v.id = w.vat", "SELECT FROM chandlery.wicks"),
        ("INSERT INTO pours (vat, wick) VALUES (3, 'w-4')", "INSERT INTO pours"),
    ],
)
def test_a_question_to_a_database_is_named_by_what_it_is_asked_of(statement: str, name: str) -> None:
    assert named("db", {"sql": statement}) == f"db: {name}"


def test_a_file_is_no_request() -> None:
    assert named("mend_wick", {"path": "/var/wax/list.txt"}) == "mend_wick"


def test_a_tool_that_is_told_what_to_do_is_a_step_by_its_own_name_too() -> None:
    steps = digest(("mend_wick", {"action": "twist", "wick": 4}, {"wick": 4})).steps
    assert [step.signature for step in steps] == ["mend_wick", "mend_wick: twist"]


def test_to_hear_that_there_is_none_is_a_step_taken() -> None:
    assert [step.worked for step in digest(("find_cracks", {"mould": "m-1"}, {"cracks": []})).steps] == [True]


def test_a_plain_answer_among_data_is_a_step_taken() -> None:
    data: list[Step] = [(name, {"vat": "v-1"}, {"vat": "v-1", "heat": 71}) for name in ("read_vat", "read_heat")]
    taken = digest(*data, ("pour_wax", {"vat": "v-1"}, "vat 4417 poured to the brim")).steps
    assert [(step.signature, step.worked) for step in taken][-1] == ("pour_wax", True)


def test_a_marked_error_is_no_step_taken() -> None:
    assert [step.worked for step in digest(("pour_wax", {"vat": "v-1"}, "wax too cold", True)).steps] == [False]


def dipping(left_out: list[int], rng: random.Random) -> tuple[list[Step], float]:
    """Two steps before a third, of which many runs leave one out, and fail."""
    vat = {"vat": code(rng)}
    parts: list[Step] = [(name, vat, {"vat": 1}) for name in ("melt_wax", "cut_wick", "dip_candle")]
    if rng.random() < 0.55:
        return parts, 0.92
    for at in sorted(left_out, reverse=True):
        del parts[at]
    return parts, 0.3


@pytest.mark.parametrize("seed", range(3))
def test_an_order_is_told_of_which_hardly_anybody_leaves_out_one_step_alone(seed: int) -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], float]:
        if rng.random() < 0.8:
            return [], 0.8
        return dipping([1] if ref % 40 == 0 else rng.choice([[0], [0, 1]]), rng)

    found = [item for item in corpus(300, special, seed).findings if item.kind == "workflow"]
    assert [steps_of(item) for item in found] == [("melt_wax", "cut_wick", "dip_candle")]


@pytest.mark.parametrize("seed", range(3))
def test_an_order_that_goes_with_easy_tasks_is_not_told(seed: int) -> None:
    rng = random.Random(seed)
    made = []
    for ref in range(300):
        easy = ref % 2 == 0
        vat = {"vat": code(rng)}
        parts: list[Step] = [(name, vat, {"vat": 1}) for name in ("melt_wax", "cut_wick", "dip_candle")]
        steps = parts if rng.random() < (0.85 if easy else 0.15) else parts[2:]
        outcome = "success" if rng.random() < (0.9 if easy else 0.35) else "failure"
        made.append(session(ref, [*lock_steps(rng, 1), *steps], outcome=outcome, task_id=f"haul-{ref % 12}"))
    assert mine([digest_session(item) for item in made]).findings == ()


def finishing(chance: float, rng: random.Random) -> tuple[list[Step], float]:
    """Ordinary work, or in a seventh of the runs two steps of which nearly half take the last one alone or first."""
    if rng.random() > 0.15:
        return [], 0.86 if chance < 0.5 else chance
    taken: list[Step] = [(name, {"rack": code(rng)}, {"rack": 1}) for name in ("scrape_rack", "hang_candle")]
    return (taken, 0.92) if rng.random() < 0.55 else (taken[rng.randrange(2) :][::-1], chance)


@pytest.mark.parametrize("seed", range(3))
def test_two_steps_of_which_hardly_one_is_taken_without_the_other_are_told(seed: int) -> None:
    found = corpus(400, lambda _, rng: finishing(0.25, rng), seed).findings
    assert [steps_of(item) for item in found] == [("scrape_rack", "hang_candle")]


@pytest.mark.parametrize("seed", range(8))
def test_two_steps_in_any_order_with_which_sessions_end_alike_are_not_told(seed: int) -> None:
    found = corpus(400, lambda _, rng: (finishing(0.6, rng)[0], 0.6), seed).findings
    assert found == ()


def test_what_a_tool_tells_nearly_all_its_callers_is_no_failure() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], float]:
        vat = {"vat": code(rng)}
        more: list[Step] = [("read_heat", vat, {"heat": 71}), ("read_level", vat, {"level": 3})]
        usual: list[Step] = [
            ("find_cracks", vat, {"cracks": []}),
            ("pour_wax", vat, "wax runs slowly into every mould"),
        ]
        return more + usual * (ref % 3 > 0), 0.6

    assert corpus(300, special).findings == ()
