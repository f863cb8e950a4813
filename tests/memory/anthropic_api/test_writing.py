"""Writes over `/anthropic/v1/memory_stores` obey the gate."""

import pytest

from memory.models import Memory, Proposal
from memory.stopping import stop_store
from reviews.ballots import Ballot
from reviews.services import decide
from tests.factories import make_live_memory
from tests.memory.anthropic_api.world import ADAM, at, error_of, of, sha

pytestmark = pytest.mark.django_db


def test_a_create_waits_and_says_so(caller, store):
    answer = caller.post(of(store) + "/memories", {"path": "/a.md", "content": "Close the ledger."})

    proposal = Proposal.objects.get()
    refused = error_of(answer)
    assert (refused["status"], refused["type"], refused["proposal_id"]) == (403, "permission_error", proposal.public_id)
    assert f"waits for review as {proposal.public_id}" in refused["message"]
    assert answer["x-should-retry"] == "false"
    assert (proposal.operation, proposal.source, proposal.is_open) == ("create", "agent", True)
    assert proposal.source_ref.startswith("api_key:")
    assert not Memory.objects.exists()


def test_the_same_write_again_names_the_same_proposal(caller, store):
    first, again = (caller.post(of(store) + "/memories", {"path": "/a.md", "content": "Close."}) for _ in range(2))

    assert error_of(first)["proposal_id"] == error_of(again)["proposal_id"]
    assert Proposal.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "operation", "new_path"),
    [
        ({"content": "Two."}, "update", ""),
        ({"path": "/two.md"}, "rename", "/two.md"),
        ({"path": "/one.md/deeper.md", "content": "Two."}, "rename", "/one.md/deeper.md"),
    ],
)
def test_a_change_waits_against_the_version_that_was_read(caller, store, rita, body, operation, new_path):
    version = make_live_memory(store, rita, path="/one.md", content="One.")

    refused = error_of(caller.send("PATCH", at(version), body))

    proposal = Proposal.objects.open().get()
    assert refused["proposal_id"] == proposal.public_id
    assert (proposal.operation, proposal.path, proposal.new_path) == (operation, "/one.md", new_path)
    assert (proposal.base_version, proposal.content) == (version, body.get("content", "One."))


def test_a_delete_waits(caller, store, rita):
    version = make_live_memory(store, rita, content="One.")

    refused = error_of(caller.send("DELETE", at(version) + f"?expected_content_sha256={sha('One.')}", b""))

    assert refused["proposal_id"] == Proposal.objects.open().get().public_id
    assert Memory.objects.get().head == version


def test_a_change_that_changes_nothing_is_answered_with_the_memory(caller, store, rita):
    version = make_live_memory(store, rita, path="/one.md", content="One.")
    stale = {"type": "content_sha256", "content_sha256": sha("Older.")}

    for body in ({"content": "One."}, {"path": "/one.md"}, {"content": "One.", "precondition": stale}):
        answer = caller.post(at(version), body)
        assert (answer.status_code, answer.json()["memory_version_id"]) == (200, f"memver_{version.pk}")
    assert not Proposal.objects.open().exists()


def test_a_precondition_that_fails_files_nothing(caller, store, rita):
    version = make_live_memory(store, rita, content="One.")
    stale = {"type": "content_sha256", "content_sha256": sha("Older.")}

    changed = caller.post(at(version), {"content": "Two.", "precondition": stale})
    deleted = caller.send("DELETE", at(version) + f"?expected_content_sha256={sha('Older.')}", b"")

    for answer in (changed, deleted):
        refused = error_of(answer)
        assert (refused["status"], refused["type"]) == (409, "memory_precondition_failed_error")
        assert answer["x-should-retry"] == "false"
    assert not Proposal.objects.open().exists()


@pytest.mark.parametrize("path", ["/a/b.md", "/a", "/a/b.md/c.md"])
def test_a_path_that_is_taken_or_inside_another_names_what_is_there(caller, store, rita, path):
    version = make_live_memory(store, rita, path="/a/b.md")
    other = make_live_memory(store, rita, path="/z.md")

    for answer in (
        caller.post(of(store) + "/memories", {"path": path, "content": "New."}),
        caller.post(at(other), {"path": path}),
    ):
        refused = error_of(answer)
        assert (refused["status"], refused["type"]) == (409, "memory_path_conflict_error")
        assert (refused["conflicting_memory_id"], refused["conflicting_path"]) == (
            f"mem_{version.memory_id}", "/a/b.md",
        )  # fmt: skip
    assert not Proposal.objects.open().exists()


def test_an_update_without_a_change_is_an_invalid_request(caller, store, rita):
    assert error_of(caller.post(at(make_live_memory(store, rita)), {}))["status"] == 400


def test_what_was_rejected_is_refused_with_the_reason(caller, store, rita):
    wish = {"path": "/a.md", "content": "Never close."}
    caller.post(of(store) + "/memories", wish)
    proposal = Proposal.objects.get()
    decide(proposal_id=proposal.pk, decider=rita, ballot=Ballot("reject", proposal.digest, "It is not so."))

    refused = error_of(caller.post(of(store) + "/memories", wish))

    assert (refused["status"], "It is not so." in refused["message"]) == (403, True)


def test_a_stopped_store_takes_no_writes_and_says_so(caller, store, rita):
    version = make_live_memory(store, rita, path="/one.md")
    stop_store(store_id=store.pk, actor=ADAM, reason="Wrong.", served_revision=1)

    for answer in (
        caller.post(of(store) + "/memories", {"path": "/a.md", "content": "a"}),
        caller.post(at(version), {"content": "Two."}),
        caller.send("DELETE", at(version)),
    ):
        refused = error_of(answer)
        assert (refused["status"], "stopped" in refused["message"]) == (403, True)
    assert not Proposal.objects.open().exists()


def test_nobody_redacts_by_api(caller, store, rita):
    version = make_live_memory(store, rita)

    assert error_of(caller.post(f"{of(store)}/memory_versions/memver_{version.pk}/redact"))["status"] == 403


# Managing stores
