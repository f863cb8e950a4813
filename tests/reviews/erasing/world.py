"""A text in every place that keeps one, and ways to take it out."""

import json
import os
import subprocess
from datetime import timedelta
from uuid import uuid4

from django.db import connection, transaction
from django.utils import timezone

from audit.actors import Actor
from audit.models import ErasedRow, Erasure
from dreaming import postgres
from dreaming.digests import digest_sessions
from dreaming.mirror_models import Mirror, MirroredMemory
from dreaming.models import Dream, Finding, ModelAnswer, SessionNotes
from memory.models import MemoryVersion, PolicyChange
from memory.services import QuoteDraft
from memory.stopping import stop_store
from memory.store_settings import describe_store
from reviews.commenting import comment
from reviews.erasing import erase, preview
from reviews.models import HeldBallot
from sessions.indexing import index_sessions
from sessions.models import Session
from sessions.streaming import append, open_session
from tests.factories import approve, make_live_memory, make_proposal, make_session

SECRET = 'Jane "Zorblatt" Röe'


HEAD = {"schema": 1, "id": "still-running", "agent": "teller", "started_at": "2026-03-01T09:00:00Z"}


SAID = json.dumps({"seq": 0, "type": "message", "role": "user", "text": f"I am {SECRET}."}).encode()


def run(sql: str, *values: object) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, list(values))


def erased(scope, subject, by, **changes) -> Erasure:
    run("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")  # as if what was published had been committed
    said = {"legal_basis": "gdpr_17_1_c", "reason": "She asked for it.", **changes}
    seen = said.pop("seen", None) or preview(scope=scope, subject=subject).hits.token
    return erase(scope=scope, subject=subject, seen=seen, by=by, **said)


def replace(version, by, content="Something else altogether.") -> MemoryVersion:
    update = make_proposal(
        version.store, operation="update", path=version.path, base_version=version, content=content, title="Replace it"
    )
    return approve(update, by).version


def everywhere(store, rita) -> dict:
    """The text in as many places as the pages and passes put it."""
    agent = store.agents.get()
    session = make_session(
        agent,
        [f"Customer {SECRET} called.", "Done."],
        principal=SECRET,
        task=f"Call {SECRET}",
        metadata={"who": SECRET},
    )
    quotes = [QuoteDraft(session.pk, 0, f"Customer {SECRET} called.", "supports")]
    version = make_live_memory(
        store, rita, path="/notes/jane.md", content=f"{SECRET} likes mail.", rationale=f"{SECRET} said so.",
        title=f"{SECRET} likes mail", evidence=quotes, support={"who": SECRET, "sessions": 12, "agents": 3},
    )  # fmt: skip
    waiting = make_proposal(store, session, content=f"{SECRET} likes calls.", evidence=quotes)
    comment(proposal_id=waiting.pk, author=rita, body=f"About {SECRET}.")
    HeldBallot.objects.create(
        proposal=waiting, user=rita, user_name="rita", due_at=timezone.now(),
        ballot={"verdict": "reject", "reason": f"No {SECRET}.", "digest": waiting.digest, "edit": None},
    )  # fmt: skip
    dream = Dream.objects.create(
        store=store, requested_by="test", status="completed", ended_at=timezone.now(), manifest={"quotes": [SECRET]}
    )
    Finding.objects.create(dream=dream, kind="workflow", title=SECRET, claim_key=f"k:{SECRET}", data={"who": SECRET})
    ModelAnswer.objects.create(dream=dream, about="k", prompt_hash="0", model="m", data={"said": SECRET})
    SessionNotes.objects.create(session=session, prompt_hash="0", model="m", data={"observations": [SECRET]})
    digest_sessions([session.pk])
    index_sessions([session.pk])
    _in_later_places(store, session, waiting, rita)
    stop_store(store_id=store.pk, actor=Actor.user(rita), reason=f"{SECRET} complained.")
    return {"session": session, "version": version, "waiting": waiting, "dream": dream}


def _in_later_places(store, session, waiting, rita) -> None:
    describe_store(store_id=store.pk, actor=Actor.user(rita), description=f"For {SECRET}.", metadata={"who": SECRET})
    PolicyChange.objects.create(
        store=store, before={}, after={}, looser=[], proposed_by="1", proposed_by_name="adam", state="refused",
        answered_by="2", answered_by_name="alma", note=f"Not for {SECRET}.",
    )  # fmt: skip
    mirror = Mirror.objects.create(store=store, remote_store="memstore_1", error=f"Refused: {SECRET}")
    MirroredMemory.objects.create(mirror=mirror, path=f"/{SECRET}.md", note=f"It says {SECRET}.")
    running, _ = open_session(agent=session.agent, head={**HEAD, "principal": SECRET})
    append(agent=session.agent, external_id=running.external_id, lines=[SAID])


def dump() -> str:
    """The whole database as pg_dump writes it."""
    connection.ensure_connection()
    at = connection.connection.info
    where = ["-h", at.host, "-p", str(at.port), "-U", at.user, "-d", at.dbname]
    environment = {**os.environ, "PGPASSWORD": at.password or ""}
    command = [str(postgres._programs() / "pg_dump"), *where]
    return subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout


def spelled(text: str) -> list[str]:
    return [text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], "Zorblatt", "zorblatt"]


@transaction.atomic
def through_the_door(kind: str, row_id: int) -> None:
    erasure = Erasure.objects.create(
        scope="text", by_id="1", by_name="adam", legal_basis="other", reason="Because.", act=uuid4()
    )
    ErasedRow.objects.create(erasure=erasure, kind=kind, row_id=row_id)
    run("SELECT daylight_erase_v2(%s)", erasure.pk)


def grow_old(session, days) -> Session:
    Session.objects.filter(pk=session.pk).update(received_at=timezone.now() - timedelta(days=days))
    session.refresh_from_db()
    return session
