"""Keys that manage stores over `/anthropic/v1/memory_stores`."""

import pytest

from audit.models import Entry
from memory.models import MemoryStore
from reviews.ballots import Stopped
from tests.factories import approve, make_live_memory, make_proposal, make_store
from tests.memory.anthropic_api.world import at, error_of, of

pytestmark = pytest.mark.django_db


def test_a_key_that_manages_makes_stores_and_describes_them(manager):
    made = manager.post("", {"name": "notes", "description": "Shared.", "metadata": {"team": "a", "old": "x"}}).json()
    changed = manager.post(f"/{made['id']}", {"metadata": {"old": None, "new": "y"}}).json()

    assert (made["name"], made["description"], made["archived_at"]) == ("notes", "Shared.", None)
    assert made["updated_at"] == made["created_at"]
    assert (changed["metadata"], changed["description"]) == ({"team": "a", "new": "y"}, "Shared.")
    assert changed["updated_at"] > made["updated_at"]
    assert [entry.action for entry in Entry.objects.order_by("seq")][-2:] == ["store.created", "store.changed"]
    assert Entry.objects.first().actor_id.startswith("api_key:")


@pytest.mark.parametrize(
    "body",
    [
        {"name": "Not A Slug"}, {"name": ""}, {"name": "claims"}, {}, {"name": "n", "description": "x" * 1025},
        {"name": "n", "metadata": {"": "x"}}, {"name": "n", "metadata": {"k": "x" * 513}},
        {"name": "n", "metadata": {f"k{n}": "" for n in range(17)}}, {"name": "n", "metadata": {"k": "\0"}},
    ],
)  # fmt: skip
def test_a_store_that_cannot_be_is_an_invalid_request(manager, store, body):
    assert error_of(manager.post("", body))["type"] == "invalid_request_error"
    assert MemoryStore.objects.count() == 1


def test_a_store_keeps_its_name_and_sixteen_pairs(manager, store):
    assert manager.post(of(store), {"name": "claims"}).status_code == 200
    assert error_of(manager.post(of(store), {"name": "other"}))["status"] == 400
    assert manager.post(of(store), {"metadata": {f"k{n}": "" for n in range(16)}}).status_code == 200
    assert error_of(manager.post(of(store), {"metadata": {"more": ""}}))["status"] == 400


def test_an_archived_store_is_read_and_nothing_else(manager, caller, store, rita):
    version, waiting = make_live_memory(store, rita), make_proposal(store)

    first, again = (manager.post(of(store) + "/archive").json() for _ in range(2))

    assert first["archived_at"]
    assert first == again
    assert Entry.objects.filter(action="store.archived").count() == 1
    assert caller.get().json()["data"] == []
    assert len(caller.get("", include_archived="true").json()["data"]) == 1
    assert caller.get(at(version)).status_code == 200
    refused = error_of(caller.post(of(store) + "/memories", {"path": "/a.md", "content": "a"}))
    assert (refused["status"], "archived" in refused["message"]) == (403, True)
    assert error_of(manager.post(of(store), {"description": "x"}))["status"] == 400
    with pytest.raises(Stopped, match="archived"):
        approve(waiting, rita)


def test_only_a_store_without_a_history_is_deleted(manager, store, rita):
    empty = make_store("empty")
    make_live_memory(store, rita)

    assert manager.send("DELETE", of(empty)).json() == {"id": f"memstore_{empty.pk}", "type": "memory_store_deleted"}
    kept = manager.send("DELETE", of(store))

    assert (error_of(kept)["status"], kept["x-should-retry"]) == (409, "false")
    assert "Archive it instead" in error_of(kept)["message"]
    assert list(MemoryStore.objects.values_list("name", flat=True)) == ["claims"]
    assert Entry.objects.filter(action="store.deleted").count() == 1


def test_a_key_that_manages_reads_every_store_and_writes_no_memory(manager, store, rita):
    version = make_live_memory(store, rita)

    assert manager.get(at(version)).status_code == 200
    for answer in (
        manager.post(of(store) + "/memories", {"path": "/a.md", "content": "a"}),
        manager.post(at(version), {"content": "a"}),
        manager.send("DELETE", at(version)),
    ):
        assert error_of(answer)["type"] == "permission_error"


def test_an_agents_key_manages_no_store(caller, store):
    for answer in (
        caller.post("", {"name": "mine"}),
        caller.post(of(store), {"description": "x"}),
        caller.post(of(store) + "/archive"),
        caller.send("DELETE", of(store)),
    ):
        assert error_of(answer)["type"] == "permission_error"
