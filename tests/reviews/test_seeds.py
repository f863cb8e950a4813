"""Test items: made from real proposals, filed by dreams among their own, and told from them by nobody until answered."""

import re
from random import Random

import pytest
from django.db.models.functions import Now

from audit.actors import Actor
from audit.models import Entry
from audit.verifying import verify_record
from dreaming.mining.phrases import slug
from dreaming.models import Dream, Finding
from memory.models import Memory, Proposal
from memory.services import known_claim, submit_proposal
from reviews import seeds
from reviews.ballots import Ballot
from reviews.flaws import VARIATIONS
from reviews.models import Decision, Seed, SeedAnswer, SeedDraft
from reviews.planting import CannotPlant, candidates_for, commitment_of, mark_filed, plant
from reviews.rebasing import rebase
from reviews.seeds import expire_unanswered
from reviews.services import decide, mark_stale
from sessions.models import Agent, Event
from tests.dreaming.fleet import dream, load_fleet
from tests.factories import make_agent, make_live_memory, make_proposal, make_session, make_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def store(db, monkeypatch):
    """The demo fleet's, after a first pass whose proposals were all rejected; chance falls the same each time."""
    monkeypatch.setattr("dreaming.mixing._chance", Random(1))
    return load_fleet()


@pytest.fixture
def second_pass(store, rita, adam):
    """A pass that files two ordered items beside proposals of its own."""
    dream(store, max_proposals=3)
    for proposal in Proposal.objects.open():
        decide(proposal_id=proposal.pk, decider=rita, ballot=Ballot("reject", proposal.digest, "Not now."))
    plant(store=store, count=2, number=7, by=adam)
    passed = dream(store, max_proposals=5)
    assert Seed.objects.count() == 2
    return passed


def shape(html: str) -> str:
    """The page's tags with their attribute names and classes; texts, numbers and repeated siblings left out."""
    tags = re.findall(r"<[^>]+>", re.sub(r"(?s)<(script|textarea).*?</\1>", "", html))
    named = [
        re.sub(r'="(?!btn)[^"]*"', "", tag) if "class=" not in tag else re.sub(r'(?<!class)="[^"]*"', "", tag)
        for tag in tags
    ]
    return "\n".join(sorted(set(named)))


@pytest.fixture
def taught(adam, rita):
    """A store with one live lesson of a dream and two that were rejected, in the writer's words."""
    agent = make_agent()
    store = make_store("claims", [agent])
    for tool, argument in (("search_clauses", "jurisdiction"), ("read_record", "consent"), ("post_payment", "part")):
        for answer in ("3 hits", "4 hits"):
            fine = make_session(agent)
            Event.objects.create(session=fine, seq=1, type="tool_result", tool=f"get_{tool}", output=answer)
        error = f"missing required argument: {argument}"
        proposal = make_proposal(
            store,
            make_session(agent, [f"Error: {error}"]),
            path=f"/tools/{slug(tool)}/pass-{argument}.md",
            title=f"`{tool}`: give it `{argument}` in the first call",
            content=CONTENT.format(tool=tool, argument=argument),
            rationale=f"19 of 24 sessions that called the tool (2 agents) met `{error}`.",
            support=SUPPORT | {"tool": tool, "template": error},
            kind="workaround",
        )
        verdict = "approve" if tool == "search_clauses" else "reject"
        decide(proposal_id=proposal.pk, decider=rita, ballot=Ballot(verdict, proposal.digest, "Because."))
    return store


CONTENT = """# `{tool}`: give it `{argument}` in the first call

**When** you are about to call `{tool}`.

**Do:** Give it `{argument}` in the first call.

**Do not** call it without `{argument}`: it is refused.

**Example:** `{tool}({{"{argument}": "<{argument}>"}})`.

**How sure:** 19 of 24 sessions that called the tool (2 agents) met this error.
"""
SUPPORT = {
    "sessions": 19, "eligible": 24, "agents": 2, "met_success": 17, "met_total": 19, "other_success": 4, "other_total": 5,
    "remedy": {"adopted": 18, "helped": 18, "to_tool": "x"}, "lesson": None, "benefit": 0.9, "graduates": False, "graduation": "",
}  # fmt: skip


def test_items_are_variations_of_real_proposals_each_with_its_flaw(taught, adam):
    real = {row.path: row for row in Proposal.objects.all()}

    drafts = plant(store=taught, count=5, number=1, by=adam)

    assert len({item.flaw.split(":")[0] for item in drafts}) >= 4
    for item in drafts:
        assert item.draft["content"] not in {row.content for row in real.values()}
        assert item.draft["evidence"]
        assert item.draft["support"]["sessions"] != 19
        assert "19 of 24" not in item.draft["content"] + item.draft["rationale"]


def test_the_same_number_draws_the_same_items(taught, adam):
    drawn = []
    for _ in range(2):
        drafts = plant(store=taught, count=3, number=11, by=adam)
        drawn.append([(item.draft["path"], item.draft["content"], item.claim_key) for item in drafts])
        SeedDraft.objects.all().delete()

    assert drawn[0] == drawn[1]


def test_every_variation_is_drawn(taught, adam):
    flaws = set()
    for number in range(4):
        flaws |= {item.flaw[:20] for item in plant(store=taught, count=5, number=number, by=adam)}
        SeedDraft.objects.all().delete()

    assert len(flaws) == len(VARIATIONS)


def test_a_dream_files_them_as_it_files_its_own(second_pass):
    mine = Proposal.objects.filter(source_ref=f"dream:{second_pass.pk}")
    items, own = mine.exclude(seed=None), mine.filter(seed=None)

    assert items.count() <= own.count()
    assert mine.count() <= second_pass.max_proposals
    for name in ("source", "proposer", "proposer_kind", "proposer_id", "status"):
        assert set(items.values_list(name, flat=True)) == set(own.values_list(name, flat=True))
    for row in mine:
        weeks = row.support["weeks"]
        assert sum(met for _, met, _ in weeks) == row.support["sessions"]
        assert sum(could for _, _, could in weeks) == row.support["eligible"]
    assert {set(row.support) == set(own[0].support) for row in items} == {True}
    entries = Entry.objects.filter(action="proposal.submitted", subject__in=[f"proposal:{row.pk}" for row in mine])
    assert len({(entry.actor_kind, entry.actor_id, entry.store, *sorted(entry.data)) for entry in entries}) == 1
    assert Finding.objects.filter(dream=second_pass, proposal__in=mine).count() == mine.count()
    between = Proposal.objects.filter(pk__range=(mine.order_by("pk")[0].pk, mine.order_by("-pk")[0].pk))
    assert between.count() == mine.count()


def test_no_page_tells_them_apart(second_pass, client, rita):
    client.force_login(rita)
    item = Proposal.objects.exclude(seed=None).first()
    own = Proposal.objects.filter(seed=None)
    seen = client.get(f"/proposals/{item.pk}/").content.decode()

    shapes = [set(shape(client.get(f"/proposals/{row.pk}/").content.decode()).split("\n")) for row in own]

    assert set(shape(seen).split("\n")) <= set.union(*shapes)
    for address in (
        "/",
        f"/proposals/{item.pk}/",
        "/record/",
        f"/dreams/{second_pass.pk}/",
        "/dreams/",
        "/stores/claims/",
    ):
        html = client.get(address).content.decode()
        for told in (item.seed.flaw, item.seed_draft.salt, "test item that", "known-bad", 'class="seed'):
            assert told not in html
    tables = "".join(client.get(address).content.decode() for address in ("/", "/?tab=decided"))
    rows = re.findall(r"(?s)<tr.*?</tr>", tables)
    item_rows = [row for row in rows if f"/proposals/{item.pk}/" in row]
    parts = [set(shape(row).split("\n")) for row in rows if row not in item_rows]
    assert [set(shape(row).split("\n")) - set.union(*parts) for row in item_rows] == [set()] * len(item_rows)


def test_the_record_says_how_many_and_seals_which(second_pass, rita):
    planted = Entry.objects.get(action="review.test_items_planted")
    item = Proposal.objects.exclude(seed=None).first()
    assert (planted.actor_kind, planted.data["count"]) == ("user", 2)
    assert set(planted.data) == {"count", "commitments"}

    decide(proposal_id=item.pk, decider=rita, ballot=Ballot("reject", item.digest, "The advice is wrong."))

    told = Entry.objects.get(action="review.test_item_answered").data
    assert commitment_of(item, item.seed_draft.salt) == told["commitment"]
    assert told["commitment"] in planted.data["commitments"]
    assert told["ordered_in_act"] == str(planted.act)
    assert verify_record().error == ""


def test_what_was_decided_about_one_is_no_decision_and_keeps_no_claim_away(second_pass, store, rita):
    item = Proposal.objects.exclude(seed=None).first()
    decided = Decision.objects.count()

    decide(proposal_id=item.pk, decider=rita, ballot=Ballot("approve", item.digest))

    assert Decision.objects.count() == decided
    assert not Memory.objects.filter(path=item.path).exists()
    assert known_claim(store=store, claim_key=item.claim_key, text_key=item.text_key) == ""
    assert SeedAnswer.objects.get().caught is False


def test_dreams_that_find_nothing_new_file_none(taught, adam):
    plant(store=taught, count=2, number=1, by=adam)

    dream(taught)

    assert not Seed.objects.exists()
    assert SeedDraft.objects.filter(proposal=None).count() == 2


def test_a_store_that_goes_by_policy_has_none(taught, adam):
    Agent.objects.update(mode="auto")
    with pytest.raises(CannotPlant, match="by policy"):
        plant(store=taught, count=1, number=1, by=adam)


def test_a_store_without_proposals_has_nothing_to_make_them_from(adam):
    with pytest.raises(CannotPlant, match="nothing to make"):
        plant(store=make_store(agents=[make_agent()]), count=1, number=1, by=adam)


def candidates_of(store, admin):
    plant(store=store, count=2, number=1, by=admin)
    return candidates_for(Dream(store=store))


def test_unanswered_ones_expire_and_the_record_opens_them(taught, adam, monkeypatch):
    for item in candidates_of(taught, adam):
        mark_filed(submit_proposal(store=taught, draft=item.draft(), source="dream", proposer=Actor.system("dream")))

    assert expire_unanswered() == 0
    monkeypatch.setattr(seeds, "UNANSWERED", Now() - Now())

    assert expire_unanswered() == 2

    item = Proposal.objects.exclude(seed=None).first()
    entry = Entry.objects.get(action="proposal.expired", subject=f"proposal:{item.pk}")
    assert (item.status, entry.data["commitment"]) == ("expired", commitment_of(item, item.seed_draft.salt))


def test_a_rebased_one_is_still_one(rita):
    store = make_store()
    base = make_live_memory(store, rita, content="Wait for noon.")
    item = make_proposal(store, operation="update", path=base.path, base_version=base, content="Do not wait.")
    Seed.objects.create(proposal=item, flaw="Turned around.", planted_by="adam")
    mark_stale(proposal_id=item.pk, reason="It moved.")

    rebased = rebase(proposal_id=item.pk, by=rita)

    assert isinstance(
        decide(proposal_id=rebased.pk, decider=rita, ballot=Ballot("approve", rebased.digest)), SeedAnswer
    )


def test_an_admin_orders_them_in_the_browser_and_sees_counts_but_not_which_wait(client, taught, adam, rita):
    client.force_login(adam)

    page = client.post("/test-items/plant/", {"stores": ["claims"], "count": 2, "number": 5}, follow=True)

    html = page.content.decode()
    assert "2 test items for claims" in html
    for item in SeedDraft.objects.all():
        assert item.draft["title"] not in html
        assert item.flaw not in html
    assert client.post("/test-items/plant/", {"stores": ["nowhere"], "count": 2}).status_code == 422
    client.force_login(rita)
    assert client.get("/test-items/").status_code == 403
