"""Many hands on one door."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from memory.models import Memory, MemoryVersion
from reviews.ballots import DecisionRefused
from reviews.models import Decision
from tests.factories import approve, make_live_memory, make_proposal, make_store

pytestmark = pytest.mark.django_db(transaction=True)


def try_to_approve(proposal, user) -> str:
    try:
        approve(proposal, user)
    except DecisionRefused as refusal:
        return type(refusal).__name__
    finally:
        connection.close()
    return "approved"


def test_32_threads_approving_one_proposal_make_one_decision(rita):
    proposal = make_proposal(make_store())

    with ThreadPoolExecutor(32) as pool:
        outcomes = list(pool.map(lambda _: try_to_approve(proposal, rita), range(32)))

    assert sorted(outcomes) == ["AlreadyDecided"] * 31 + ["approved"]
    assert Decision.objects.count() == MemoryVersion.objects.count() == 1


def test_of_rival_updates_one_is_applied_and_the_others_go_stale(rita):
    store = make_store()
    base = make_live_memory(store, rita)
    rivals = [
        make_proposal(store, operation="update", path=base.path, base_version=base, content=f"Way {'x' * n}.")
        for n in range(1, 9)
    ]

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda rival: try_to_approve(rival, rita), rivals))

    assert sorted(outcomes) == ["Stale"] * 7 + ["approved"]
    assert MemoryVersion.objects.filter(store=store).count() == 2


def test_revisions_of_a_store_are_handed_out_without_gap_or_double(rita):
    store = make_store()
    proposals = [make_proposal(store) for _ in range(16)]

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda proposal: try_to_approve(proposal, rita), proposals))

    assert outcomes == ["approved"] * 16
    assert sorted(MemoryVersion.objects.values_list("revision", flat=True)) == list(range(1, 17))
    assert Memory.objects.filter(head__isnull=False).count() == 16
