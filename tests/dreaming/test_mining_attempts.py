"""What mended a call is told apart from what was tried in vain before."""

from __future__ import annotations

import random

from tests.dreaming.test_mining_mine import Step, code, corpus, only, passed


def test_what_works_at_last_as_it_was_asked_at_first_is_owed_to_the_step_between() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        boat = code(rng, "boat")
        if ref % 6:
            return [("raise_sail", {"boat": boat, "reefs": rng.randrange(4)}, {"up": 1})], ""
        refused = f"Error: sail of {boat} is bound"
        attempts: list[Step] = [
            ("raise_sail", {"boat": boat, "reefs": 5}, refused, True),
            ("raise_sail", {"boat": boat, "reefs": 4}, refused, True),
            ("untie_gaskets", {"boat": boat}, {"tied": 0}),
            ("raise_sail", {"boat": boat, "reefs": 5}, {"up": 1}),
        ]
        return attempts, ""

    found = only(passed(corpus(240, special)))
    assert found.remedy is not None
    assert (found.remedy.change, found.remedy.adopted) == ("first: untie_gaskets", 40)


def test_a_change_made_less_often_is_a_remedy_where_it_saves_the_session_too() -> None:
    """About a third change the form of the value, and so do a few elsewhere: alone too little to prove it."""

    def special(saves: bool) -> list[str]:
        def steps(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
            pier, named = f"P-{rng.randrange(1000, 9999)}", "the pier of the salt house"
            if ref % 8:
                if ref % 8 > 2:
                    return None
                again: list[Step] = [("ask_pier", {"pier": pier}, {"free": 1})] if ref % 40 == 1 else []
                return [("ask_pier", {"pier": named}, {"free": 1}), *again], ""
            mended: list[Step] = [("ask_pier", {"pier": pier}, {"free": 1})] if ref % 24 == 0 else []
            won = bool(mended) if saves else ref % 48 < 24
            failed: Step = ("ask_pier", {"pier": named}, "Error: no pier is found by this name", True)
            return [failed, *mended], "success" if won else "failure"

        return [item.kind for item in passed(corpus(200, steps)).findings if item.tool == "ask_pier"]

    assert special(saves=True) == ["workaround"]
    assert special(saves=False) == []
