"""A value written anew is a remedy where all that write it so take out or put in the same, whatever the value says."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from dreaming.mining.edits import affixes, edit_of
from dreaming.writer import write
from tests.dreaming.test_mining_mine import Step, code, corpus, only, passed

CARGOES = ["salted cod", "green oak", "brass bells", "wet wool", "old rope", "fine sand"]


def repaired(tool: str, argument: str, wrong: str, right: str, error: str, at: int) -> list[Step]:
    steps: list[Step] = [(tool, {argument: wrong}, error, True)]
    return [*steps, (tool, {argument: right}, {"found": at})] if at % 24 else [*steps, *steps]


def test_what_all_leave_out_of_a_query_is_the_remedy() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        one, two = rng.sample(CARGOES, 2)
        if ref % 8:
            return [("ask_ledger", {"words": f"{one} {two}"}, {"found": ref})], ""
        wrong, right = f"{one} PLUS ({two})", f"~{one} {two}"
        return repaired("ask_ledger", "words", wrong, right, "the ledger knows no joined questions", ref), ""

    found = only(passed(corpus(300, special)))
    assert found.kind == "workaround"
    assert found.remedy is not None
    assert [(edit.lost, edit.gained) for edit in found.remedy.edits] == [(("PLUS (", ")"), ("~",))]
    told = write(found).content
    assert "without `PLUS (` and `)` and with `~`" in told
    assert not any(cargo in told for cargo in CARGOES)


def test_what_stands_before_a_value_is_left_out() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        barge = f"{rng.choice('abcdefgh') * rng.randrange(1, 5)}.{rng.randrange(10, 99999)}/{code(rng)}"
        if ref % 8:
            return [("hail_barge", {"barge": barge}, {"heard": ref})], ""
        return repaired("hail_barge", "barge", f"canal://hail/{barge}", barge, "no such name on this water", ref), ""

    found = only(passed(corpus(300, special)))
    assert (found.kind, found.support.sessions) == ("workaround", 38)
    assert "`barge` bare, not as `canal://hail/…`" in write(found).content


@pytest.mark.parametrize(
    ("old", "new", "around"),
    [
        ("canal://hail/otter", "otter", ("`canal://hail/…`", "`…`")),
        ("otter", "otter*", ("`…`", "`…*`")),
        ("canal://hail/otter", "hail:otter", ("`canal://hail/…`", "`hail:…`")),
        ("otter", "badger", None),
        ("otter", "otters", None),
        ("otter and badger", "otter", None),
        ("otter-17", "otter-18", None),
    ],
)
def test_what_stands_around_a_value(old: str, new: str, around: tuple[str, str] | None) -> None:
    assert affixes(old, new) == around


def test_other_values_without_anything_in_common_are_no_edit() -> None:
    apart = [(f"weigh({one})", f"count[{two}]") for one, two in zip(CARGOES, reversed(CARGOES), strict=True)]
    assert edit_of("work", apart) is None
    assert edit_of("work", [(one, f"{one} {two}") for one, two in pairwise(CARGOES)]) is None


def test_another_tool_that_is_given_a_part_of_the_value_stands_in() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        number = f"{rng.randrange(1000, 9999)}.{rng.randrange(10000, 99999)}"
        if ref % 10:
            return None
        first: Step = (
            "read_board",
            {"board": f"canal://boards/lower-town/market-side/{number}"},
            "a chain bars the way to this board",
            True,
        )
        return [first, ("call_crier", {"number": number}, {"cried": ref}) if ref % 40 else first], ""

    found = only(passed(corpus(400, special)))
    assert (found.kind, found.remedy and found.remedy.to_tool) == ("workaround", "call_crier")


def test_a_tool_that_everybody_calls_anyway_stands_in_where_a_switch_is_on() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        looked: Step = ("view_roster", {"day": code(rng)}, {"hands": 3})
        if ref % 8:
            return [("post_bell", {"bell": code(rng)}, {"posted": 1}), looked] if ref % 3 else [looked], ""
        refused: Step = ("post_bell", {"bell": code(rng)}, "the ringers change hands just now", True)
        posted: Step = ("view_roster", {"day": code(rng), "and_post": True}, {"hands": 2})
        return [refused, posted] if ref % 24 else [refused], ""

    found = only(passed(corpus(400, special)))
    assert found.remedy is not None
    assert found.remedy.change == "other tool: view_roster(and_post)"
    assert '"and_post": true' in write(found).content
