"""`import_sessions`: a bad line is reported, and the rest goes in."""

import gzip
import io
import json
import os
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import Entry
from memory.models import MemoryStore
from sessions import importing, pipeline, sources
from sessions.models import Event, Session
from tests.sessions.samples import line, with_event, write

pytestmark = pytest.mark.django_db


def run(*paths, code: int = 0, **options) -> dict:
    """The JSON report of an import that ends with `code`."""
    out = io.StringIO()
    ended = 0
    try:
        call_command("import_sessions", *map(str, paths), store="desk", as_json=True, stdout=out, **options)
    except SystemExit as exit:
        ended = exit.code
    assert ended == code
    return json.loads(out.getvalue())


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_a_file_is_imported_and_its_agents_are_attached(tmp_path, name):
    report = run(write(tmp_path / name, line("a"), b"", line("b", agent="b-bot")))
    assert (report["files"], report["sessions_imported"], report["events"], report["errors"]) == (1, 2, 4, [])
    assert report["agents_created"] == ["alice-bot", "b-bot"]
    assert MemoryStore.objects.get(name="desk").agents.count() == 2


def test_importing_again_finds_duplicates_and_is_no_error(tmp_path):
    path = write(tmp_path / "a.jsonl", line("a"), line("b"))
    run(path)
    report = run(write(tmp_path / "b.jsonl", line("a"), line("b", task="other")), path)
    assert (report["sessions_imported"], report["duplicates"], report["differing"]) == (0, 3, 1)


def test_a_folder_is_searched(tmp_path):
    (tmp_path / "deep").mkdir()
    write(tmp_path / "a.jsonl", line("a"))
    write(tmp_path / "deep" / "b.jsonl.gz", line("b"))
    (tmp_path / "notes.txt").write_text("no")
    assert run(tmp_path)["sessions_imported"] == 2


def test_stdin_is_read_and_may_be_gzip(tmp_path, monkeypatch):
    packed = write(tmp_path / "in.gz", line("a"))
    with packed.open("rb") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert run("-")["sessions_imported"] == 1


def test_bad_lines_are_reported_and_the_rest_goes_in(tmp_path):
    path = write(
        tmp_path / "mixed.jsonl",
        line("a"),
        line("b")[:30],
        line("c", agent="NO"),
        b"",
        with_event(text="\0"),
        line("d"),
    )
    report = run(path, code=1)
    assert report["sessions_imported"] == 2
    assert report["errors"] == [
        {"file": str(path), "line": 2, "reason": "not JSON: it breaks off at byte 30; send the whole session again"},
        {
            "file": str(path),
            "line": 3,
            "reason": 'agent: expected 1 to 100 of a-z, 0-9, dot, dash and underscore, beginning with a letter or digit, got "NO"',
            "id": "c",
        },
        {
            "file": str(path),
            "line": 5,
            "reason": "events[0].text: holds the character U+0000 (NUL), which PostgreSQL cannot keep;"
            " replace it and send the session again",
            "id": "s-1",
        },
    ]


def test_gzip_that_breaks_off_keeps_the_lines_before_the_break(tmp_path):
    noise = [line(f"s-{n}", task=os.urandom(3000).hex()) for n in range(50)]
    path = write(tmp_path / "cut.jsonl.gz", *noise)
    path.write_bytes(path.read_bytes()[:-40_000])
    report = run(path, code=1)
    assert 10 < report["sessions_imported"] < 50
    (error,) = report["errors"]
    assert error["line"] == report["sessions_imported"] + 1
    assert "the gzip file is broken from here on" in error["reason"]


def test_gzip_with_garbage_is_reported(tmp_path):
    path = tmp_path / "bad.jsonl.gz"
    path.write_bytes(b"this was never packed\n")
    assert "gzip file is broken" in run(path, code=1)["errors"][0]["reason"]
    path.write_bytes(gzip.compress(line("a") + b"\n") + b"garbage")
    report = run(path, code=1)
    assert report["sessions_imported"] == 1


def test_an_empty_file_is_said_plainly(tmp_path):
    path = write(tmp_path / "empty.jsonl")
    assert run(path)["warnings"] == [f"{path}: is empty"]
    packed = write(tmp_path / "empty.jsonl.gz")
    assert run(packed)["warnings"] == [f"{packed}: is empty"]


def test_a_missing_path_stops_before_anything_is_imported(tmp_path):
    good = write(tmp_path / "a.jsonl", line("a"))
    with pytest.raises(CommandError, match=r"nowhere.jsonl: there is no such file or folder. Nothing was imported"):
        run(good, tmp_path / "nowhere.jsonl")
    (tmp_path / "void").mkdir()
    with pytest.raises(CommandError, match="holds no .jsonl or .jsonl.gz file"):
        run(good, tmp_path / "void")
    assert not Session.objects.exists()


def test_a_store_name_that_cannot_be_is_refused(tmp_path):
    with pytest.raises(CommandError, match="--store Big Desk: Use 1 to 100 lower-case letters"):
        call_command("import_sessions", str(write(tmp_path / "a.jsonl", line())), store="Big Desk")


def test_a_line_of_50_mb_is_skipped_without_being_held(tmp_path):
    path = tmp_path / "long.jsonl"
    with path.open("wb") as file:
        file.write(line("a") + b"\n" + b'{"id": "')
        for _ in range(50):
            file.write(b"x" * 2**20)
        file.write(b'"}\n' + line("b") + b"\n")
    report = run(path, code=1)
    assert report["sessions_imported"] == 2
    assert report["errors"] == [
        {
            "file": str(path),
            "line": 2,
            "reason": "larger than 32 MiB, the most that one session may have; split it or clip its outputs",
        }
    ]


def test_a_session_of_ten_thousand_events_goes_in(tmp_path):
    assert run(write(tmp_path / "big.jsonl", line(events=10_000)))["events"] == 10_000
    assert Event.objects.count() == Session.objects.get().event_count == 10_000


def test_a_byte_order_mark_and_windows_line_ends_are_no_error(tmp_path):
    path = tmp_path / "w.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + line("a") + b"\r\n" + line("b") + b"\r\n")
    assert run(path)["sessions_imported"] == 2


def test_a_long_file_goes_in_by_several_transactions_of_one_act(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "CHUNK_LINES", 2)
    run(write(tmp_path / "a.jsonl", *(line(f"s-{n}") for n in range(5))))
    entries = Entry.objects.filter(action="sessions.imported")
    assert entries.count() == 3
    assert entries.values("act").distinct().count() == 1


def test_an_import_ends_when_all_of_it_is_on_disk(tmp_path):
    with CaptureQueriesContext(connection) as queries:
        run(write(tmp_path / "a.jsonl", line("a")))
    statements = [query["sql"] for query in queries]
    relaxed = next(n for n, sql in enumerate(statements) if "synchronous_commit TO off" in sql)
    waited = next(n for n, sql in enumerate(statements) if "pg_logical_emit_message(true" in sql)
    assert relaxed < waited


def test_what_is_printed_for_people(tmp_path):
    out, err = io.StringIO(), io.StringIO()
    path = write(tmp_path / "a.jsonl", line("a"), with_event(text="PASSWORD=hunter2"), b"{")
    with pytest.raises(SystemExit):
        call_command("import_sessions", str(path), store="desk", stdout=out, stderr=err)
    assert "2 sessions with 3 events in" in out.getvalue()
    assert "Redacted: 1 password." in out.getvalue()
    assert f"{path}:3: not JSON" in err.getvalue()
    assert "1 lines were refused; everything else went in." in err.getvalue()


def test_errors_are_counted_when_there_are_too_many_to_keep(tmp_path, monkeypatch):
    monkeypatch.setattr(importing, "MAX_ERRORS_KEPT", 2)
    report = run(write(tmp_path / "a.jsonl", *[b"{"] * 5), code=1)
    assert (len(report["errors"]), report["refused"]) == (2, 5)


def test_worker_processes_give_the_same_result_in_the_same_order(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "CHUNK_LINES", 3)
    lines = [line(f"s-{n}") if n % 5 else b"{" for n in range(1, 31)]
    report = run(write(tmp_path / "a.jsonl", *lines), code=1, workers=2)
    assert report["sessions_imported"] == 24
    assert [error["line"] for error in report["errors"]] == [5, 10, 15, 20, 25, 30]
    assert list(Session.objects.order_by("id").values_list("external_id", flat=True)) == [
        f"s-{n}" for n in range(1, 31) if n % 5
    ]


def test_a_killed_worker_is_an_error_and_not_a_hang():
    script = (
        "import os, signal, psutil\n"
        "from sessions import pipeline\n"
        "from sessions.sources import Line\n"
        "def chunks():\n"
        "    for _ in range(8): yield [Line('f', 1, b'{}')]\n"  # until every worker has been started
        "    while True:\n"
        "        for child in psutil.Process().children():\n"
        "            try: 'resource_tracker' in ' '.join(child.cmdline()) or child.kill()\n"
        "            except psutil.NoSuchProcess: pass\n"
        "        yield [Line('f', 2, b'{}')]\n"
        "if __name__ == '__main__':\n"
        "    try: list(pipeline.prepared(chunks(), workers=2))\n"
        "    except pipeline.WorkerDiedError as error: print(error)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert "was killed, perhaps for want of memory" in ended.stdout, ended.stderr


def test_small_inputs_start_no_processes():
    assert pipeline.workers_for(1000) == 0
    assert pipeline.workers_for(10**9) >= 1
