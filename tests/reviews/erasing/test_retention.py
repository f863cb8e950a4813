"""Sessions go when their time is over."""

import pytest

from audit.actors import Actor
from audit.holds import set_hold
from audit.models import Entry, Erasure
from memory.services import QuoteDraft
from reviews.models import ReviewSettings
from reviews.retention import erase_old_sessions
from sessions.models import Session
from tests.factories import approve, make_live_memory, make_proposal, make_session, make_store
from tests.reviews.erasing.world import grow_old


@pytest.mark.django_db
class TestRetention:
    @pytest.fixture
    def kept(self, store):
        ReviewSettings.objects.create(store=store, keep_sessions_days=183)
        return store

    def test_sessions_are_kept_unless_their_stores_say_otherwise(self, store):
        grow_old(make_session(store.agents.get()), 4000)
        assert erase_old_sessions() == 0

    def test_old_ones_lose_their_content_in_one_act_a_batch(self, kept):
        old = [grow_old(make_session(kept.agents.get()), 184) for _ in range(3)]
        young = grow_old(make_session(kept.agents.get()), 182)

        assert erase_old_sessions() == 3

        assert all(Session.objects.get(pk=session.pk).is_erased for session in old)
        assert not Session.objects.get(pk=young.pk).is_erased
        erasure = Erasure.objects.get()
        assert (erasure.scope, erasure.by_name, erasure.legal_basis) == ("retention", "retention", "retention")
        assert Entry.objects.filter(action="content.erased").count() == 1
        assert erase_old_sessions() == 0

    def test_the_store_that_keeps_longest_counts(self, kept):
        other = make_store("other", [kept.agents.get()])
        grow_old(make_session(kept.agents.get()), 300)
        assert erase_old_sessions() == 0
        ReviewSettings.objects.create(store=other, keep_sessions_days=365)
        assert erase_old_sessions() == 0
        ReviewSettings.objects.filter(store=other).update(keep_sessions_days=200)
        assert erase_old_sessions() == 1

    @pytest.mark.parametrize("kind", ["store", "session", "principal"])
    def test_held_ones_are_passed_by(self, kept, aude, kind):
        session = grow_old(make_session(kept.agents.get(), principal="jane"), 300)
        subject = {"store": str(kept.pk), "session": str(session.pk), "principal": "jane"}[kind]
        set_hold(kind=kind, subject=subject, reason="Case 12.", actor=Actor.user(aude))
        assert erase_old_sessions() == 0

    def test_what_live_memory_or_an_open_proposal_rests_on_is_kept(self, kept, rita):
        under_live, waiting = (make_session(kept.agents.get()) for _ in range(2))
        version = make_live_memory(kept, rita, evidence=[QuoteDraft(under_live.pk, 0, "Error", "supports")])
        make_proposal(kept, waiting)
        for session in (under_live, waiting):
            grow_old(session, 300)
        assert erase_old_sessions() == 0
        delete = make_proposal(
            kept, waiting, operation="delete", path=version.path, base_version=version, content="", title="Drop it"
        )
        approve(delete, rita)
        assert erase_old_sessions() == 1
