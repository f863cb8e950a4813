"""The record in the browser: found by what the address says, one entry with its proof, and an extract to take away."""

import csv
import io
import json
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test import Client

from audit.actors import Actor
from audit.checkpoints import make_checkpoint
from audit.models import Entry
from audit.services import record
from reviews import extracts
from reviews import record as looking
from reviews.extracts import plain_cell
from tests.factories import make_agent, make_live_memory, make_proposal, make_store

pytestmark = pytest.mark.django_db

RITA = Actor("user", "7", "Rita Øst")
DREAM = Actor.system("dream")


@pytest.fixture
def desk(client: Client, aude) -> Client:
    client.force_login(aude)
    return client


@pytest.fixture(autouse=True)
def own_keys(settings, tmp_path):
    settings.DAYLIGHT_SIGNING_KEYS = str(tmp_path / "signing")
    settings.DAYLIGHT_CHECKPOINTS = str(tmp_path / "checkpoints.jsonl")


@pytest.fixture
def agent():
    return make_agent("teller")


@pytest.fixture
def entries(agent) -> list[Entry]:
    sha = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    return [
        record(action="store.created", actor=RITA, subject="store:1", store="claims"),
        record(action="store.created", actor=RITA, subject="store:2", store="cards"),
        record(
            action="memory.version.published",
            actor=RITA,
            subject="memory:5",
            store="claims",
            data={
                "path": "/tools/Ledger_lock.md",
                "sha256": sha,
                "revision": 12,
                "note": 'He said "no\nway", \u0000 ok',
            },
        ),
        record(action="decision.made", actor=DREAM, subject="proposal:17", store="cards", data={"verdict": "approve"}),
        record(action="agent.changed", actor=RITA, subject=f"agent:{agent.pk}", data={"mode": "auto"}),
        record(
            action="store.changed", actor=DREAM, subject="store:1", store="claims", data={"attached": ["a", "teller"]}
        ),
        record(action="api_key.issued", actor=RITA, subject="api_key:ab", data={"agent": "teller"}),
        record(action="proposal.submitted", actor=Actor.agent("teller"), subject="proposal:18", store="claims"),
        record(action="proposal.submitted", actor=Actor.agent("teller-2"), subject="proposal:19", store="claims"),
    ]


def seqs(response) -> list[int]:
    assert response.status_code == 200
    return [entry.seq for entry in response.context["page"].rows]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [9, 8, 7, 6, 5, 4, 3, 2, 1]),
        ("action=store.created", [2, 1]),
        ("action=store.*", [6, 2, 1]),
        ("action=nothing", []),
        ("action=nothing.*", []),
        ("store=cards", [4, 2]),
        ("store=claims&action=store.created", [1]),
        ("store=cards&action=memory.version.published", []),
        ("store=cards&action=store.*", [2]),
        ("subject=store:1", [6, 1]),
        ("subject=store:1&action=store.changed", [6]),
        ("subject=store:1&actor=rita", [1]),
        ("agent=teller", [8, 7, 6, 5]),
        ("agent=teller&store=claims", [8, 6]),
        ("agent=unknown", []),
        ("actor=rita", [7, 5, 3, 2, 1]),
        ("actor=øst", [7, 5, 3, 2, 1]),
        ("actor=rita+ØST", [7, 5, 3, 2, 1]),
        ("actor=7", [7, 5, 3, 2, 1]),
        ("actor=dre", [6, 4]),
        ("actor=x'); drop", []),
        ("actor=\\", []),
        ("q=ledger", [3]),
        ("q=/tools/ledger_lock.md", [3]),
        ("q=Lock+ledg", [3]),
        ("q=9F86D081884c", [3]),
        ("q=no+way", [3]),
        ("q=Øst+published", [3]),
        ("q=ledger+cards", []),
        ("q=17", [4]),
        ("q=approve&store=cards", [4]),
        ("q=approve&store=claims", []),
        ("q=it's", []),
        ("q='", []),
        ("act=no-uuid", []),
        ("since=yesterday", []),
        ("since=2020-01-01", [9, 8, 7, 6, 5, 4, 3, 2, 1]),
        ("since=2099-01-01", []),
        ("until=2020-01-01", []),
    ],
)
def test_entries_are_found_by_what_the_address_says(desk, entries, query, expected):
    assert seqs(desk.get(f"/record/?{query}")) == [entries[number - 1].seq for number in expected]


@pytest.fixture
def stretched(monkeypatch):
    """The record as if it were long: pages, looks ahead and stretches of a few entries."""
    monkeypatch.setattr(looking, "PAGE_SIZE", 3)
    monkeypatch.setattr(looking, "LOOKED_AT", 4)
    monkeypatch.setattr(looking, "STRETCHES", (3, 5))
    monkeypatch.setattr(looking, "COUNT_LIMIT", 8)


@pytest.mark.parametrize(
    "query", ["", "store=claims", "q=shared", "actor=rita", "q=rare", "action=store.*&store=claims"]
)
def test_pages_go_both_ways_and_show_every_entry_once(desk, stretched, query):
    for number in range(30):
        actor = RITA if number % 2 else DREAM
        data = {"note": "shared rare" if number % 9 == 1 else "shared"}
        record(
            action="store.changed",
            actor=actor,
            subject=f"store:{number}",
            store=["claims", "cards"][number % 3 == 2],
            data=data,
        )
    wanted = {
        "": range(30),
        "store=claims": [number for number in range(30) if number % 3 != 2],
        "q=shared": range(30),
        "actor=rita": range(1, 30, 2),
        "q=rare": range(1, 30, 9),
        "action=store.*&store=claims": [number for number in range(30) if number % 3 != 2],
    }[query]
    expected = [f"store:{number}" for number in reversed(wanted)]

    pages, after = [], ""
    while True:
        response = desk.get(f"/record/?{query}&after={after}")
        pages.append([entry.subject for entry in response.context["page"].rows])
        assert len(pages[-1]) <= 3
        if not (after := response.context["page"].after):
            break
    assert [subject for page in pages for subject in page] == expected

    backwards = [pages[-1]]
    while before := response.context["page"].before:
        response = desk.get(f"/record/?{query}&before={before}")
        backwards.append([entry.subject for entry in response.context["page"].rows])
    assert backwards[::-1] == pages


def test_how_many_match_is_said_exactly_or_at_least_and_on_the_first_page_alone(desk, entries, stretched):
    for number in range(12):
        record(action="store.changed", actor=DREAM, subject=f"store:{number}", store="pets", data={"note": "common"})
    record(action="agent.created", actor=DREAM, subject="agent:9")

    assert "9 entries" not in desk.get("/record/").content.decode()
    assert "8 entries at least" in desk.get("/record/?store=pets").content.decode()
    assert "5 entries." in desk.get("/record/?actor=rita").content.decode()
    assert "1 entry." in desk.get("/record/?q=ledger").content.decode()
    assert "at least" in desk.get("/record/?q=common").content.decode()
    second = desk.get("/record/?store=pets&after=15")
    assert second.context["page"].count is None


@pytest.mark.parametrize(
    "cursor", ["after=x", "after=-1", "before=9999999999999999999999", "after=99999999", "before=٣"]
)
def test_odd_cursors_give_a_page(desk, entries, cursor):
    assert seqs(desk.get(f"/record/?{cursor}"))[0] == entries[-1].seq


def test_a_time_range_goes_by_the_entries_own_times_even_where_the_clock_was_set_back(desk):
    made = [record(action="store.created", actor=RITA, subject=f"store:{number}") for number in range(6)]
    begin = made[0].at
    minutes = [0, 10, 20, 12, 15, 30]
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE; SET session_replication_role = replica")
        for entry, minute in zip(made, minutes, strict=True):
            cursor.execute(
                "UPDATE audit_entry SET at = %s WHERE seq = %s", [begin + timedelta(minutes=minute), entry.seq]
            )
        cursor.execute("SET session_replication_role = DEFAULT; SET ROLE daylight_app")

    def between(first: int, last: int) -> list[int]:
        ends = {name: (begin + timedelta(minutes=at)).isoformat() for name, at in (("since", first), ("until", last))}
        rows = desk.get("/record/", ends).context["page"].rows
        return [minutes[made.index(entry)] for entry in rows]

    assert between(12, 20) == [15, 12]
    assert between(10, 21) == [15, 12, 20, 10]
    assert between(21, 30) == []


def test_a_day_is_meant_to_its_end(desk, entries):
    today = entries[0].at.date().isoformat()
    assert len(seqs(desk.get(f"/record/?since={today}&until={today}"))) == 9


def test_the_entries_of_one_act_stand_together(desk, rita):
    make_live_memory(make_store("claims"), rita)
    acts = [[entry.action for entry in rows] for rows in desk.get("/record/").context["acts"]]
    assert acts == [["memory.version.published", "decision.made"], ["proposal.submitted"]]


def test_what_an_entry_says_is_shown_as_text(desk):
    record(
        action="store.created", actor=Actor("user", "1", "<b>Eve\u202e</b>"), subject="store:1", data={"x": "<script>"}
    )
    page = desk.get("/record/").content.decode()
    assert "<b>Eve" not in page
    assert "<script>" not in page.replace("<script type", "").replace("<script src", "")
    assert "hidden-char" in page


def test_one_entry_shows_its_bytes_and_the_checkpoint_that_covers_it(desk, entries):
    third = entries[2]
    page = desk.get(f"/record/{third.seq}/").content.decode()
    assert "No checkpoint covers it yet" in page
    for shown in (third.hash, third.prev_hash, "The bytes below give the hash"):
        assert shown in page

    make_checkpoint()
    assert "The signed checkpoint over 9 entries covers it" in desk.get(f"/record/{third.seq}/").content.decode()
    assert desk.get("/record/999/").status_code == 404
    assert desk.get("/record/99999999999999999999999/").status_code == 404


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("body = convert_to(replace(convert_from(body, 'UTF8'), '12', '13'), 'UTF8')", "do not give the hash"),
        ("prev_hash = repeat('1', 64)", "was changed|chain is broken"),
    ],
)
def test_an_entry_that_was_changed_says_so(desk, entries, change, said):
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE; SET session_replication_role = replica")
        cursor.execute(f"UPDATE audit_entry SET {change} WHERE seq = 3")
        cursor.execute("SET session_replication_role = DEFAULT; SET ROLE daylight_app")
    page = desk.get("/record/3/").content.decode()
    assert any(words in page for words in said.split("|"))


def export(client: Client, **fields: str) -> tuple[str, str]:
    response = client.post("/record/export/", fields)
    assert response.status_code == 200
    assert response["Content-Disposition"].startswith('attachment; filename="record-')
    return response["Content-Type"], b"".join(response.streaming_content).decode()


def test_an_extract_holds_exactly_what_the_filter_shows_on_all_its_pages(desk, entries, stretched, monkeypatch):
    monkeypatch.setattr(extracts, "BATCH", 2)
    kind, text = export(desk, format="csv", actor="rita")
    rows = list(csv.DictReader(io.StringIO(text)))

    assert kind == "text/csv; charset=utf-8"
    assert [int(row["seq"]) for row in rows] == [entries[number - 1].seq for number in (7, 5, 3, 2, 1)]
    third = next(row for row in rows if row["seq"] == str(entries[2].seq))
    assert (third["hash"], third["actor_name"], third["store"]) == (entries[2].hash, "Rita Øst", "claims")
    assert json.loads(third["data"]) == entries[2].data

    kind, text = export(desk, format="jsonl", actor="rita", q="ledger")
    (line,) = map(json.loads, text.splitlines())
    assert line["body"].encode() == bytes(entries[2].body)


def test_an_export_is_an_act_that_the_record_keeps_before_a_byte_is_sent(desk, aude, entries):
    response = desk.post("/record/export/", {"format": "csv", "store": "claims", "q": "proposal"})
    kept = Entry.objects.first()

    assert (kept.action, kept.actor_id) == ("record.extract_exported", str(aude.pk))
    assert kept.data == {
        "format": "csv",
        "filter": {"store": "claims", "q": "proposal"},
        "rows": 2,
        "cut": False,
        "newest": entries[8].seq,
        "oldest": entries[7].seq,
    }
    assert len(b"".join(response.streaming_content).decode().splitlines()) == 3


def test_an_extract_of_nothing_is_an_empty_file_and_kept_too(desk, entries):
    assert export(desk, format="jsonl", q="nowhere")[1] == ""
    assert Entry.objects.first().data["rows"] == 0


def test_an_extract_that_is_too_long_holds_the_newest_and_says_that_it_was_cut(desk, entries, monkeypatch):
    monkeypatch.setattr(extracts, "MAX_ROWS", 2)
    _, text = export(desk, format="jsonl")
    assert [json.loads(line)["seq"] for line in text.splitlines()] == [entries[8].seq, entries[7].seq]
    assert Entry.objects.first().data["cut"] is True


@pytest.mark.parametrize("fields", [{"format": "exe"}, {"format": "csv", "since": "soon"}, {"format": "csv", "q": "'"}])
def test_an_export_that_means_nothing_is_not_made(desk, entries, fields):
    response = desk.post("/record/export/", fields)
    assert response.status_code == 302
    assert urlsplit(response["Location"]).path == "/record/"
    assert parse_qs(urlsplit(response["Location"]).query).keys() <= {"since", "q"}
    assert Entry.objects.count() == 9


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "=cmd|' /C calc'!A0"])
def test_no_cell_of_an_extract_is_a_formula(desk, text):
    record(action="store.created", actor=Actor("user", "1", text), subject="store:1")
    _, shown = export(desk, format="csv")
    assert next(csv.DictReader(io.StringIO(shown, newline="")))["actor_name"] == f"'{text}"
    assert plain_cell("plain") == "plain"


def test_a_reviewer_takes_away_no_more_than_the_page_shows_them(client, rita, ruth):
    proposal = make_proposal(make_store("claims"))
    record(action="review.voted", actor=Actor.user(ruth), subject=f"proposal:{proposal.pk}", store="claims")
    voted = Entry.objects.get(action="review.voted").seq
    client.force_login(rita)
    assert voted not in seqs(client.get("/record/"))
    assert client.get(f"/record/{voted}/").status_code == 404
    assert "review.voted" not in export(client, format="jsonl")[1]
    client.force_login(ruth)
    assert "review.voted" in export(client, format="jsonl")[1]


@pytest.mark.parametrize("query", ["", "?q=ledger", "?store=claims&action=store.*&agent=teller", "?since=2020-01-01"])
def test_a_page_asks_a_fixed_number_of_questions(desk, entries, query, django_assert_max_num_queries):
    for number in range(60):
        record(action="store.changed", actor=DREAM, subject=f"store:{number}", store="claims")
    with django_assert_max_num_queries(24):
        desk.get(f"/record/{query}")
