"""What `/anthropic/v1/memory_stores` shows: Anthropic's forms, what our gate let through."""

import pytest

from memory.models import MemoryRead, MemoryStore
from memory.stopping import resume_store, stop_store
from tests.factories import approve, make_agent, make_live_memory, make_proposal, make_store
from tests.memory.anthropic_api.world import ADAM, ROOT, at, error_of, of, recorded, sha

pytestmark = pytest.mark.django_db


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
