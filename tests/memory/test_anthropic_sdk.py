"""The real `anthropic` SDK over HTTP, pointed here by `base_url`: it reads, and its writes obey the gate."""

import json
import subprocess
from pathlib import Path
from shutil import which
from types import SimpleNamespace

import anthropic
import anyio
import pytest
from anthropic.lib.tools._memories import SessionMemoryStores
from django.db import connection

from memory.models import Memory, Proposal
from sessions.services import issue_key
from tests.conftest import run_apart
from tests.factories import approve, make_agent, make_live_memory, make_proposal, make_store
from tests.sessions.samples import ADMIN, make_key

pytestmark = pytest.mark.django_db(transaction=True)
BOTH = ("read", "propose")


@pytest.fixture
def store(live_server):
    return make_store("claims", [make_agent("teller")])


@pytest.fixture
def requests() -> list[str]:
    """Every request that the client sends."""
    return []


@pytest.fixture
def client(live_server, store, requests):
    """The SDK's own client, with its own retries."""

    def counted(request) -> None:
        requests.append(f"{request.method} {request.url.path}")

    sender = anthropic.DefaultHttpxClient(event_hooks={"request": [counted]})
    with anthropic.Anthropic(
        api_key=make_key("teller", BOTH)[1], base_url=f"{live_server.url}/anthropic", http_client=sender
    ) as client:
        yield client


def name_of(store) -> str:
    return f"memstore_{store.pk}"


def test_it_lists_stores_memories_and_versions_page_by_page(client, store, requests, rita):
    versions = [
        make_live_memory(store, rita, path=f"/notes/{number}.md", content=f"Text {number}.") for number in range(5)
    ]
    make_proposal(store)
    api = client.beta.memory_stores

    assert [one.name for one in api.list()] == ["claims"]
    assert api.retrieve(name_of(store)).name == "claims"
    listed = list(api.memories.list(name_of(store), limit=2))
    assert [one.path for one in listed] == [f"/notes/{number}.md" for number in range(5)]
    assert len([one for one in requests if one.endswith("/memories")]) == 3
    assert api.memories.retrieve(listed[0].id, memory_store_id=name_of(store)).content == "Text 0."
    rolled = list(api.memories.list(name_of(store), depth=1, path_prefix="/"))
    assert [(one.type, one.path) for one in rolled] == [("memory_prefix", "/notes/")]
    history = api.memory_versions
    found = list(history.list(name_of(store), limit=2, created_at_gte=versions[1].created_at, operation="created"))
    assert [one.id for one in found] == [f"memver_{version.pk}" for version in reversed(versions[1:])]
    assert found[0].created_by.type == "user_actor"
    assert history.retrieve(found[0].id, memory_store_id=name_of(store)).content == "Text 4."


def test_what_is_refused_raises_the_classes_that_developers_catch(client, live_server, store, rita):
    version = make_live_memory(store, rita, path="/one.md")
    memories = client.beta.memory_stores.memories

    with pytest.raises(anthropic.NotFoundError) as missing:
        memories.retrieve("mem_999", memory_store_id=name_of(store))
    assert missing.value.request_id.startswith("req_")
    with pytest.raises(anthropic.BadRequestError):
        memories.create(name_of(store), path="no slash", content="x")
    with pytest.raises(anthropic.AuthenticationError):
        client.with_options(api_key="dl_0123_unknownunknownunknownunknown").beta.memory_stores.list()
    with pytest.raises(anthropic.NotFoundError):
        client.beta.memory_stores.retrieve(name_of(make_store("theirs")))
    with pytest.raises(anthropic.PermissionDeniedError):
        client.beta.memory_stores.create(name="mine")
    with pytest.raises(anthropic.PermissionDeniedError):
        client.beta.memory_stores.memory_versions.redact(f"memver_{version.pk}", memory_store_id=name_of(store))


def test_its_writes_wait_and_are_sent_once(client, store, requests, rita):
    version = make_live_memory(store, rita, path="/one.md", content="One.")
    memories = client.beta.memory_stores.memories
    name, memory = name_of(store), f"mem_{version.memory_id}"
    writes = [
        lambda: memories.create(name, path="/two.md", content="Two."),
        lambda: memories.update(memory, memory_store_id=name, content="Other."),
        lambda: memories.update(memory, memory_store_id=name, path="/moved.md"),
        lambda: memories.delete(memory, memory_store_id=name, expected_content_sha256=version.sha256),
    ]

    for write in writes:
        with pytest.raises(anthropic.PermissionDeniedError) as refused:
            write()
        waiting = Proposal.objects.open().order_by("pk").last()
        assert refused.value.body["error"]["proposal_id"] == waiting.public_id
        assert waiting.public_id in refused.value.message

    assert len(requests) == 4
    assert Proposal.objects.open().count() == 4
    assert Memory.objects.get().head == version


def test_a_conflict_is_sent_once(client, store, requests, rita):
    version = make_live_memory(store, rita, path="/one.md", content="One.")
    memories = client.beta.memory_stores.memories
    stale = {"type": "content_sha256", "content_sha256": "0" * 64}

    with pytest.raises(anthropic.ConflictError, match="Read it again"):
        memories.update(f"mem_{version.memory_id}", memory_store_id=name_of(store), content="Two.", precondition=stale)
    with pytest.raises(anthropic.ConflictError) as taken:
        memories.create(name_of(store), path="/one.md/two.md", content="Two.")

    assert taken.value.body["error"]["conflicting_path"] == "/one.md"
    assert len(requests) == 2


def test_where_the_policy_lets_agents_write_the_write_is_applied(live_server, store, client):
    store.agents.update(mode="auto", auto_own_writes=True)
    memories = client.beta.memory_stores.memories

    made = memories.create(name_of(store), path="/one.md", content="Close the ledger.", view="full")
    changed = memories.update(
        made.id,
        memory_store_id=name_of(store),
        content="Close the ledger first.",
        precondition={"type": "content_sha256", "content_sha256": made.content_sha256},
    )
    moved = memories.update(made.id, memory_store_id=name_of(store), path="/two.md")

    assert (made.content, changed.content) == ("Close the ledger.", None)
    assert (moved.id, moved.path, moved.content_sha256) == (made.id, "/two.md", changed.content_sha256)
    assert Memory.objects.get().head.content == "Close the ledger first."
    versions = list(client.beta.memory_stores.memory_versions.list(name_of(store)))
    assert [one.created_by.type for one in versions] == ["api_actor"] * 3
    mine = client.beta.memory_stores.memory_versions.list(
        name_of(store), api_key_id=versions[0].created_by.api_key_id, operation="modified"
    )
    assert len(list(mine)) == 2
    with pytest.raises(anthropic.PermissionDeniedError):
        memories.delete(made.id, memory_store_id=name_of(store))


def test_a_session_that_writes_by_policy_is_named(live_server, store, client):
    store.agents.update(mode="auto", auto_own_writes=True)
    told = client.with_options(default_headers={"Daylight-Session": "sesn_7"})

    told.beta.memory_stores.memories.create(name_of(store), path="/one.md", content="Close the ledger.")

    (version,) = client.beta.memory_stores.memory_versions.list(name_of(store), session_id="sesn_7")
    assert version.created_by.session_id == "sesn_7"


def test_a_key_that_manages_keeps_stores_by_the_sdk(live_server, client, store):
    _, text = issue_key(agent=None, scopes=["manage"], issued_by=ADMIN)
    api = client.with_options(api_key=text).beta.memory_stores

    made = api.create(name="notes", description="Shared.", metadata={"team": "a"})
    changed = api.update(made.id, metadata={"team": None, "owner": "b"}, description="")
    archived = api.archive(made.id)

    assert (made.metadata, changed.metadata, changed.description) == ({"team": "a"}, {"owner": "b"}, "")
    assert archived.archived_at
    assert [one.name for one in api.list(created_at_gte=store.created_at)] == ["claims"]
    assert [one.name for one in api.list(include_archived=True, limit=1)] == ["notes", "claims"]
    assert api.delete(made.id).type == "memory_store_deleted"
    with pytest.raises(anthropic.PermissionDeniedError):
        api.memories.create(name_of(store), path="/one.md", content="One.")


@pytest.mark.skipif(not which("curl"), reason="needs curl")
def test_curl_reads_with_an_older_version_and_x_api_key(live_server, store, rita):
    make_live_memory(store, rita, path="/one.md", content="One.")
    headers = {"x-api-key": make_key("teller", BOTH)[1], "anthropic-version": "2023-06-01"}
    address = f"{live_server.url}/anthropic/v1/memory_stores/{name_of(store)}/memories?beta=true&view=full"
    options = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]

    said = subprocess.run(["curl", "-sS", "--fail", *options, address], capture_output=True, check=True).stdout

    assert [one["content"] for one in json.loads(said)["data"]] == ["One."]


# The SDK's own sync of a store into a folder, as its self-hosted workers run it.


def attached(store, folder: Path, access: str = "read_write") -> SimpleNamespace:
    """What the sync reads of a session."""
    resource = SimpleNamespace(
        type="memory_store", memory_store_id=name_of(store), mount_path=str(folder), name="claims", access=access
    )
    return SimpleNamespace(resources=[resource])


@pytest.fixture
def sync(live_server, store, tmp_path):
    """Run a scenario with the sync over a folder that it downloaded."""

    def run(scenario) -> None:
        async def main() -> None:
            async with anthropic.AsyncAnthropic(api_key=key, base_url=f"{live_server.url}/anthropic") as client:
                stores = SessionMemoryStores(client, workdir=tmp_path)
                await stores.download(attached(store, tmp_path / "claims"))
                await scenario(stores, tmp_path / "claims")
                await stores.dispose()

        run_apart(main)

    key = make_key("teller", BOTH)[1]
    return run


def test_the_memory_sync_brings_everything_approved_and_what_is_approved_later(sync, store, rita):
    first = make_live_memory(store, rita, path="/one.md", content="One.")
    for number in range(25):
        make_live_memory(store, rita, path=f"/deep/{number}.md", content=f"Text {number}.")

    def meanwhile() -> None:
        approve(make_proposal(store, operation="update", path="/one.md", base_version=first, content="Two."), rita)
        make_live_memory(store, rita, path="/new.md", content="New.")
        gone = Memory.objects.get(path="/deep/0.md").head
        approve(make_proposal(store, operation="delete", path=gone.path, content="", base_version=gone), rita)

    async def scenario(stores, folder: Path) -> None:
        assert (folder / "one.md").read_text() == "One."
        assert len(list((folder / "deep").iterdir())) == 25
        await anyio.to_thread.run_sync(in_its_own_thread(meanwhile))
        await stores.finish()
        assert (folder / "one.md").read_text() == "Two."
        assert (folder / "new.md").read_text() == "New."
        assert not (folder / "deep" / "0.md").exists()

    sync(scenario)
    assert not Proposal.objects.open().exists()


def test_the_memory_sync_writes_nothing_that_nobody_approved(sync, store, rita, caplog):
    for name in ("one", "two", "three"):
        make_live_memory(store, rita, path=f"/{name}.md", content=f"{name}.")

    async def scenario(stores, folder: Path) -> None:
        (folder / "one.md").write_text("Mine.")
        (folder / "mine.md").write_text("Also mine.")
        (folder / "two.md").unlink()
        await stores.flush_writes()
        await stores.finish()
        assert (folder / "one.md").read_text() == "Mine."

    sync(scenario)

    waiting = {proposal.path: proposal.operation for proposal in Proposal.objects.open()}
    assert waiting == {"/one.md": "update", "/mine.md": "create", "/two.md": "delete"}
    assert sorted(Memory.objects.filter(head__isnull=False).values_list("head__content", flat=True)) == [
        "one.", "three.", "two.",
    ]  # fmt: skip
    assert "waits for review as prop_" in caplog.text
    assert "memory sync failed" not in caplog.text


def in_its_own_thread(work):
    """Run database work with a connection of the thread's own, and close it."""

    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    return run
