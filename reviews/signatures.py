"""A decision's signature: over the proposal's digest, what is done, and the text that results."""

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from audit.actors import Actor
from audit.canonical import digest_of, sha256_hex
from memory.models import Proposal
from reviews.ballots import Ballot, NotSigned
from reviews.models import Decision, ReviewSettings, Signature
from reviews.signing import Verified

# What a rehearsal signs with; it is rolled back.
REHEARSED = Verified("", "", ())
Meaning = Signature.Meaning


def sign(
    *,
    proposal: Proposal,
    decider: object,
    ballot: Ballot,
    signed: Verified | Signature | None,
    alone: bool = False,
    path: str = "",
    content_sha256: str = "",
) -> Signature | None:
    """Keep the signature, or take the one that a held ballot has. None for a policy, and where none is asked for.

    Raises `NotSigned` when the store asks for one.
    """
    if not isinstance(decider, User) or isinstance(signed, Signature):
        return signed if isinstance(signed, Signature) else None
    if signed is None:
        if ReviewSettings.of(proposal.store).signatures:
            raise NotSigned(f"Decisions in {proposal.store.name} are signed, in the browser. This one was not.")
        return None
    bound = {
        "signer_name": Actor.user(decider).name,
        "meaning": str(_meaning(ballot, alone=alone)),
        "verdict": str(ballot.verdict),
        "proposal_digest": ballot.digest,
        "path": path,
        "content_sha256": content_sha256,
        "reason_sha256": sha256_hex(ballot.reason.strip()),
        "nonce": signed.nonce,
        "sitting": signed.sitting,
        "components": list(signed.components),
    }
    digest = digest_of({"proposal": proposal.pk, "signer": decider.pk, **bound})
    try:
        with transaction.atomic():
            return Signature.objects.create(proposal=proposal, signer=decider, digest=digest, **bound)
    except IntegrityError as error:
        raise NotSigned("This signing request was used a moment ago. Look at the proposal again.") from error


def _meaning(ballot: Ballot, *, alone: bool) -> Meaning:
    if alone:
        return Meaning.ALONE
    if ballot.verdict == Decision.Verdict.REJECT:
        return Meaning.REJECTED
    return Meaning.EDITED if ballot.edit else Meaning.APPROVED


def on_record(signature: Signature | None) -> dict[str, object]:
    """What the record says of a signature: its digest and meaning."""
    if signature is None:
        return {}
    return {
        "signature": signature.digest,
        "signed_meaning": Meaning(signature.meaning).label,
        "signed_with": signature.components,
    }


def signed_words(signature: Signature | None) -> dict[str, str]:
    """The name that was signed with, for the record's words: the actor's name of an entry may be a shorter one."""
    return {"signed_name": signature.signer_name} if signature else {}
