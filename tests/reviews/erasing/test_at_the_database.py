"""Erasing content: what the application may do at the database."""

from uuid import uuid4

import pytest
from django.db import DatabaseError, transaction

from audit.actors import Actor
from audit.holds import lift_hold, set_hold
from audit.models import ErasedRow, Erasure
from tests.factories import make_live_memory
from tests.reviews.erasing.world import replace, run


@pytest.mark.django_db
class TestTheApplicationAtTheDatabase:
    """What the role of the application may do behind its own back."""

    @pytest.fixture
    def old(self, store, rita):
        version = make_live_memory(store, rita)
        replace(version, rita)
        return version

    def erasure(self, **changes) -> Erasure:
        fields = {"scope": "version", "by_id": "1", "by_name": "adam", "legal_basis": "other", "reason": "Because."}
        return Erasure.objects.create(act=uuid4(), **(fields | changes))

    def strike(self, kind: str, row_id: int, *statements: str) -> None:
        """What the statements do beside an erasure that names the row."""
        with transaction.atomic():
            erasure = self.erasure()
            ErasedRow.objects.create(erasure=erasure, kind=kind, row_id=row_id)
            for statement in statements or [f"SELECT daylight_erase_v1({erasure.pk})"]:
                run(statement)

    def test_the_door_opens_for_an_erasure_of_the_same_transaction_only(self, old):
        with pytest.raises(DatabaseError, match="no erasure 99 in this transaction"):
            run("SELECT daylight_erase_v1(99)")

    def test_nothing_is_struck_that_the_erasure_does_not_name(self, old):
        with transaction.atomic():
            run("SELECT daylight_erase_v1(%s)", self.erasure().pk)
            transaction.set_rollback(True)
        old.refresh_from_db()
        assert not old.is_erased

    def test_an_erasure_that_is_not_on_the_record_cannot_be_committed(self, old):
        with pytest.raises(DatabaseError, match="is not on the record"):
            self.strike("memory_memoryversion", old.pk, "SET CONSTRAINTS ALL IMMEDIATE")

    def test_the_live_head_is_refused(self, old):
        head = old.memory.versions.first()
        with pytest.raises(DatabaseError, match="is what agents read"):
            self.strike("memory_memoryversion", head.pk)
        with pytest.raises(DatabaseError, match="is what agents read"):
            self.strike("memory_proposal", head.decision.proposal_id)

    def test_what_is_held_is_refused(self, old, aude):
        set_hold(kind="store", subject=str(old.store_id), reason="Case 12.", actor=Actor.user(aude))
        with pytest.raises(DatabaseError, match="legal hold"):
            self.strike("memory_memoryversion", old.pk)

    @pytest.mark.parametrize(
        "attack",
        [
            "UPDATE memory_memoryversion SET content = '', sha256 = ''",
            "UPDATE memory_memoryversion SET content = 'Something else.'",
            "UPDATE memory_evidence SET quote = ''",
            "UPDATE reviews_decision SET reason = 'Erased'",
            "DELETE FROM audit_salt",
            "DELETE FROM audit_legalhold",
            "UPDATE agent_sessions_event SET output = ''",
        ],
    )
    def test_the_application_itself_strikes_nothing_not_even_beside_an_erasure(self, old, attack):
        with pytest.raises(DatabaseError, match="permission denied"):
            self.strike("memory_memoryversion", old.pk, attack)

    @pytest.mark.parametrize("change", ["content = 'Something else.'", "content = '', sha256 = '', revision = 99"])
    def test_not_even_the_owner_makes_more_of_a_strike_than_it_is(self, old, change):
        with pytest.raises(DatabaseError, match="only ever appended to"):
            self.strike(
                "memory_memoryversion",
                old.pk,
                "RESET ROLE",
                f"UPDATE memory_memoryversion SET {change} WHERE id = {old.pk}",
            )

    def test_a_proposal_is_frozen_but_for_its_strike(self, old):
        proposal = old.decision.proposal
        change = f"UPDATE memory_proposal SET content = 'Something else.' WHERE id = {proposal.pk}"
        with pytest.raises(DatabaseError, match="is frozen"):
            self.strike("memory_proposal", proposal.pk, change)

    def test_a_hold_is_not_changed_or_lifted_twice(self, aude):
        hold = set_hold(kind="principal", subject="jane", reason="Case 12.", actor=Actor.user(aude))
        with pytest.raises(DatabaseError, match="stays as it was set"):
            run("UPDATE audit_legalhold SET subject = 'john' WHERE id = %s", hold.pk)
        lift_hold(hold_id=hold.pk, reason="Closed.", actor=Actor.user(aude))
        with pytest.raises(DatabaseError, match="stays as it was set"):
            run("UPDATE audit_legalhold SET lifted_at = NULL WHERE id = %s", hold.pk)
