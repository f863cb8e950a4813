"""The counts by day that charts read are those of the sessions, whatever happens to them."""

from collections import Counter
from datetime import UTC, datetime

import pytest
from django.db.models import Sum

from sessions.counts import fold_counts
from sessions.models import Session, SessionCount
from tests.factories import make_agent, make_session

pytestmark = pytest.mark.django_db


def counted() -> dict:
    rows = SessionCount.objects.values_list("agent", "day", "outcome").annotate(sum=Sum("number")).order_by()
    return {tuple(key): number for *key, number in rows if number}


def real() -> dict:
    rows = Session.objects.values_list("agent", "occurred_at", "outcome")
    return dict(Counter((agent, at.astimezone(UTC).date(), outcome) for agent, at, outcome in rows))


def test_added_changed_and_removed_sessions_are_counted_by_their_day_in_utc():
    agent, other = make_agent(), make_agent()
    late = datetime.fromisoformat("2026-11-02T01:30:00+02:00")
    for who in (agent, agent, other):
        make_session(who, outcome="success", occurred_at=late)
    assert (
        counted()
        == real()
        == {
            (agent.pk, datetime(2026, 11, 1).date(), "success"): 2,
            (other.pk, datetime(2026, 11, 1).date(), "success"): 1,
        }
    )

    Session.objects.filter(agent=other).update(outcome="failure")
    assert counted() == real()


def test_folding_keeps_every_sum_in_one_row(django_assert_num_queries):
    agent = make_agent()
    for outcome in ("success", "success", "failure"):
        make_session(agent, outcome=outcome)
    Session.objects.filter(outcome="failure").update(outcome="partial")
    before = counted()

    fold_counts()

    assert counted() == before == real()
    assert SessionCount.objects.count() == 2
