"""A pass is claimed once, survives its runner, can be stopped, and says what it was run with."""

import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from django.db import connection

from dreaming.demo import SESSIONS
from dreaming.models import Dream, SessionDigest
from dreaming.passes import run_dream
from dreaming.services import DreamRefused, cancel_dream
from memory.models import Proposal
from reviews.ballots import Ballot
from reviews.services import decide
from tests.dreaming.fleet import ACTOR, dream, dream_json, load_fleet, request, run_until

pytestmark = pytest.mark.django_db(transaction=True)

REPORT_KEYS = {
    "dream", "status", "store", "engine", "window", "sessions", "events", "seconds", "findings", "proposals",
    "discarded", "usage", "cost", "estimate", "manifest", "error",
}  # fmt: skip
PROPOSAL_KEYS = {
    "id", "kind", "operation", "path", "title", "content", "rationale", "status", "risk", "support", "digest", "evidence",
}  # fmt: skip
KILLED = """
import os, signal, sys
import django
django.setup()
from dreaming.passes import run_dream

def die(step, done, total):
    if step == "writing proposals" and done == 3:
        os.kill(os.getpid(), signal.SIGKILL)

run_dream(int(sys.argv[1]), die)
"""


def run_elsewhere(dream_id: int) -> bool:
    try:
        return run_dream(dream_id)
    finally:
        connection.close()


def test_of_two_runners_one_runs_the_dream():
    pending = request(load_fleet())
    second = []

    def try_it_too(step: str, done: int, total: int) -> None:
        if step == "mining":
            with ThreadPoolExecutor(1) as pool:
                second.append(pool.submit(run_elsewhere, pending.pk).result())

    assert run_dream(pending.pk, try_it_too) is True
    assert second == [False]
    assert run_dream(pending.pk) is False


def test_a_store_has_one_dream_at_a_time():
    store = load_fleet()
    request(store)

    with pytest.raises(DreamRefused, match="on its way already"):
        request(store)


def run_until_killed(dream_id: int) -> int:
    test_database = settings.DATABASES["default"]["NAME"]
    base = os.environ["DATABASE_URL"]
    url = base.replace("/postgres?", f"/{test_database}?") if "/postgres?" in base else with_name(base, test_database)
    return subprocess.run(
        [sys.executable, "-c", KILLED, str(dream_id)],
        env={**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "dreaming.settings"},
        check=False,
        timeout=60,
    ).returncode


def with_name(url: str, name: str) -> str:
    head, mark, query = url.partition("?")
    return f"{head.rsplit('/', 1)[0]}/{name}{mark}{query}"


def test_a_killed_runners_dream_is_taken_up_without_doubles():
    pending = request(load_fleet())

    assert run_until_killed(pending.pk) == -signal.SIGKILL
    left = list(Proposal.objects.values_list("claim_key", flat=True))
    pending.refresh_from_db()
    assert (pending.status, len(left)) == (Dream.Status.RUNNING, 2)
    for _ in range(50):  # the server notices the death of its client
        if run_dream(pending.pk):
            break
        time.sleep(0.1)

    pending.refresh_from_db()
    keys = list(Proposal.objects.values_list("claim_key", flat=True))
    assert pending.status == Dream.Status.COMPLETED
    assert len(keys) == len(set(keys)) > 2
    assert set(left) < set(keys)
    assert pending.findings.filter(proposal__isnull=False).count() == len(keys)


def test_what_was_filed_before_the_runner_died_is_the_dreams_though_memory_says_it_by_now(rita):
    pending = request(load_fleet(), max_proposals=3)
    run_until(pending, lambda step, done: step == "writing proposals" and done == 3)
    filed = list(Proposal.objects.order_by("pk"))
    for proposal in filed:
        decide(proposal_id=proposal.pk, decider=rita, ballot=Ballot("approve", proposal.digest, ""))
    run_dream(pending.pk)

    found = [finding.proposal for finding in pending.findings.filter(proposal__isnull=False)]
    assert len(filed) == 2
    assert set(filed) < set(found)
    assert len(found) == Proposal.objects.count() == 3


def test_cancel_stops_the_pass_at_its_next_step():
    pending = request(load_fleet())
    seen = []

    def cancel_at_third(step: str, done: int, total: int) -> None:
        seen.append(step)
        if step == "writing proposals" and done == 2:
            cancel_dream(dream=pending, actor=ACTOR)

    run_dream(pending.pk, cancel_at_third)

    pending.refresh_from_db()
    assert pending.status == Dream.Status.CANCELED
    assert seen.count("writing proposals") == 2
    assert Proposal.objects.count() == 2


def test_what_is_over_the_cap_is_kept_with_the_reason():
    ended = dream(load_fleet(), max_proposals=2)

    reasons = list(
        ended.findings.filter(proposal=None).exclude(kind="discarded").values_list("discarded_reason", flat=True)
    )
    assert ended.findings.filter(proposal__isnull=False).count() == Proposal.objects.count() == 2
    assert reasons
    assert set(reasons) == {"Over the cap of 2 proposals a pass."}


def test_rejected_claims_stay_away_and_say_so(rita):
    store = load_fleet()
    dream(store)
    rejected = Proposal.objects.order_by("pk").first()
    decide(proposal_id=rejected.pk, decider=rita, ballot=Ballot("reject", rejected.digest, "It splits payments."))

    second = dream(store)

    kept = second.findings.get(claim_key=rejected.claim_key)
    assert kept.proposal is None
    assert kept.discarded_reason == f"Rejected before, as {rejected.public_id}: It splits payments."


def measured(ended: Dream) -> list[tuple]:
    return list(ended.findings.order_by("id").values_list("kind", "title", "claim_key", "data"))


def test_the_same_inputs_give_the_same_findings_and_manifest():
    store = load_fleet()
    first = dream(store)
    SessionDigest.objects.all().delete()

    second = dream(store)

    assert measured(first) == measured(second)
    assert first.manifest == second.manifest


def test_the_manifest_names_everything_that_went_in():
    store = load_fleet()
    first = dream(store, window="100").manifest

    assert first["window"] == "100"
    assert first["sessions"] == 100
    assert len(first["sessions_hash"]) == 64
    assert first["thresholds"]["alpha"] == 0.01
    assert first["code_version"].startswith("0.1.0+")
    assert {"digest_version", "max_proposals", "engine"} <= first.keys()
    assert dream(store, window="101").manifest["sessions_hash"] != first["sessions_hash"]


def test_an_outcome_that_changes_changes_the_hash_of_the_inputs():
    store = load_fleet()
    before = dream(store).manifest["sessions_hash"]
    last = store.sessions().order_by("pk").last()
    store.sessions().filter(pk=last.pk).update(outcome="unknown")

    assert dream(store).manifest["sessions_hash"] != before


def test_the_command_prints_one_json_object(capsys):
    load_fleet()

    report = dream_json(capsys)

    assert report.keys() == REPORT_KEYS
    assert (report["status"], report["sessions"], report["error"]) == ("completed", SESSIONS, "")
    assert report["seconds"] > 0
    assert report["proposals"]
    for proposal in report["proposals"]:
        assert proposal.keys() == PROPOSAL_KEYS
        assert {"session", "agent", "seq", "quote", "stance"} == proposal["evidence"][0].keys()
    for row in report["discarded"]:
        assert {"kind", "title", "claim_key", "reason", "support"} <= row.keys()


def test_the_page_shows_findings_with_bars_reasons_and_the_manifest(client, rita):
    ended = dream(load_fleet(), max_proposals=2)
    client.force_login(rita)

    page = client.get(f"/dreams/{ended.pk}/").content.decode()

    assert "Over the cap of 2 proposals a pass." in page
    assert '<rect class="share" width="' in page
    assert ended.manifest["sessions_hash"] in page
    assert ended.manifest["code_version"] in page
    assert "style=" not in page


def test_the_page_compares_those_that_made_the_change_with_those_that_did_not(client, rita):
    ended = dream(load_fleet())
    client.force_login(rita)
    remedy = ended.findings.get(proposal__title__contains="find_member_by_number").data["support"]["remedy"]

    page = client.get(f"/dreams/{ended.pk}/").content.decode()

    row = re.search(r"find_member_by_number(.*?)</tr>", page, re.DOTALL)[1]
    bars = re.findall(r"<dt><bdi[^>]*>([^<]+)</bdi></dt>.*?(\d+ of \d+)", row, re.DOTALL)
    assert bars == [
        ("made the change", f"{remedy['adopted_success']} of {remedy['adopted_total']}"),
        ("met it, did not", f"{remedy['rest_success']} of {remedy['rest_total']}"),
    ]
    assert "corrected" not in row


def test_the_page_of_a_running_dream_shows_its_steps_and_what_it_filed(client, rita):
    pending = request(load_fleet())
    client.force_login(rita)
    pages = []

    def look(step: str, done: int, total: int) -> None:
        if done == 3 and step == "writing proposals":
            pages.append(client.get(f"/dreams/{pending.pk}/").content.decode())

    run_dream(pending.pk, look)

    assert "Writing proposals" in pages[0]
    assert "2 proposals so far." in pages[0]
    assert '<progress value="3"' in pages[0]
