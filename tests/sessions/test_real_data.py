"""The real sessions beside the checkout, where they are: they are not ours to commit."""

import gzip
from pathlib import Path

import pytest

from sessions.preparing import prepare

DATA = Path(__file__).parents[2].parent / "shared" / "data"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"the real sessions are not at {DATA}")


@pytest.mark.parametrize(
    ("name", "sessions", "events", "redactions"),
    [("retail", 1249, 44_017, {"secret": 9}), ("swe", 500, 60_305, None)],
)
def test_every_real_session_is_read_and_only_secrets_are_redacted(name, sessions, events, redactions):
    with gzip.open(DATA / f"{name}.jsonl.gz") as file:
        prepared = [prepare(line) for line in file]
    assert (len(prepared), sum(session.event_count for session in prepared)) == (sessions, events)
    found: dict[str, int] = {}
    for session in prepared:
        for kind, count in session.redactions.items():
            found[kind] = found.get(kind, 0) + count
    if redactions is not None:
        assert found == redactions, "one service key, pasted into nine tool calls"
    assert sum(found.values()) < 200
    assert not found.get("card"), "no order, item or user id is a card number"
