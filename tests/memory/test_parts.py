"""Agents read a part, an earlier revision, one store; and each answer says, signed, what it is."""

import hashlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.actors import Actor
from audit.canonical import canonical_bytes
from audit.checkpoints import make_checkpoint
from audit.models import Entry, SigningKey
from memory import envelopes
from memory.models import MemoryRead, MemoryVersion
from memory.services import record_read
from memory.stopping import stop_store
from reviews.erasing import erase, preview
from sessions.services import issue_key
from tests.factories import approve, make_agent, make_live_memory, make_proposal, make_store

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/api/v1/agents/teller/memory"


@pytest.fixture(autouse=True)
def outside(settings, tmp_path) -> None:
    settings.DAYLIGHT_SIGNING_KEYS = str(tmp_path / "signing")
    settings.DAYLIGHT_CHECKPOINTS = str(tmp_path / "checkpoints.jsonl")
    envelopes._signer.cache_clear()


@pytest.fixture
def agent(transactional_db):
    return make_agent("teller")


@pytest.fixture
def store(agent, rita):
    """Revision 1: /a.md. 2: /tools/b.md. 3: /a.md deleted. 4: /tools/b.md reworded."""
    store = make_store("claims", [agent])
    first = make_live_memory(store, rita, path="/a.md", content="Close it first.")
    second = make_live_memory(store, rita, path="/tools/b.md", content="Wait.")
    approve(make_proposal(store, operation="delete", path="/a.md", base_version=first, content=""), rita)
    approve(make_proposal(store, operation="update", path="/tools/b.md", base_version=second, content="Newer."), rita)
    return store


@pytest.fixture
def read(client, agent, store):
    _, secret = issue_key(agent=agent, scopes=["read"], issued_by=Actor.system("test"))
    return lambda query="", url=URL, **headers: client.get(
        f"{url}?{query}", headers={"Authorization": f"Bearer {secret}", **headers}
    )


def texts(answer) -> dict[str, str]:
    return {row["path"]: row["content"] for store in answer.json()["stores"] for row in store["memories"]}


@pytest.mark.parametrize(
    ("revision", "served"),
    [
        (0, {}),
        (1, {"/a.md": "Close it first."}),
        (2, {"/a.md": "Close it first.", "/tools/b.md": "Wait."}),
        (3, {"/tools/b.md": "Wait."}),
        (4, {"/tools/b.md": "Newer."}),
    ],
)
def test_an_earlier_revision_is_served_as_it_was(read, revision, served):
    answer = read(f"revision={revision}")
    assert (answer.status_code, texts(answer), answer.json()["stores"][0]["revision"]) == (200, served, revision)
    again = read(f"revision={revision}", **{"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_revision_that_is_not_there_is_404(read):
    answer = read("revision=5")
    assert (answer.status_code, answer.json()["detail"]) == (404, "claims is served up to revision 4.")


def test_a_stopped_store_serves_no_later_revision_than_the_stop_allows(read, store, adam):
    stop_store(store_id=store.pk, actor=Actor.user(adam), reason="Wrong.", served_revision=2)

    assert texts(read()) == texts(read("revision=2")) == {"/a.md": "Close it first.", "/tools/b.md": "Wait."}
    assert read("revision=4").status_code == 404


def test_a_part_is_chosen_by_path_and_by_size(read, store, rita):
    make_live_memory(store, rita, path="/c.md", content="x" * 50)

    assert list(texts(read("path_prefix=/tools/"))) == ["/tools/b.md"]
    answer = read("max_bytes=10")
    assert list(texts(answer)) == ["/tools/b.md"]
    assert answer.json()["stores"][0]["left_out"] == 1
    assert "1 more did not fit" in read("max_bytes=10&format=markdown").content.decode()
    tags = {read(query)["ETag"] for query in ("", "path_prefix=/tools/", "max_bytes=10", "path_prefix=/t")}
    assert len(tags) == 4


def test_an_entry_that_was_erased_since_is_left_out_of_an_earlier_revision_and_counted(read, store, adam):
    make_checkpoint()
    before = read("revision=2")
    assert before.json()["stores"][0]["erased"] == 0
    version = MemoryVersion.objects.get(revision=2)
    seen = preview(scope="version", subject=str(version.pk)).hits.token
    erase(scope="version", subject=str(version.pk), seen=seen, by=adam, legal_basis="other", reason="Request 12.")

    after = read("revision=2", **{"If-None-Match": before["ETag"]})

    assert texts(after) == {"/a.md": "Close it first."}
    assert after.json()["stores"][0]["erased"] == 1
    assert json.loads(after.json()["stores"][0]["envelope"]["body"])["erased"] == 1
    assert "1 more had been approved" in read("revision=2&format=markdown").content.decode()


def test_what_fits_beside_another_store_is_signed_as_it_is(read, agent, rita):
    make_checkpoint()
    other = make_store("all", [agent])
    small = make_live_memory(other, rita, path="/small.md", content="x")

    def signed() -> tuple[int, int]:
        claims = next(one for one in read("max_bytes=10").json()["stores"] if one["store"] == "claims")
        return len(claims["memories"]), json.loads(claims["envelope"]["body"])["left_out"]

    assert signed() == (1, 0)
    approve(make_proposal(other, operation="update", path="/small.md", base_version=small, content="x" * 9), rita)
    assert signed() == (0, 1)


def recorded() -> list[tuple[int, list[int] | None]]:
    return list(MemoryRead.objects.order_by("pk").values_list("revision", "versions"))


def test_of_a_part_the_versions_that_it_held_are_recorded(read, store, rita):
    make_live_memory(store, rita, path="/c.md", content="x" * 50)

    read("session=run-1&path_prefix=/tools/")
    read("session=run-1&max_bytes=10")
    read("session=run-1")
    read("session=run-1&path_prefix=/")

    assert recorded() == [(5, [4]), (5, None), (5, [4, 5])]


def test_what_was_not_cut_is_recorded_as_the_whole_and_what_held_nothing_not_at_all(read):
    read("session=run-1&max_bytes=99")
    read("session=run-1&revision=2")
    read("session=run-1&path_prefix=/none/")
    read("session=run-1&max_bytes=1")
    assert recorded() == [(4, None), (2, None)]


def test_a_part_that_the_agent_has_already_is_recorded_as_it_is_named(read, store, rita):
    tag = read("path_prefix=/tools/")["ETag"]
    assert read("session=run-1&path_prefix=/tools/", **{"If-None-Match": tag}).status_code == 304

    make_live_memory(store, rita, path="/tools/new.md")
    assert read("session=run-1&path_prefix=/tools/", **{"If-None-Match": tag}).status_code == 200

    assert recorded() == [(4, [4]), (5, [4, 5])]


def test_of_an_earlier_revision_what_was_erased_since_is_not_recorded(read, adam):
    version = MemoryVersion.objects.get(revision=2)
    seen = preview(scope="version", subject=str(version.pk)).hits.token
    erase(scope="version", subject=str(version.pk), seen=seen, by=adam, legal_basis="other", reason="Request 12.")
    read("session=run-1&revision=2")
    assert recorded() == [(2, [1])]


def test_a_part_of_many_versions_is_recorded_once(agent, store):
    part = (store.pk, 4, range(1, 10_000))
    for _ in range(2):
        record_read(agent=agent, session_external_id="run-1", served=[part])
    assert [len(versions) for _, versions in recorded()] == [9_999]


def test_one_store_of_several_is_read_alone(read, agent, rita):
    other = make_store("other", [agent])
    make_live_memory(other, rita, path="/o.md", content="Other.")
    make_store("secret")

    assert list(texts(read("store=other"))) == ["/o.md"]
    assert list(texts(read(url="/api/v1/agents/teller/stores/other/memory"))) == ["/o.md"]
    assert read("revision=1").status_code == 422
    assert list(texts(read("revision=1&store=claims"))) == ["/a.md"]
    secret, missing = (read(url=f"/api/v1/agents/teller/stores/{name}/memory") for name in ("secret", "none"))
    assert (secret.status_code, missing.status_code) == (404, 404)
    assert secret.json()["detail"].replace("secret", "none") == missing.json()["detail"]


@pytest.mark.parametrize("url", [URL, "/api/v1/agents/teller/stores/claims/memory"])
@pytest.mark.parametrize("query", ["prefix=/tools/", "max_bytes=9&maxbytes=9", "session=run-1&Path_Prefix=/tools/"])
def test_a_parameter_that_is_misspelt_is_named_with_those_that_there_are(read, url, query):
    tag = read(url=url)["ETag"]
    answer = read(query, url, **{"If-None-Match": tag})

    misspelt = query.split("&")[-1].split("=")[0]
    assert (answer.status_code, answer.json()["error"]) == (422, "malformed")
    assert answer.json()["detail"].startswith(
        f"{misspelt}: no such parameter. There are format, max_bytes, path_prefix,"
    )
    assert ("store" in answer.json()["detail"]) == (url == URL)
    assert not MemoryRead.objects.exists()


@pytest.mark.parametrize("query", ["revision=-1", "revision=x", "max_bytes=-1", f"revision={2**63}"])
def test_a_number_that_is_none_is_named(read, query):
    assert read(query).status_code == 422


def test_the_envelope_proves_what_was_served(read, store):
    make_checkpoint()
    envelopes._signer.cache_clear()
    row = read().json()["stores"][0]

    body = json.loads(row["envelope"]["body"])
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(SigningKey.objects.get(pk=body["key_id"]).public_key))
    public.verify(
        bytes.fromhex(row["envelope"]["signature"]), b"daylight memory v1\n" + row["envelope"]["body"].encode()
    )
    entry = Entry.objects.get(seq=body["audit"]["seq"])
    assert (body["agent"], body["store"], body["revision"]) == ("teller", "claims", 4)
    assert (entry.action, entry.data["revision"], entry.hash) == (
        "memory.version.published",
        4,
        body["audit"]["hash"],
    )
    served = [[memory["path"], memory["sha256"]] for memory in row["memories"]]
    assert body["content_sha256"] == hashlib.sha256(canonical_bytes(served)).hexdigest()
    assert body["issued"] < body["expires"]


def test_the_same_memory_gives_the_same_bytes_and_a_new_key_another_etag(read):
    make_checkpoint()
    envelopes._signer.cache_clear()
    first, again = read(), read()
    assert (first.content, first["ETag"]) == (again.content, again["ETag"])

    assert read(**{"If-None-Match": first["ETag"]}).status_code == 304


def test_a_read_asks_the_database_little(read, django_assert_max_num_queries):
    tag = read()["ETag"]
    with django_assert_max_num_queries(1):
        assert read(**{"If-None-Match": tag}).status_code == 304
    with django_assert_max_num_queries(1):
        assert read().status_code == 200
