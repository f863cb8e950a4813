"""What tests of erasing begin with."""

import pytest

from reviews import rereviews
from reviews.ballots import Ballot
from reviews.models import ReviewSettings
from reviews.services import decide
from reviews.signing import Verified
from tests.factories import approve, make_agent, make_proposal, make_store
from tests.reviews.erasing.world import SECRET


@pytest.fixture(autouse=True)
def outside(settings, tmp_path):
    settings.DAYLIGHT_SIGNING_KEYS = str(tmp_path / "signing")
    settings.DAYLIGHT_CHECKPOINTS = str(tmp_path / "checkpoints.jsonl")


@pytest.fixture
def store(db):
    return make_store("claims", [make_agent("teller")])


@pytest.fixture
def signed_alone(rita, ruth):
    """A decision that was signed, waived, looked at again, and whose memory was replaced since."""
    store = make_store("signed", [make_agent("clerk")])
    ReviewSettings.objects.create(store=store, four_eyes="always", waivers_allowed=True)
    proposal = make_proposal(store, path="/people/zorblatt.md", content=f"{SECRET} likes mail.")
    ballot = Ballot("approve", proposal.digest, f"{SECRET} asked.", waiver="waiver")
    signed = Verified("n" * 32, "sitting", ("password", "code"))
    decision = decide(proposal_id=proposal.pk, decider=rita, ballot=ballot, signed=signed)
    rereviews.confirm(waiver_id=decision.waiver.pk, by=ruth, note=f"{SECRET} said so.")
    ReviewSettings.objects.update(four_eyes="never")
    delete = make_proposal(
        store, operation="delete", path=proposal.path, base_version=decision.version, content="", title="Drop it"
    )
    approve(delete, ruth)
    return decision
