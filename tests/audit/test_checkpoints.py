"""The record proves itself: what was changed, cut off, reordered, written anew or restored is found, and where."""

import json
import random
import shutil
import subprocess
import sys
from contextlib import contextmanager

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from audit import checkpoints, signing, verifying
from audit.actors import Actor
from audit.canonical import canonical_bytes
from audit.checkpoints import RecordMoved, checkpoint_if_due, make_checkpoint, rotate_key, witness_file
from audit.exporting import export_record
from audit.models import Checkpoint, Entry, SigningKey
from audit.services import GENESIS, _entry_hash, record
from audit.verifying import verify_record

pytestmark = pytest.mark.django_db(transaction=True)
ADAM = Actor("user", "7", "adam")


@pytest.fixture(autouse=True)
def outside(settings, tmp_path):
    settings.DAYLIGHT_SIGNING_KEYS = str(tmp_path / "signing")
    settings.DAYLIGHT_CHECKPOINTS = str(tmp_path / "checkpoints.jsonl")


def write(count: int) -> None:
    from django.db import transaction

    with transaction.atomic():
        for number in range(count):
            record(
                action="agent.changed", actor=ADAM, subject=f"agent:{number % 7}", store="claims", data={"n": number}
            )


@contextmanager
def as_dba():
    """Somebody with the owner's rights, who takes the triggers off first."""
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute("SET session_replication_role = replica")
        yield cursor
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("SET ROLE daylight_app")


def rechain(cursor, first: int) -> None:
    """Give every entry from `first` on the hashes that its bytes ask for, as a thorough forger would."""
    previous = Entry.objects.get(seq=first - 1).hash if first > 1 else GENESIS
    for entry in Entry.objects.filter(seq__gte=first).order_by("seq"):
        found = _entry_hash(previous, bytes(entry.body))
        cursor.execute("UPDATE audit_entry SET prev_hash = %s, hash = %s WHERE seq = %s", [previous, found, entry.seq])
        previous = found


def forge_body(cursor, seq: int) -> None:
    entry = Entry.objects.get(seq=seq)
    said = json.loads(bytes(entry.body))
    said["data"] = {"n": 999}
    cursor.execute("UPDATE audit_entry SET body = %s WHERE seq = %s", [canonical_bytes(said), seq])


def test_a_whole_record_is_proven_up_to_its_last_checkpoint():
    write(20)
    make_checkpoint()
    write(3)

    result = verify_record()

    assert (result.error, result.entries, result.covered) == ("", 23, 20)


def test_every_flipped_bit_is_found():
    write(25)
    make_checkpoint()
    rows, stated = list(verifying.rows()), verifying._stated()
    assert verifying.check_rows(rows, stated).error == ""
    drawn = random.Random(7)
    for _ in range(20_000):
        number, column = drawn.randrange(len(rows)), drawn.choice([0, 3, 4, 5, 6, 7, 8, 9, 9, 9, 10, 11])
        forged = list(rows)
        forged[number] = flipped(rows[number], column, drawn)
        result = verifying.check_rows(forged, stated)
        assert result.error, (number, column)
        assert result.seq == number + 1


def flipped(row: tuple, column: int, drawn: random.Random) -> tuple:
    """The row with one bit of one column turned over."""
    value = row[column]
    if isinstance(value, int):
        value ^= 1 << drawn.randrange(20)
    else:
        data = bytearray(value if isinstance(value, bytes) else value.encode())
        data[drawn.randrange(len(data))] ^= 1 << drawn.randrange(8)
        value = bytes(data) if isinstance(value, bytes) else data.decode("latin-1")
    return (*row[:column], value, *row[column + 1 :])


def test_a_removed_entry_is_named():
    write(10)
    with as_dba() as cursor:
        cursor.execute("DELETE FROM audit_entry WHERE seq = 4")
    assert (verify_record().seq, verify_record().error) == (4, "entry 4 is missing")


def test_entries_that_changed_places_are_found():
    write(10)
    with as_dba() as cursor:
        cursor.execute("UPDATE audit_entry SET seq = CASE seq WHEN 4 THEN -5 ELSE -4 END WHERE seq IN (4, 5)")
        cursor.execute("UPDATE audit_entry SET seq = -seq WHERE seq < 0")
    assert verify_record().seq == 4


def test_a_cut_off_end_is_found_by_the_checkpoint_outside_even_when_the_one_inside_is_gone():
    write(10)
    make_checkpoint()
    with as_dba() as cursor:
        cursor.execute("DELETE FROM audit_entry WHERE seq > 8; DELETE FROM audit_checkpoint")

    result = verify_record()

    assert (result.entries, result.seq) == (8, 9)
    assert "covers 10 entries: entries are missing, or an old backup was restored" in result.error


def test_a_record_written_anew_is_found_and_where_it_began_is_narrowed_down():
    write(10)
    make_checkpoint()
    write(10)
    make_checkpoint()
    with as_dba() as cursor:
        forge_body(cursor, 15)
        rechain(cursor, 15)

    result = verify_record()

    assert result.seq == 11
    assert "to entry 20 the record was written anew" in result.error


def test_a_record_and_its_checkpoints_written_anew_with_another_key_are_found(tmp_path, settings):
    write(10)
    make_checkpoint()
    with as_dba() as cursor:
        forge_body(cursor, 5)
        rechain(cursor, 5)
        cursor.execute("DELETE FROM audit_checkpoint; DELETE FROM audit_signingkey")
    settings.DAYLIGHT_SIGNING_KEYS = str(tmp_path / "forged")
    kept = witness_file().read_bytes()
    witness_file().unlink()
    make_checkpoint()
    witness_file().write_bytes(kept)

    assert "is not that of its key" in verify_record().error


@pytest.mark.parametrize("what", ["swapped", "broken"])
def test_signatures_that_were_swapped_or_broken_are_found(what):
    write(5)
    one = make_checkpoint()
    write(5)
    two = make_checkpoint()
    forged = one.signature if what == "swapped" else "00" * 64
    with as_dba() as cursor:
        cursor.execute("UPDATE audit_checkpoint SET signature = %s WHERE size = %s", [forged, two.size])

    result = verify_record()

    assert result.seq == 10
    assert "the signature of the checkpoint over 10 entries" in result.error


def test_after_an_old_backup_no_checkpoint_is_signed_and_it_says_why():
    write(10)
    make_checkpoint()
    with as_dba() as cursor:
        cursor.execute("DELETE FROM audit_entry WHERE seq > 6; DELETE FROM audit_checkpoint")

    with pytest.raises(RecordMoved, match="ends at entry 6, but a checkpoint of .* covers 10"):
        make_checkpoint()
    write(9)
    with pytest.raises(RecordMoved, match="gone from the database"):
        make_checkpoint()
    assert not Checkpoint.objects.exists()


def test_a_new_key_is_vouched_for_by_the_old_one_and_one_that_is_not_is_found():
    write(3)
    make_checkpoint()
    rotate_key(actor=ADAM)
    write(3)
    assert make_checkpoint().key_id == SigningKey.objects.last().key_id
    assert verify_record().error == ""
    with as_dba() as cursor:
        cursor.execute("UPDATE audit_signingkey SET signature = %s WHERE signed_by <> ''", ["00" * 64])
    assert "no earlier key vouches" in verify_record().error


def test_a_key_that_is_gone_is_not_silently_made_anew():
    write(1)
    make_checkpoint()
    shutil.rmtree(signing.folder())
    write(1)
    with pytest.raises(signing.KeyMissing, match="restore it"):
        make_checkpoint()


def test_a_checkpoint_comes_after_enough_entries_and_not_before(monkeypatch):
    assert checkpoint_if_due() is None
    write(1)
    assert checkpoint_if_due().size == 1
    write(checkpoints.EVERY_ENTRIES - 1)
    assert checkpoint_if_due() is None
    write(1)
    assert checkpoint_if_due().size == checkpoints.EVERY_ENTRIES + 1
    write(1)
    monkeypatch.setattr(checkpoints, "EVERY", -checkpoints.EVERY)
    assert checkpoint_if_due().size == checkpoints.EVERY_ENTRIES + 2


def test_the_file_outside_is_completed_when_a_crash_came_between():
    write(2)
    make_checkpoint()
    whole = witness_file().read_text()
    witness_file().write_text(whole[:40])
    write(2)
    make_checkpoint()
    assert [json.loads(line["body"])["size"] for line in checkpoints.witnessed()] == [2, 4]


def test_the_command_says_what_is_proven_and_fails_where_something_is_wrong(capsys):
    write(3)
    make_checkpoint()
    call_command("verify_audit")
    assert "Entries 1 to 3 are proven" in capsys.readouterr().out
    with as_dba() as cursor:
        cursor.execute("UPDATE audit_entry SET subject = 'agent:9' WHERE seq = 2")
    with pytest.raises(CommandError, match="Entry 2: its columns differ"):
        call_command("verify_audit")


def offline(folder, *given: str) -> tuple[int, str]:
    """What the export's own verifier says, run as a stranger would: in its folder, without our code."""
    done = subprocess.run(
        [sys.executable, "-I", "verify.py", *given], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.fixture
def bundle(tmp_path):
    write(10)
    make_checkpoint()
    write(5)
    export_record(tmp_path / "bundle", actor=ADAM)
    return tmp_path / "bundle"


def test_an_export_verifies_offline_and_is_itself_in_the_record(bundle):
    code, said = offline(bundle, "--trust", SigningKey.objects.get().key_id, "--witness", str(witness_file()))

    assert code == 0
    assert "16 entries are whole" in said
    assert "Entries 1 to 16 are proven by signed checkpoints" in said
    assert Entry.objects.first().action == "record.exported"
    assert "The record up to entry 16" in (bundle / "index.html").read_text()


FORGERIES = {
    "a changed word": ("entries.jsonl", lambda text: text.replace("agent:3", "agent:4", 1), "entry 4: its "),
    "a removed line": ("entries.jsonl", lambda text: "".join(text.splitlines(True)[:4] + text.splitlines(True)[5:]), "entry 5 is missing"),
    "a cut off end": ("entries.jsonl", lambda text: "".join(text.splitlines(True)[:12]), "ends at entry 12"),
    "a changed checkpoint": ("checkpoints.jsonl", lambda text: text.replace('\\"size\\":10', '\\"size\\":11'), "line 1"),
    "a dropped checkpoint": ("checkpoints.jsonl", lambda text: "".join(text.splitlines(True)[1:]), "does not follow"),
    "another key": ("keys.json", lambda text: text.replace('"public_key": "', '"public_key": "00'), "is not the name"),
    "a broken line": ("entries.jsonl", lambda text: text[:-20], "line 16: this is no JSON"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGERIES)
def test_the_offline_verifier_says_where_an_export_was_forged(bundle, name):
    file, forge, found = FORGERIES[name]
    (bundle / file).write_text(forge((bundle / file).read_text()))

    code, said = offline(bundle)

    assert code == 1
    assert said.startswith("WRONG: ")
    assert found in said


def test_the_offline_verifier_needs_the_key_that_it_is_told(bundle):
    assert offline(bundle, "--trust", "0" * 16)[0] == 1


def test_a_witness_finds_an_export_of_a_record_that_was_cut_off(bundle, tmp_path):
    write(5)
    make_checkpoint()
    code, said = offline(bundle, "--witness", str(witness_file()))
    assert code == 1
    assert "ends at entry 16" in said
