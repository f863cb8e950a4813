"""What the database itself refuses, to the application's role and behind its back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from audit.actors import Actor
from audit.canonical import sha256_hex
from audit.checks import functions_in, guard_files, guards_are_in_place, helpers_in, triggers_in
from audit.grants import APPEND_ONLY, REFUSED, apply_grants
from audit.services import record
from memory.models import Memory, MemoryStore, MemoryVersion, Proposal
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


ATTACKS = {"UPDATE": "UPDATE {t} SET {c} = {c}", "DELETE": "DELETE FROM {t}", "TRUNCATE": "TRUNCATE {t} CASCADE"}
KEYS = {
    "audit_entry": "seq",
    "agent_sessions_event": "seq",
    "audit_checkpoint": "size",
    "audit_signingkey": "key_id",
    "audit_salt": "entry_id",
}


@pytest.mark.parametrize(("table", "right"), [(table, right) for table in REFUSED for right in REFUSED[table]])
def test_the_application_can_only_append(history, table, right):
    column = KEYS.get(table, "id")
    with pytest.raises(DatabaseError, match="permission denied"):
        run(ATTACKS[right].format(t=table, c=column))


@pytest.mark.parametrize(
    "attack",
    [
        "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
        "DROP TRIGGER audit_entry_append_only_v1 ON audit_entry",
        "DROP TRIGGER memoryversion_needs_decision_v2 ON memory_memoryversion",
        "SET session_replication_role = replica",
        "ALTER TABLE audit_entry RENAME TO gone",
        "CREATE OR REPLACE FUNCTION daylight_append_only_v1() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$",
    ],
)
def test_the_application_cannot_take_the_guards_away(attack):
    with pytest.raises(DatabaseError, match=r"permission denied|must be owner"):
        run(attack)


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("attack", ATTACKS.values())
def test_even_the_owner_meets_the_triggers(history, as_owner, table, attack):
    column = KEYS.get(table, "id")
    with pytest.raises(DatabaseError, match="only ever appended to"):
        run(attack.format(t=table, c=column))


def commit(*writes: Callable[[], object]) -> None:
    """Write, and check what a commit would check; what is refused is rolled back."""
    with transaction.atomic():
        for write in writes:
            write()
        run("SET CONSTRAINTS ALL IMMEDIATE")


@dataclass
class Forged:
    """An update by hand of the memory in `history`, right but for what a test makes wrong."""

    version: MemoryVersion
    proposal: Proposal
    decision: Decision
    entry: dict[str, object]

    def write(self) -> None:
        version, decision = self.version, self.decision
        MemoryStore.objects.filter(pk=version.store_id).update(revision=version.revision)
        version.save()
        Memory.objects.filter(pk=version.memory_id).update(path=version.path, head=version)
        Proposal.objects.filter(pk=self.proposal.pk).update(status="approved")
        decision.version = version
        decision.save()
        if self.entry:
            about = {"data": {"version": version.pk}, "words": {"sha256": version.sha256}}
            record(actor=Actor.system("test"), subject=f"memory:{version.memory_id}", **about, **self.entry)


@pytest.fixture
def forged(history, rita):
    proposal = make_proposal(
        history.store, operation="update", path=history.path, base_version=history, content="What was proposed."
    )
    decision = Decision(
        proposal=proposal,
        verdict="approve",
        decider_kind="user",
        decider=rita,
        decider_name="rita",
        digest=proposal.digest,
        path=proposal.path,
        content_sha256=sha256_hex(proposal.content),
        act=uuid4(),
    )
    version = MemoryVersion(
        memory=history.memory,
        store=history.store,
        revision=2,
        operation="modified",
        path=proposal.path,
        content=proposal.content,
        sha256=sha256_hex(proposal.content),
    )
    return Forged(version, proposal, decision, {"action": "memory.version.published", "act": decision.act})


def say(forged: Forged, content: str) -> None:
    forged.version.content = content
    forged.version.sha256 = forged.decision.content_sha256 = sha256_hex(content)


def move(forged: Forged, path: str) -> None:
    forged.version.path = forged.decision.path = path


def onto_another_memory(forged: Forged) -> None:
    """The path is one that a reviewer could choose; only the memory is another one."""
    move(forged, "/elsewhere.md")
    forged.decision.verdict = "approve_with_edits"
    forged.version.memory = Memory.objects.create(store=forged.version.store, path=forged.version.path)


def over_another_base(forged: Forged) -> None:
    """The proposal is about another memory's version."""
    create = make_proposal(forged.version.store, path="/other.md", content=forged.version.content)
    forged.proposal = forged.decision.proposal = create
    forged.decision.digest = create.digest


def on_an_older_entry(forged: Forged) -> None:
    """The act is on the record, but it is that of another version."""
    forged.decision.act, forged.entry = Decision.objects.get().act, {}


def test_what_the_forgeries_are_varied_from_can_be_committed(forged):
    commit(forged.write)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda forged: setattr(forged.decision, "digest", "2" * 64),
        lambda forged: setattr(forged.decision, "content_sha256", "2" * 64),
        lambda forged: setattr(forged.decision, "path", "/elsewhere.md"),
        lambda forged: setattr(forged.version, "operation", "deleted"),
        lambda forged: say(forged, "What nobody proposed."),
        lambda forged: say(forged, ""),
        lambda forged: move(forged, "/elsewhere.md"),
        lambda forged: setattr(forged, "entry", {}),
        lambda forged: setattr(forged, "entry", {**forged.entry, "act": uuid4()}),
        lambda forged: setattr(forged, "entry", {**forged.entry, "action": "decision.made"}),
        on_an_older_entry,
        onto_another_memory,
        over_another_base,
    ],
)
def test_a_version_needs_a_decision_on_its_bytes_path_and_base_that_is_on_the_record(forged, wrong):
    wrong(forged)
    with pytest.raises(DatabaseError, match="has no decision"):
        commit(forged.write)


def test_a_version_without_any_decision_cannot_be_committed(forged):
    def slip_in() -> None:
        MemoryStore.objects.filter(pk=forged.version.store_id).update(revision=2)
        forged.version.save()

    with pytest.raises(DatabaseError, match="has no decision"):
        commit(slip_in)


def test_a_temporary_table_cannot_stand_in_for_the_decisions(forged):
    """PostgreSQL looks among temporary tables first, unless a function says otherwise. The application makes none."""
    columns = "(LIKE public.reviews_decision INCLUDING DEFAULTS INCLUDING IDENTITY)"
    make = f"CREATE TEMPORARY TABLE reviews_decision {columns}"
    with pytest.raises(DatabaseError, match="permission denied to create temporary tables"):
        run(make)

    def stand_in() -> None:
        run(f"RESET ROLE; {make}; GRANT ALL ON pg_temp.reviews_decision TO daylight_app; SET ROLE daylight_app")
        forged.write()

    with pytest.raises(DatabaseError, match="has no decision"):
        commit(stand_in)


def test_a_version_matches_its_hash(forged):
    forged.version.sha256 = forged.decision.content_sha256 = "2" * 64
    with pytest.raises(DatabaseError, match="does not match its hash"):
        commit(forged.write)


@pytest.mark.parametrize("revision", [0, 3, 99])
def test_a_version_is_written_at_the_revision_its_store_has_reached(forged, revision):
    MemoryStore.objects.filter(pk=forged.version.store_id).update(revision=2)
    forged.version.revision = revision
    with pytest.raises(DatabaseError, match="is not the next one"):
        commit(forged.version.save)


def test_a_decided_version_that_agents_are_not_given_cannot_be_committed(forged, history):
    def hold_back() -> None:
        forged.write()
        Memory.objects.filter(pk=history.memory_id).update(head=history)

    with pytest.raises(DatabaseError, match="does not show its newest version"):
        commit(hold_back)


# What must not be rewritten, and what may be.
FREE = {"status", "status_reason", "decided_at"}
OTHER = {
    "store_id": "store_id + 1",
    "base_version_id": "1",
    "support": """'{"sessions": 900, "agents": 3}'""",
    "risk": "'{link}'",
    "benefit": "benefit + 1",
    "created_at": "now() + interval '1 day'",
    "id": "id + 1000",
    "operation": "'delete'",
    "kind": "'upkeep'",
    "source": "'person'",
}


@pytest.mark.parametrize("column", [f.column for f in Proposal._meta.concrete_fields if f.column not in FREE])
def test_what_a_reviewer_saw_cannot_be_rewritten(column):
    proposal = make_proposal(make_store())
    with pytest.raises(DatabaseError, match="is frozen"):
        run(f"UPDATE memory_proposal SET {column} = {OTHER.get(column, repr('other'))} WHERE id = {proposal.pk}")


def test_not_even_the_way_a_number_is_written():
    proposal = make_proposal(make_store(), support={"sessions": 12})
    with pytest.raises(DatabaseError, match="is frozen"):
        run(f"""UPDATE memory_proposal SET support = '{{"sessions": 12.0}}' WHERE id = {proposal.pk}""")


def test_a_decided_proposal_cannot_be_opened_again(rita):
    proposal = make_proposal(make_store())
    approve(proposal, rita)
    with pytest.raises(DatabaseError, match="is decided and stays so"):
        run(f"UPDATE memory_proposal SET status = 'open' WHERE id = {proposal.pk}")


def complaints() -> list[str]:
    return [error.msg for error in guards_are_in_place(databases=["default"])]


def sql_of_guards() -> str:
    return "".join(file.read_text() for file in guard_files("default"))


def test_nothing_is_disarmed():
    assert complaints() == []
    assert (len(triggers_in(sql_of_guards())), len(functions_in(sql_of_guards()))) == (48, 23)


@contextmanager
def disarmed(*statements: str) -> Iterator[None]:
    """As the owner, for as long as the block lasts; the application looks."""
    with transaction.atomic():
        for statement in ("RESET ROLE", *statements, "SET ROLE daylight_app"):
            run(statement)
        yield
        transaction.set_rollback(True)
    run("SET ROLE daylight_app")


def test_a_missing_trigger_is_a_failing_system_check(db):
    for table, trigger in triggers_in(sql_of_guards()):
        with disarmed(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}"):
            assert complaints() == [f"trigger {trigger} on {table} is missing or disabled"]


def test_a_trigger_that_does_something_else_is_a_failing_system_check(db):
    for table, trigger in triggers_in(sql_of_guards()):
        body = f"BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()"
        with disarmed(f"DROP TRIGGER {trigger} ON {table}", f"CREATE TRIGGER {trigger} {body}"):
            assert any(trigger in complaint and "is not the one of" in complaint for complaint in complaints())


def test_a_function_that_lets_everything_pass_is_a_failing_system_check(db):
    for function, (body, path) in functions_in(sql_of_guards()).items():
        setting = f"SET search_path = {path}" if path else ""
        make = f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql {setting} AS $$"
        with disarmed(f"{make}BEGIN RETURN NEW; END$$"):
            assert [function in complaint for complaint in complaints()] == [True]
        with disarmed(f"{make}{body}$$", f"ALTER FUNCTION {function}() SET search_path = pg_temp, public"):
            assert [function in complaint for complaint in complaints()] == [True]


def test_a_door_or_helper_that_does_something_else_is_a_failing_system_check(db):
    helpers = helpers_in(sql_of_guards())
    assert {name for name, (*_, definer) in helpers.items() if definer} == {"daylight_erase_v1", "daylight_erase_v2"}
    signatures = {
        "daylight_erase_v1": "(bigint)",
        "daylight_struck_v1": "(text, bigint, boolean)",
        "daylight_is_named_v1": "(text, bigint, boolean)",
    }
    for name, arguments in signatures.items():
        with disarmed(f"ALTER FUNCTION {name}{arguments} SET search_path = pg_temp, public"):
            assert [name in complaint for complaint in complaints()] == [True]
    with disarmed("ALTER FUNCTION daylight_struck_v1(text, bigint, boolean) SECURITY DEFINER"):
        assert ["daylight_struck_v1" in complaint for complaint in complaints()] == [True]


def test_nobody_but_the_application_may_open_the_door(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT proacl::text FROM pg_proc WHERE proname = 'daylight_erase_v1'")
        (rights,) = cursor.fetchone()
    assert "daylight_app=X/" in rights
    assert "{=X/" not in rights
    assert ",=X/" not in rights


@pytest.mark.parametrize(("table", "right"), [(table, right) for table in REFUSED for right in REFUSED[table]])
@pytest.mark.parametrize("role", ["daylight_app", "PUBLIC"])
def test_a_right_given_back_is_a_failing_system_check(db, table, right, role):
    with disarmed(f"GRANT {right} ON {table} TO {role}"):
        found = [f"the role daylight_app may {right} {table}, which it must not"]
        if role == "PUBLIC":
            found.append(f"the role daylight_auditor may {right} {table}, which it must not")
        assert complaints() == found


def test_a_right_on_one_column_is_one_too(db):
    with disarmed("GRANT UPDATE (content) ON memory_memoryversion TO daylight_app"):
        assert complaints() == ["the role daylight_app may UPDATE memory_memoryversion, which it must not"]


def test_migrate_is_not_kept_from_taking_a_right_back(as_owner):
    with transaction.atomic():
        run("GRANT UPDATE ON agent_sessions_event TO daylight_app")
        assert complaints() == []
        apply_grants()
        run("SET ROLE daylight_app")
        with pytest.raises(DatabaseError, match="permission denied"):
            run("UPDATE agent_sessions_event SET seq = seq")
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


def test_nothing_is_published_in_an_archived_store_and_it_stays_archived(rita):
    store = make_store("claims")
    version = make_live_memory(store, rita)
    MemoryStore.objects.filter(pk=store.pk).update(archived_at="2026-03-03T00:00:00Z", revision=2)

    with pytest.raises(DatabaseError, match="is archived: nothing is published"), transaction.atomic():
        MemoryVersion.objects.create(
            memory=version.memory, store=store, revision=2, operation="modified", path=version.path, content="x",
            sha256=sha256_hex("x"),
        )  # fmt: skip
    with pytest.raises(DatabaseError, match="stays so"), transaction.atomic():
        MemoryStore.objects.filter(pk=store.pk).update(archived_at=None)
