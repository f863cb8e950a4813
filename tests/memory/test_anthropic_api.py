"""What `/anthropic/v1/memory_stores` answers: Anthropic's forms, our gate."""

import hashlib
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.actors import Actor
from audit.models import Entry
from memory.anthropic_api.pages import name_of
from memory.models import Memory, MemoryRead, MemoryStore, Proposal
from memory.stopping import resume_store, stop_store
from reviews.ballots import Ballot, Stopped
from reviews.services import decide
from sessions.services import issue_key
from tests.factories import approve, make_agent, make_live_memory, make_proposal, make_store
from tests.sessions.samples import make_key

pytestmark = pytest.mark.django_db
ADAM = Actor("user", "7", "adam")
ROOT = "/anthropic/v1/memory_stores"


class Caller:
    """Django's client with a key."""

    def __init__(self, client, key: str) -> None:
        self.client, self.headers = client, {"Authorization": f"Bearer {key}"}

    def get(self, path: str = "", **query):
        return self.client.get(f"{ROOT}{path}", query, headers=self.headers)

    def send(self, method: str, path: str = "", body: object = None, **more):
        data = body if isinstance(body, bytes) else json.dumps(body)
        return self.client.generic(
            method, f"{ROOT}{path}", data, content_type="application/json", headers=self.headers, **more
        )

    def post(self, path: str = "", body: object = None):
        return self.send("POST", path, body)


@pytest.fixture
def agent():
    return make_agent("teller")


@pytest.fixture
def store(agent):
    return make_store("claims", [agent])


@pytest.fixture
def caller(client, agent) -> Caller:
    return Caller(client, make_key("teller", ("read", "propose"))[1])


@pytest.fixture
def manager(client) -> Caller:
    return Caller(client, issue_key(agent=None, scopes=["manage"], issued_by=ADAM)[1])


def of(store) -> str:
    return f"/memstore_{store.pk}"


def at(version) -> str:
    return f"/memstore_{version.store_id}/memories/mem_{version.memory_id}"


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def error_of(response) -> dict:
    body = response.json()
    assert body["type"] == "error"
    assert body["request_id"] == response["request-id"]
    assert set(body["error"]) >= {"type", "message"}
    return {"status": response.status_code, **body["error"]}


# Reading


def test_a_memory_is_shown_as_anthropic_shows_one(caller, store, rita):
    version = make_live_memory(store, rita, path="/notes/ledger.md", content="Grüße")

    shown = caller.get(at(version)).json()

    assert shown.pop("created_at")
    assert shown.pop("updated_at")
    assert shown == {
        "id": f"mem_{version.memory_id}",
        "type": "memory",
        "memory_store_id": f"memstore_{store.pk}",
        "memory_version_id": f"memver_{version.pk}",
        "path": "/notes/ledger.md",
        "content": "Grüße",
        "content_sha256": sha("Grüße"),
        "content_size_bytes": 7,
    }
    assert caller.get(at(version), view="basic").json()["content"] is None


def test_a_list_goes_on_where_the_page_before_ended(caller, store, rita):
    for name in "cab":
        make_live_memory(store, rita, path=f"/{name}.md")

    first = caller.get(of(store) + "/memories", limit=2, beta="true").json()
    second = caller.get(of(store) + "/memories", limit=2, page=first["next_page"]).json()

    assert [one["path"] for one in first["data"] + second["data"]] == ["/a.md", "/b.md", "/c.md"]
    assert second["next_page"] is None
    assert all(one["content"] is None for one in first["data"])


def test_a_full_page_holds_at_most_twenty(caller, store, rita):
    for number in range(21):
        make_live_memory(store, rita, path=f"/{number:02}.md")

    full = caller.get(of(store) + "/memories", view="full", limit=100).json()

    assert len(full["data"]) == 20
    assert full["next_page"]
    assert all(one["content"] for one in full["data"])
    assert len(caller.get(of(store) + "/memories", limit=100).json()["data"]) == 21


def test_with_depth_1_what_lies_deeper_is_one_folder(caller, store, rita):
    for path in ("/b.md", "/a/x.md", "/a/y/z.md", "/a-b.md", "/a/y/w.md"):
        make_live_memory(store, rita, path=path)

    def listed(**query) -> list[str]:
        found, page = [], ""
        while page is not None:
            answer = caller.get(of(store) + "/memories", depth=1, limit=1, page=page, **query).json()
            found += [(one["type"], one["path"]) for one in answer["data"]]
            page = answer["next_page"]
        return found

    assert listed() == [("memory", "/a-b.md"), ("memory_prefix", "/a/"), ("memory", "/b.md")]
    assert listed(path_prefix="/a/") == [("memory", "/a/x.md"), ("memory_prefix", "/a/y/")]
    assert [one["path"] for one in caller.get(of(store) + "/memories", path_prefix="/a/").json()["data"]] == [
        "/a/x.md", "/a/y/w.md", "/a/y/z.md",
    ]  # fmt: skip


def test_what_waits_is_not_read(caller, store):
    make_proposal(store)

    assert caller.get(of(store) + "/memories").json() == {"data": [], "next_page": None}
    assert caller.get(of(store) + "/memory_versions").json()["data"] == []


def test_a_store_that_serves_an_earlier_revision_shows_nothing_later(caller, store, rita):
    first = make_live_memory(store, rita, path="/one.md", content="One.")
    changed = approve(
        make_proposal(store, operation="update", path="/one.md", base_version=first, content="Two."), rita
    ).version
    later = make_live_memory(store, rita, path="/later.md")
    stop_store(store_id=store.pk, actor=ADAM, reason="Wrong.", served_revision=1)

    listed = caller.get(of(store) + "/memories", view="full").json()["data"]
    assert [(one["path"], one["content"]) for one in listed] == [("/one.md", "One.")]
    assert caller.get(at(first)).json()["memory_version_id"] == f"memver_{first.pk}"
    assert caller.get(at(later)).status_code == 404
    assert [one["id"] for one in caller.get(of(store) + "/memory_versions").json()["data"]] == [f"memver_{first.pk}"]
    assert caller.get(f"{of(store)}/memory_versions/memver_{changed.pk}").status_code == 404

    resume_store(store_id=store.pk, actor=ADAM, reason="Right.")
    assert caller.get(at(first)).json()["content"] == "Two."


def test_stores_of_others_look_like_stores_that_do_not_exist(caller, store, rita):
    theirs = make_store("theirs", [make_agent("other")])
    version = make_live_memory(theirs, rita)
    nowhere = MemoryStore(pk=999_999)

    for there, none in ((theirs, nowhere),):
        for tail in ("", "/memories", f"/memories/mem_{version.memory_id}", "/memory_versions"):
            told = [error_of(caller.get(of(one) + tail)) for one in (there, none)]
            assert [one["status"] for one in told] == [404, 404]
            assert told[0]["type"] == "not_found_error"
            assert told[0]["message"].replace(str(theirs.pk), "") == told[1]["message"].replace("999999", "")
        told = [
            error_of(caller.post(of(one) + "/memories", {"path": "/a.md", "content": "a"})) for one in (there, none)
        ]
        assert [one["status"] for one in told] == [404, 404]
    assert [one["name"] for one in caller.get().json()["data"]] == ["claims"]
    assert caller.get(f"{of(store)}/memories/mem_{version.memory_id}").status_code == 404


def recorded() -> list[tuple[str, int, list[int] | None]]:
    return list(MemoryRead.objects.order_by("pk").values_list("session_external_id", "revision", "versions"))


def test_what_a_session_is_given_is_recorded_page_by_page(caller, store, rita):
    for path in ("/a.md", "/b.md", "/folder/c.md", "/folder/d.md"):
        version = make_live_memory(store, rita, path=path)
    caller.headers["Daylight-Session"] = "run-7"

    first = caller.get(of(store) + "/memories", view="full", limit=1).json()
    caller.get(of(store) + "/memories", view="full", limit=2, page=first["next_page"])
    caller.get(of(store) + "/memories", view="full", depth=1)
    caller.get(at(version))

    assert recorded() == [("run-7", 4, [1]), ("run-7", 4, [2, 3]), ("run-7", 4, [1, 2]), ("run-7", 4, [4])]


def test_a_view_without_texts_is_no_read(caller, store, rita):
    version = make_live_memory(store, rita)
    caller.headers["Daylight-Session"] = "run-7"

    assert caller.get(of(store) + "/memories").json()["data"][0]["content"] is None
    caller.get(at(version), view="basic")
    caller.get(of(store) + "/memory_versions")
    caller.get(of(store) + "/memories", view="full", path_prefix="/none/")

    assert not MemoryRead.objects.exists()


def test_a_version_from_history_is_recorded_as_itself_if_it_had_a_text(caller, store, rita):
    old = make_live_memory(store, rita, path="/one.md", content="One.")
    new = approve(make_proposal(store, operation="update", path="/one.md", base_version=old, content="Two."), rita)
    approve(make_proposal(store, operation="delete", path="/one.md", content="", base_version=new.version), rita)
    caller.headers["Daylight-Session"] = "run-7"

    caller.get(f"{of(store)}/memory_versions/memver_{old.pk}")
    caller.get(of(store) + "/memory_versions", view="full", limit=2)

    assert recorded() == [("run-7", 1, [1]), ("run-7", 2, [2])]


def test_a_memory_that_answers_a_write_counts_as_given(caller, store, rita):
    version = make_live_memory(store, rita, path="/one.md")
    caller.headers["Daylight-Session"] = "run-7"
    answer = caller.post(f"{at(version)}?view=full", {"path": "/one.md"})
    assert answer.json()["content"] == version.content
    assert recorded() == [("run-7", 1, [1])]


# Versions


def test_versions_say_what_happened_and_who_decided(caller, store, rita):
    first = make_live_memory(store, rita, path="/one.md", content="One.")
    approve(make_proposal(store, operation="delete", path="/one.md", content="", base_version=first), rita)

    gone, made = caller.get(of(store) + "/memory_versions", view="full").json()["data"]

    assert (made["operation"], made["content"], made["content_size_bytes"]) == ("created", "One.", 4)
    assert made["created_by"] == {"type": "user_actor", "user_id": f"user_{rita.pk}"}
    assert (gone["operation"], gone["path"]) == ("deleted", "/one.md")
    assert (gone["content"], gone["content_sha256"], gone["content_size_bytes"]) == (None, None, None)
    assert (gone["redacted_at"], gone["redacted_by"]) == (None, None)
    assert caller.get(at(first)).status_code == 404


def test_versions_are_filtered(caller, store, rita):
    one = make_live_memory(store, rita, path="/one.md")
    two = make_live_memory(store, rita, path="/two.md")
    gone = approve(make_proposal(store, operation="delete", path="/one.md", content="", base_version=one), rita).version

    def found(**query) -> list[int]:
        answer = caller.client.get(f"{ROOT}{of(store)}/memory_versions", query, headers=caller.headers)
        return [int(version["id"].removeprefix("memver_")) for version in answer.json()["data"]]

    assert found() == [gone.pk, two.pk, one.pk]
    assert found(memory_id=f"mem_{one.memory_id}") == [gone.pk, one.pk]
    assert found(operation="created") == [two.pk, one.pk]
    assert found(**{"operation[]": ["created", "deleted"]}) == [gone.pk, two.pk, one.pk]
    assert found(**{"created_at[gte]": two.created_at.isoformat()}) == [gone.pk, two.pk]
    assert found(**{"created_at[lte]": one.created_at.isoformat()}) == [one.pk]
    assert found(session_id="sesn_1") == found(api_key_id="apikey_1") == found(service_account_id="svac_policy") == []
    assert found(memory_id="nonsense") == []


# Refusals


@pytest.mark.parametrize(
    ("tail", "query"),
    [
        ("/memories", {"limit": "0"}),
        ("/memories", {"limit": "101"}),
        ("/memories", {"depth": "2"}),
        ("/memories", {"view": "half"}),
        ("/memories", {"path_prefix": "/notes"}),
        ("/memories", {"page": "page_nonsense"}),
        ("/memories", {"page": "page_MQ"}),
        ("/memories", {"unheard_of": "1"}),
        ("/memory_versions", {"operation": "moved"}),
        ("/memory_versions", {"created_at[gte]": "yesterday"}),
        ("/memory_versions", {"page": "page_IngiIQ"}),
        ("/memory_versions", {"page": "page_" + "W1" * 4000}),
        ("", {"limit": "many"}),
        ("/memories", {"page": "\0"}),
    ],
)
def test_what_a_query_cannot_say_is_an_invalid_request(caller, store, tail, query):
    answer = caller.client.get(f"{ROOT}{of(store)}{tail}" if tail else ROOT, query, headers=caller.headers)

    assert (answer.status_code, error_of(answer)["type"]) == (400, "invalid_request_error")
    assert answer["x-should-retry"] == "false"


PATHS = st.sampled_from(["/a.md", "/a", "/a.md/b", "/", "", "/é", "/a\u2028b"]) | st.text(max_size=20)
ANY = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "path": PATHS | ANY,
        "content": st.text(max_size=30) | ANY,
        "precondition": ANY,
        "name": st.text(max_size=8) | ANY,
        "metadata": ANY,
        "description": ANY,
    },
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=BODIES | ANY | st.binary(max_size=20), tail=st.sampled_from(["", "/memories", "/memories/mem_1"]))
def test_no_body_breaks_it(caller, manager, store, body, tail):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    for one in (caller, manager):
        for address in (of(store) + tail, ""):
            assert one.post(address, data).status_code < 500


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    name=st.sampled_from(
        ["limit", "page", "view", "depth", "path_prefix", "created_at[gte]", "operation[]", "memory_id"]
    )
    | st.text(max_size=8),
    value=st.text(max_size=12) | st.integers().map(str) | st.integers().map(name_of) | st.text(max_size=8).map(name_of),
)
def test_no_query_breaks_it(caller, store, name, value):
    for tail in ("/memories", "/memory_versions"):
        answer = caller.client.get(f"{ROOT}{of(store)}{tail}", {name: value}, headers=caller.headers)
        assert answer.status_code in (200, 400)


@pytest.mark.parametrize("name", ["memstore_0", "memstore_01", "memstore_", "mem_1", "x", "memstore_" + "9" * 30])
def test_an_id_that_is_none_is_not_found(caller, store, name):
    assert error_of(caller.get(f"/{name}"))["type"] == "not_found_error"


def test_keys_are_checked_as_everywhere(client, store, caller):
    assert error_of(client.get(ROOT))["type"] == "authentication_error"
    assert error_of(Caller(client, "sk-ant-api03-x").get())["type"] == "authentication_error"
    ingest = Caller(client, make_key("teller", ("ingest",))[1])
    assert error_of(ingest.get()) | {"message": ""} == {"status": 403, "type": "permission_error", "message": ""}
    reader = Caller(client, make_key("teller", ("read",))[1])
    refused = error_of(reader.post(of(store) + "/memories", {"path": "/a.md", "content": "a"}))
    assert (refused["status"], "propose" in refused["message"]) == (403, True)
    text = caller.headers["Authorization"].removeprefix("Bearer ")
    assert client.get(ROOT, headers={"x-api-key": text, "anthropic-version": "2023-06-01"}).status_code == 200


def test_another_method_or_address_is_refused_in_the_same_form(caller, store):
    assert error_of(caller.send("PUT", of(store)))["status"] == 405
    other = caller.client.get("/anthropic/v1/dreams")
    assert error_of(other)["type"] == "not_found_error"


# Writing


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b'"x"', b"\xff", b'{"path": "/a.md"}', {"path": 1, "content": "a"},
        {"path": "a.md", "content": "a"}, {"path": "/a/../b.md", "content": "a"}, {"path": "/", "content": "a"},
        {"path": "/a.md", "content": ""}, {"path": "/a.md", "content": None}, {"path": "/a.md", "content": "a\0b"},
        {"path": "/a.md", "content": "x" * 102_401}, {"path": "/a.md", "content": "a", "overwrite": True},
        b'{"path": "/a.md", "content": "\\ud800"}', b"[" * 100_000, {"path": "/" + "a" * 300, "content": "a"},
    ],
)  # fmt: skip
def test_a_write_that_makes_no_sense_is_an_invalid_request(caller, store, body):
    refused = error_of(caller.post(of(store) + "/memories", body))

    assert (refused["status"], refused["type"]) == (400, "invalid_request_error")
    assert not Proposal.objects.exists()


def test_a_body_beyond_a_mebibyte_is_too_large(caller, store):
    refused = error_of(caller.post(of(store) + "/memories", {"path": "/a.md", "content": "x" * 1_100_000}))

    assert (refused["status"], refused["type"]) == (413, "request_too_large")


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
