"""Whose turn it is: what needs a reviewer, what waits for others and why, what each sees who only reads."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from reviews.ballots import Ballot
from reviews.holding import cast
from reviews.models import (
    Assignment,
    ChangeRequest,
    Claim,
    Comment,
    Escalation,
    Mention,
    ReviewSettings,
    Snooze,
)
from reviews.queue import Filters, matching
from reviews.services import decide
from tests.factories import make_agent, make_proposal, make_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client: Client, rita) -> Client:
    client.force_login(rita)
    return client


@pytest.fixture
def store():
    return make_store("claims", [make_agent("teller")])


def lists(desk: Client, address: str = "/") -> list[int]:
    return [row.proposal.pk for row in desk.get(address).context["rows"]]


def in_an_hour():
    return timezone.now() + timedelta(hours=1)


def hold(proposal, rita, ruth):
    ReviewSettings.objects.create(store=proposal.store, hold_back_seconds=60)
    cast(proposal_id=proposal.pk, decider=ruth, ballot=Ballot("approve", proposal.digest))


def vote(proposal, rita, ruth):
    ReviewSettings.objects.create(store=proposal.store, four_eyes="always")
    decide(proposal_id=proposal.pk, decider=rita, ballot=Ballot("approve", proposal.digest))


def ask_for_changes(proposal, rita, ruth):
    ChangeRequest.objects.create(proposal=proposal, by=ruth, by_name="ruth", note="Say when.")


def assign(proposal, rita, ruth):
    Assignment.objects.create(proposal=proposal, assignee=ruth, assignee_name="ruth", by_name="rita")


def claim(proposal, rita, ruth):
    Claim.objects.create(proposal=proposal, user=ruth, user_name="ruth", expires_at=in_an_hour())


def snooze(proposal, rita, ruth):
    Snooze.objects.create(proposal=proposal, user=rita, until=in_an_hour())


@pytest.mark.parametrize(
    ("block", "said"),
    [
        (hold, "decided; takes effect at"),
        (vote, "your approval waits for a second"),
        (ask_for_changes, "changes asked by ruth"),
        (assign, "assigned to ruth"),
        (claim, "ruth reads it now"),
        (snooze, "snoozed until"),
    ],
)
def test_what_waits_for_something_else_leaves_the_queue_and_says_why(desk, store, rita, ruth, block, said):
    proposal, other = make_proposal(store), make_proposal(make_store("other"))
    block(proposal, rita, ruth)

    assert lists(desk) == [other.pk]
    assert "1 needs you" in desk.get("/").content.decode()
    assert lists(desk, "/?tab=others") == [proposal.pk]
    assert said in desk.get("/?tab=others").content.decode()


def test_what_is_over_or_concerns_others_takes_nothing_out_of_the_queue(desk, store, rita, ruth):
    proposal = make_proposal(store)
    past = timezone.now() - timedelta(seconds=1)
    Claim.objects.create(proposal=proposal, user=ruth, user_name="ruth", expires_at=past)
    Snooze.objects.create(proposal=proposal, user=rita, until=past)
    Snooze.objects.create(proposal=proposal, user=ruth, until=in_an_hour())
    Assignment.objects.create(proposal=proposal, assignee=rita, assignee_name="rita", by_name="ruth")
    ChangeRequest.objects.create(proposal=proposal, by=ruth, by_name="ruth", note="Say when.", withdrawn_at=past)

    assert lists(desk) == [proposal.pk]
    assert lists(desk, "/?tab=others") == []


def test_an_author_does_not_see_what_needs_somebody_else(desk, store, rita, ruth):
    def written(store):
        proposal = make_proposal(store)
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")
            cursor.execute("SET session_replication_role = replica")
            cursor.execute(
                "UPDATE memory_proposal SET proposer_kind = 'user', proposer_id = %s WHERE id = %s",
                [rita.pk, proposal.pk],
            )
            cursor.execute("SET session_replication_role = DEFAULT")
            cursor.execute("SET ROLE daylight_app")
        return proposal

    alone, asked, escalated = written(store), written(make_store("strict")), written(store)
    ReviewSettings.objects.create(store=asked.store, four_eyes="always")
    Escalation.objects.create(proposal=escalated, by=ruth, by_name="ruth", reason="Not alone.")

    assert lists(desk) == [alone.pk]
    assert set(lists(desk, "/?tab=others")) == {asked.pk, escalated.pk}
    assert desk.get("/?tab=others").content.decode().count("somebody else approves it") == 2
    assert set(matching(Filters(), ruth).values_list("pk", flat=True)) == {alone.pk, asked.pk, escalated.pk}


@pytest.mark.parametrize("who", ["adam", "aude"])
def test_who_does_not_decide_sees_all_that_is_open(client, request, store, rita, ruth, who):
    proposal, other = make_proposal(store, benefit=2), make_proposal(store, benefit=1)
    assign(proposal, rita, ruth)
    client.force_login(request.getfixturevalue(who))

    page = client.get("/").content.decode()

    assert lists(client) == lists(client, "/?tab=others") == [proposal.pk, other.pk]
    assert "2 open" in page
    assert "You read here" in page
    assert "Needs you" not in page
    assert "Waits for others" not in page


def test_the_next_one_is_the_next_that_needs_the_reader(desk, store, rita, ruth):
    first, second, third = (make_proposal(store, benefit=benefit) for benefit in (3, 2, 1))
    assign(second, rita, ruth)

    answer = desk.post(
        f"/proposals/{first.pk}/decide/", {"verdict": "reject", "digest": first.digest, "reason": "Known."}
    )

    assert answer["Location"] == f"/proposals/{third.pk}/"
    assert desk.get(f"/proposals/{third.pk}/").context["place"].total == 1


def test_a_mention_is_listed_until_it_was_seen(desk, store, rita, ruth):
    proposal = make_proposal(store)
    make_proposal(store)
    comment = Comment.objects.create(proposal=proposal, author=ruth, author_name="ruth", body="Look, @rita.")
    mention = Mention.objects.create(comment=comment, user=rita)

    assert lists(desk, "/?mentions=me") == [proposal.pk]
    mention.seen_at = timezone.now()
    mention.save()
    assert lists(desk, "/?mentions=me") == []


def test_what_expired_or_gave_way_lies_with_the_decided(desk, store, rita):
    from memory.models import Proposal

    expired, replaced, rejected = (make_proposal(store) for _ in range(3))
    Proposal.objects.filter(pk=expired.pk).update(
        status="expired", status_reason="Nobody decided.", decided_at=timezone.now()
    )
    Proposal.objects.filter(pk=replaced.pk).update(status="replaced", status_reason="Reworded.")
    decide(proposal_id=rejected.pk, decider=rita, ballot=Ballot("reject", rejected.digest, "Known."))

    page = desk.get("/?tab=decided")

    assert {row.proposal.pk for row in page.context["rows"]} == {expired.pk, replaced.pk, rejected.pk}
    assert "Nobody decided." in page.content.decode()


def test_an_empty_queue_points_to_what_waits_for_others(desk, store, rita, ruth):
    snooze(make_proposal(store), rita, ruth)

    assert "See what waits for others" in desk.get("/").content.decode()
