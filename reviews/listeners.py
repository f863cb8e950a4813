"""When a proposal arrives, the auto policy looks at it. If this never runs, the proposal waits for a person.

And a dream is handed the test items that were ordered for its store.
"""

import logging
import uuid
from typing import Any
from uuid import UUID

from django.dispatch import receiver

from dreaming.engines.base import Candidate
from dreaming.models import Dream
from dreaming.signals import candidate_filed, candidates_wanted
from memory.models import Proposal
from memory.signals import proposal_submitted
from reviews.ballots import Ballot, DecisionRefused
from reviews.evidence_reviewing import send_back
from reviews.planting import candidates_for, mark_filed
from reviews.policies import AutoPolicy
from reviews.services import decide
from sessions.signals import sessions_withdrawn

logger = logging.getLogger(__name__)


@receiver(proposal_submitted, dispatch_uid="reviews.auto_policy")
def let_policy_consider(*, proposal_id: int, **_: Any) -> None:
    proposal = Proposal.objects.select_related("store").get(pk=proposal_id)
    if proposal.store.is_gated():
        return
    policy = AutoPolicy()
    try:
        ballot = Ballot("approve", proposal.digest, policy.reason(proposal))
        decide(proposal_id=proposal_id, decider=policy, ballot=ballot, act=uuid.uuid4())
    except DecisionRefused as refusal:
        logger.info("%s waits for a person: %s", proposal.public_id, refusal)


@receiver(candidates_wanted, dispatch_uid="reviews.test_items")
def add_test_items(*, dream: Dream, **_: Any) -> list[Candidate]:
    return candidates_for(dream)


@receiver(candidate_filed, dispatch_uid="reviews.mark_test_item")
def mark_test_item(*, proposal: Proposal, **_: Any) -> None:
    mark_filed(proposal)


@receiver(sessions_withdrawn, dispatch_uid="reviews.send_back")
def send_back_what_rests_on_them(*, session_ids: list[int], why: str, act: UUID, **_: Any) -> None:
    send_back(session_ids=session_ids, why=why, act=act)
