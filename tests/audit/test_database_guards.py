"""What the database itself refuses, to the application's role and behind its back."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from audit.actors import Actor
from audit.checks import TRIGGERS, guards_are_in_place
from audit.grants import APPEND_ONLY
from audit.services import record
from memory.models import Memory, MemoryVersion, Proposal
from reviews.models import Decision
from tests.factories import approve, make_live_memory, make_proposal, make_store

pytestmark = pytest.mark.django_db


def run(sql: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.fixture
def as_owner(db):
    """The schema's owner, who is beyond grants but not beyond triggers."""
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        yield
        cursor.execute("SET ROLE daylight_app")


@pytest.fixture
def history(rita):
    """One row at least in every append-only table, with no check left for the commit."""
    version = make_live_memory(make_store(), rita)
    run("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
    return version


def test_the_tests_act_as_the_application():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("daylight_app",)


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("attack", ["UPDATE {t} SET {c} = {c}", "DELETE FROM {t}", "TRUNCATE {t} CASCADE"])
def test_the_application_can_only_append(history, table, attack):
    column = "seq" if table == "audit_entry" else "id"
    with pytest.raises(DatabaseError, match="permission denied"):
        run(attack.format(t=table, c=column))


@pytest.mark.parametrize(
    "attack",
    [
        "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
        "DROP TRIGGER audit_entry_append_only_v1 ON audit_entry",
        "DROP TRIGGER memoryversion_needs_decision_v1 ON memory_memoryversion",
        "SET session_replication_role = replica",
        "ALTER TABLE audit_entry RENAME TO gone",
        "CREATE OR REPLACE FUNCTION daylight_append_only_v1() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$",
    ],
)
def test_the_application_cannot_take_the_guards_away(attack):
    with pytest.raises(DatabaseError, match=r"permission denied|must be owner"):
        run(attack)


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("attack", ["UPDATE {t} SET {c} = {c}", "DELETE FROM {t}", "TRUNCATE {t} CASCADE"])
def test_even_the_owner_meets_the_triggers(history, as_owner, table, attack):
    column = "seq" if table == "audit_entry" else "id"
    with pytest.raises(DatabaseError, match="only ever appended to"):
        run(attack.format(t=table, c=column))


def insert_version(memory: Memory) -> MemoryVersion:
    version = MemoryVersion(
        memory=memory, store_id=memory.store_id, revision=99, operation="modified", path=memory.path
    )
    version.content, version.sha256 = "Slipped in.", "0" * 64
    version.save()
    return version


def commit(*writes: Callable[[], object]) -> None:
    """Write, and check what a commit would check; what is refused is rolled back."""
    with transaction.atomic():
        for write in writes:
            write()
        run("SET CONSTRAINTS ALL IMMEDIATE")


def test_a_version_without_a_decision_cannot_be_committed(history):
    with pytest.raises(DatabaseError, match="has no decision"):
        commit(lambda: insert_version(history.memory))


def test_a_version_cannot_borrow_the_decision_on_other_bytes(history, rita):
    """A decision names the hash that it approved."""
    other = make_proposal(history.store)

    def borrow() -> None:
        Decision.objects.create(
            proposal=other,
            verdict="approve",
            decider_kind="user",
            decider=rita,
            decider_name="rita",
            digest=other.digest,
            path=history.path,
            content_sha256="2" * 64,
            version=insert_version(history.memory),
            act=uuid4(),
        )
        Proposal.objects.filter(pk=other.pk).update(status="approved")

    with pytest.raises(DatabaseError, match="has no decision"):
        commit(borrow)


@pytest.mark.parametrize("column", ["content", "path", "title", "rationale", "digest"])
def test_what_a_reviewer_saw_cannot_be_rewritten(column):
    proposal = make_proposal(make_store())
    with pytest.raises(DatabaseError, match="is frozen"):
        run(f"UPDATE memory_proposal SET {column} = 'other' WHERE id = {proposal.pk}")


def test_a_decided_proposal_cannot_be_opened_again(rita):
    proposal = make_proposal(make_store())
    approve(proposal, rita)
    with pytest.raises(DatabaseError, match="is decided and stays so"):
        run(f"UPDATE memory_proposal SET status = 'open' WHERE id = {proposal.pk}")


def test_a_missing_trigger_is_a_failing_system_check(as_owner):
    assert guards_are_in_place(databases=["default"]) == []
    for _, table, trigger in TRIGGERS:
        with transaction.atomic():
            run(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
            assert [trigger in error.msg for error in guards_are_in_place(databases=["default"])] == [True]
            transaction.set_rollback(True)


def test_the_chain_verifies_and_a_changed_entry_is_named(history, as_owner, capsys):
    call_command("verify_audit")
    assert "all whole" in capsys.readouterr().out
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_entry DISABLE TRIGGER audit_entry_append_only_v1")
        cursor.execute("UPDATE audit_entry SET actor_name = 'nobody' WHERE seq = 2")
        cursor.execute("ALTER TABLE audit_entry ENABLE TRIGGER audit_entry_append_only_v1")
    with pytest.raises(Exception, match="Entry 2: its columns differ"):
        call_command("verify_audit")


def test_an_unregistered_action_is_refused():
    with pytest.raises(ValueError, match="not a registered action"), transaction.atomic():
        record(action="memory.slipped_in", actor=Actor.system("test"), subject="memory:1")
