"""Which of the policy's decisions a person looks at again."""

import hashlib

from reviews.models import Decision, ReviewSettings, SecondLook


def draw_second_look(decision: Decision) -> SecondLook | None:
    """Ask for a second look at the store's share of decisions; the same decision is always drawn, or never.

    Call in the transaction of the decision.
    """
    if not is_drawn(decision.pk, ReviewSettings.of(decision.proposal.store).second_look_share):
        return None
    return SecondLook.objects.create(decision=decision)


def is_drawn(decision_id: int, share: int) -> bool:
    """Whether a share in percent holds this decision, by the hash of its id."""
    drawn = hashlib.sha256(f"second look {decision_id}".encode()).digest()
    return int.from_bytes(drawn[:8]) % 100 < share
