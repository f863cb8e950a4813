"""One tool for all requests is as many tools as there are verbs and paths: errors, remedies and causes are told of each."""

from __future__ import annotations

import random
from typing import Any

from dreaming.mining.requests import asked_for, given_in
from dreaming.writer import write
from tests.dreaming.test_mining_mine import Step, code, corpus, only, passed


def asked(method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"method": method, "url": f"https://harbour.example/v2{path}", **({"body": body} if body else {})}


def test_a_request_is_named_by_verb_and_path_and_gives_its_ids_query_and_body() -> None:
    request = asked("POST", "/berths/B-1207/moorings?tide=high", {"rope": "hemp"})
    assert asked_for(request).text == "POST /v2/berths/<id>/moorings"
    assert given_in(request) == {"berths": "B-1207", "tide": "high", "rope": "hemp"}


def test_a_request_to_make_before_another_is_a_remedy() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        berth = code(rng)
        moor = asked("POST", f"/berths/{berth}/moorings", {"rope": "hemp"})
        if ref % 6:
            return [("request", asked("GET", f"/berths/{berth}"), {"depth": rng.randrange(9)})], ""
        refused: Step = ("request", moor, f"409 berth {berth} is chained", True)
        unchain: Step = ("request", asked("POST", f"/berths/{berth}/unchain", {"key": "brass"}), {"chained": 0})
        return [refused, unchain, ("request", moor, {"moored": 1})], "success"

    found = only(passed(corpus(300, special)))
    assert (found.kind, found.support.sessions) == ("workaround", 50)
    assert found.support.eligible == 50
    title = write(found).title
    assert title == "Call `request: POST /v2/berths/<id>/unchain` before `request: POST /v2/berths/<id>/moorings`"


def test_a_field_of_the_body_is_an_argument() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        path, body = f"/tolls/{code(rng)}", {"barge": code(rng, "barge")}
        paid: Step = ("request", asked("PUT", path, {**body, "ledger": "red"}), {"paid": 1})
        refused: Step = ("request", asked("PUT", path, body), "422 toll without its book", True)
        return ([paid] if ref % 6 else [refused, paid]), ""

    found = only(passed(corpus(300, special)))
    assert found.remedy is not None
    assert found.remedy.change == "arguments: add ledger"
