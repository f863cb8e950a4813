"""`--engine anthropic-dreams`: each difference that a dream at Anthropic makes waits here for a person."""

from decimal import Decimal

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction

from dreaming.models import Dream, DreamPolicy
from dreaming.passes import run_dream
from dreaming.services import cancel_dream
from memory.models import Proposal
from reviews.policies import AutoPolicy
from sessions.models import Agent
from tests.dreaming.fleet import ACTOR, dream, request, run_until
from tests.factories import approve, make_agent, make_live_memory, make_session, make_store

pytestmark = pytest.mark.django_db(transaction=True)

INPUT = "memstore_in"
TEXTS = {
    "/exports.md": "# Exports\n\nUse any date.\n",
    "/tone.md": "Write plainly.\n",
    "/old.md": "Nobody needs this.\n",
    "/moved.md": "It only moves.\n",
}
REFUSAL = "Error: from_date 2026-03-01 is not a date in the form DD.MM.YYYY"
LEARNED = "# Exports\n\nA from_date is not a date in the form DD.MM.YYYY.\n"


@pytest.fixture
def store(dreams, rita):
    """A store that mirrors one at Anthropic, with two sessions that ran there and one that did not."""
    store = make_store("claims", [make_agent()])
    agent = store.agents.get()
    for name in ("sesn_1", "sesn_2", "local-1"):
        make_session(agent, ["is not a date in the form DD.MM.YYYY", REFUSAL], external_id=name)
    for path, text in TEXTS.items():
        make_live_memory(store, rita, path=path, content=text)
    dreams.stores[INPUT] = dict(TEXTS)
    DreamPolicy.objects.create(store=store, remote_store=INPUT)
    return store


def told(store, **options) -> Dream:
    return dream(store, engine="anthropic-dreams", **options)


def filed(ended: Dream) -> dict[str, Proposal]:
    return {
        p.path: p
        for p in Proposal.objects.filter(
            source_ref=f"dream:{ended.pk}", proposer="dream", claim_key__startswith="remote:"
        )
    }


def rearranged(texts: dict[str, str], sessions: list[str]) -> dict[str, str]:
    texts["/exports.md"] = LEARNED
    texts["/new.md"] = "# Postings\n\nWait for the close of the books before you post.\n"
    texts["/folder/moved.md"] = texts.pop("/moved.md")
    del texts["/old.md"]
    return texts


def test_each_difference_becomes_one_proposal_and_nothing_goes_live(store, dreams):
    dreams.dream_of = rearranged

    ended = told(store)

    assert ended.status == Dream.Status.COMPLETED, ended.error
    found = filed(ended)
    assert {path: p.operation for path, p in found.items()} == {
        "/exports.md": "update", "/new.md": "create", "/old.md": "delete", "/moved.md": "rename",
    }  # fmt: skip
    assert found["/exports.md"].content == LEARNED
    assert found["/exports.md"].base_version.content == TEXTS["/exports.md"]
    assert found["/moved.md"].new_path == "/folder/moved.md"
    assert all(p.is_open for p in found.values())
    body = dreams.dreams["drm_1"]
    assert body["output_behavior"] == {"type": "create_new"}
    assert body["sessions"] == ["sesn_1", "sesn_2"]


def test_evidence_is_searched_in_the_sessions_and_what_has_none_is_flagged(store, dreams):
    dreams.dream_of = rearranged

    found = filed(told(store))

    quotes = found["/exports.md"].evidence.values_list("session__external_id", "quote")
    assert {name for name, _ in quotes} == {"sesn_1", "sesn_2"}
    assert all(quote in REFUSAL and len(quote) >= 10 for _, quote in quotes)
    assert found["/exports.md"].risk == ["model_judged"]
    assert "unsupported" in found["/new.md"].risk
    assert found["/new.md"].evidence.count() == 0
    assert {"deletes", "unsupported"} <= set(found["/old.md"].risk)


def test_what_memory_said_before_is_no_evidence_for_it(store, dreams, rita):
    make_session(store.agents.get(), ["Memory says: Nobody needs this."], external_id="sesn_3")
    dreams.dream_of = lambda texts, _: {**texts, "/again.md": "`Nobody needs this.` And more of that kind.\n"}

    (proposal,) = filed(told(store)).values()

    assert proposal.risk == ["model_judged", "unsupported"]


def test_no_policy_passes_what_came_from_there(store, dreams):
    Agent.objects.update(mode="auto", auto_min_sessions=2, auto_min_agents=1)
    dreams.dream_of = lambda texts, _: {
        **texts,
        "/new.md": "# Posting\n\nA from_date is not a date in the form DD.MM.YYYY here.\n",
    }

    (proposal,) = filed(told(store)).values()

    assert proposal.is_open
    assert proposal.risk == ["model_judged"]
    with transaction.atomic():
        assert AutoPolicy().refusal(proposal).startswith("It is flagged")


def test_the_desk_says_that_nothing_supports_it_and_a_person_may_still_decide(store, dreams, client, rita):
    dreams.dream_of = rearranged
    found = filed(told(store))
    client.force_login(rita)

    page = client.get(f"/proposals/{found['/new.md'].pk}/").content.decode()
    approve(found["/moved.md"], rita)

    assert "No event was found that says this." in page
    assert "A model, not a count, says" in page
    assert store.memories.get(head__isnull=False, path="/folder/moved.md").head.content == TEXTS["/moved.md"]


def test_nothing_changed_is_a_good_result(store, dreams):
    ended = told(store)

    assert (ended.status, ended.findings.count(), filed(ended)) == (Dream.Status.COMPLETED, 0, {})


def test_more_than_a_hundred_sessions_are_dreamt_over_in_parts(store, dreams):
    for number in range(150):
        make_session(store.agents.get(), external_id=f"sesn_more_{number}")
    dreams.dream_of = lambda texts, sessions: {
        **texts,
        f"/part-{len(sessions)}.md": f"Seen by {'many' if len(sessions) == 100 else 'few'}.",
    }

    ended = told(store)

    assert [len(one["sessions"]) for one in dreams.dreams.values()] == [100, 52]
    assert set(filed(ended)) == {"/part-100.md", "/part-52.md"}
    assert ended.manifest["remote_dreams"] == ["drm_1", "drm_2"]
    assert ended.sessions == 152


def test_large_stores_are_read_page_by_page(store, dreams):
    dreams.stores[INPUT] |= {f"/page/{number}.md": f"Text {number}" for number in range(45)}

    assert told(store).findings.count() == 0
    assert dreams.pages == 3 + 3 + 1


def test_usage_and_cost_of_all_parts_are_kept(store, dreams):
    ended = told(store)

    assert ended.usage["output_tokens"] == 5_000
    assert float(ended.cost) == pytest.approx((50_000 * 2 + 5_000 * 10) / 1e6)


def test_a_dream_above_its_cap_is_canceled_and_its_output_not_used(store, dreams):
    dreams.dream_of, dreams.polls = rearranged, 10**6

    ended = told(store, max_cost=Decimal("0.10"))

    assert dreams.dreams["drm_1"]["status"] == "canceled"
    assert ended.status == Dream.Status.COMPLETED
    assert "Part 1 of 1 was canceled; its output is not used." in ended.manifest["stopped"]
    assert filed(ended) == {}


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        (
            "failed",
            "drm_1 failed at Anthropic (timeout: It took too long.). It left partial output in memstore_out_drm_1",
        ),
        ("canceled", "drm_1 was canceled at Anthropic. It left partial output in memstore_out_drm_1"),
    ],
)
def test_a_dream_that_does_not_complete_is_an_error_and_its_partial_output_is_not_read(store, dreams, ending, said):
    dreams.dream_of, dreams.ending = rearranged, ending

    ended = told(store)

    assert ended.status == Dream.Status.FAILED
    assert ended.error.startswith(said)
    assert filed(ended) == {}


def test_a_dream_that_takes_too_long_is_canceled(store, dreams, settings):
    dreams.polls, settings.DAYLIGHT_REMOTE_WAIT = 10**6, 0.05

    ended = told(store)

    assert dreams.dreams["drm_1"]["status"] == "canceled"
    assert "drm_1 took longer than 0 s and was canceled" in ended.error


def test_an_archived_store_is_an_error_that_says_so(store, dreams):
    dreams.archived.add(INPUT)

    assert told(store).error == "memstore_in is archived at Anthropic, and cannot be dreamt over. Name another one."


def test_a_store_that_is_not_there_is_an_error_that_says_so(store, dreams):
    DreamPolicy.objects.update(remote_store="memstore_gone")

    assert told(store).error.startswith("The API knows no such thing: memstore_gone is not there.")


def test_what_changed_at_anthropic_meanwhile_is_left_out(store, dreams):
    dreams.dream_of = rearranged

    def change(one):
        dreams.stores[INPUT]["/exports.md"] = "Somebody wrote this.\n"

    dreams.on_look = change
    ended = told(store)

    assert "/exports.md" not in filed(ended)
    assert ended.findings.get(title__contains="/exports.md").discarded_reason == (
        "The store at Anthropic changed at /exports.md while the dream ran. Dream again."
    )


def test_what_is_out_of_step_with_our_memory_is_left_out(store, dreams, rita):
    dreams.stores[INPUT] |= {"/tone.md": "Another tone.\n", "/theirs.md": "Only there.\n"}
    dreams.dream_of = lambda texts, _: {**texts, "/tone.md": "A third tone.\n", "/theirs.md": "Changed there.\n"}

    ended = told(store)

    assert filed(ended) == {}
    reasons = {finding.discarded_reason for finding in ended.findings.all()}
    assert reasons == {
        "The memory at /tone.md here says something else than at Anthropic. Bring the two in step first.",
        "There is no memory at /theirs.md here. Bring the two stores in step first.",
    }


def test_a_path_that_no_store_takes_is_left_out_with_the_reason(store, dreams):
    dreams.dream_of = lambda texts, _: {**texts, "/ünï côdé.md": "Text that could be anything at all.\n"}

    (finding,) = told(store).findings.all()

    assert "is not a path" in finding.discarded_reason


def test_sessions_that_ran_a_dream_are_no_input_of_the_next(store, dreams):
    told(store)
    make_session(store.agents.get(), external_id="sesn_of_drm_1")

    told(store)

    assert dreams.dreams["drm_2"]["sessions"] == ["sesn_1", "sesn_2"]


def test_a_pass_that_is_taken_up_waits_for_the_dream_that_was_begun(store, dreams):
    dreams.dream_of = rearranged
    pending = request(store, engine="anthropic-dreams")
    Dream.objects.filter(pk=pending.pk).update(max_proposals=2)
    run_until(pending, lambda step, done: step == "writing proposals" and done == 2)
    run_dream(pending.pk)

    pending.refresh_from_db()
    assert list(dreams.dreams) == ["drm_1"]
    assert pending.status == Dream.Status.COMPLETED
    assert len(filed(pending)) == 2
    assert pending.usage["output_tokens"] == 5_000


def test_cancel_here_cancels_there(store, dreams):
    dreams.polls = 10**6
    pending = request(store, engine="anthropic-dreams")

    def cancel(one):
        cancel_dream(dream=pending, actor=ACTOR)
        connection.close()

    dreams.on_look = cancel
    run_dream(pending.pk)

    pending.refresh_from_db()
    assert pending.status == Dream.Status.CANCELED
    assert dreams.dreams["drm_1"]["status"] == "canceled"


def test_sessions_that_ran_elsewhere_cannot_be_dreamt_over_there(store, dreams):
    ended = told(make_mirror())

    assert ended.error.startswith("None of the 1 sessions in the window ran at Anthropic")
    assert dreams.dreams == {}


def make_mirror():
    store = make_store("elsewhere", [make_agent()])
    make_session(store.agents.get())
    DreamPolicy.objects.create(store=store, remote_store=INPUT)
    return store


def test_a_store_without_a_mirror_is_refused_with_what_to_do(store, dreams):
    DreamPolicy.objects.update(remote_store="")

    with pytest.raises(CommandError, match="claims mirrors no memory store at Anthropic: set its id"):
        call_command("dream", store="claims", engine="anthropic-dreams")


def test_an_admin_names_the_mirror_beside_the_schedule(store, client, adam):
    client.force_login(adam)
    agent = store.agents.get()
    fields = {"schedule": "off", "engine": "mining", "window": "all", "max_proposals": "12"}
    address = f"/agents/{agent.slug}/schedule/{store.pk}/"

    wrong = client.post(
        address, {f"{store.pk}-{name}": value for name, value in {**fields, "remote_store": "x"}.items()}
    )
    right = client.post(
        address, {f"{store.pk}-{name}": value for name, value in {**fields, "remote_store": "memstore_01"}.items()}
    )

    assert (wrong.status_code, right.status_code) == (422, 302)
    assert DreamPolicy.objects.get().remote_store == "memstore_01"
