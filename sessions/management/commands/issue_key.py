"""`manage.py issue_key AGENT --scopes ingest,read [--label TEXT] [--expires 90d] [--json]`

Without an agent: `manage.py issue_key --scopes manage`, a key to manage memory stores.
"""

import json
import re
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from audit.actors import Actor
from sessions.models import Agent, ApiKey
from sessions.services import issue_key

LIFETIME = re.compile(r"([1-9]\d{0,3})d")
LABEL_LENGTH = 100


class Command(BaseCommand):
    help = "Issue an API key to an agent. The key is printed once and cannot be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("agent", metavar="AGENT", nargs="?", default="", help="none with the scope manage")
        parser.add_argument("--scopes", required=True, help=f"comma-separated: {', '.join(ApiKey.Scope.values)}")
        parser.add_argument("--label", default="", help="what the key is for")
        parser.add_argument("--expires", metavar="DAYS", help="such as 90d; without it the key does not expire")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")

    def handle(self, *, agent: str, scopes: str, label: str, expires: str | None, as_json: bool, **_: Any) -> None:
        if len(label) > LABEL_LENGTH:
            raise CommandError(f"--label: {len(label)} characters, and at most {LABEL_LENGTH} can be kept.")
        key, text = issue_key(
            agent=_agent(agent) if agent else None,
            scopes=_scopes(scopes, of_agent=bool(agent)),
            issued_by=Actor.system("command line"),
            label=label,
            expires_at=_expiry(expires),
        )
        if as_json:
            self.stdout.write(json.dumps(_as_dict(key, text)))
            return
        until = f" until {key.expires_at:%Y-%m-%d %H:%M} UTC" if key.expires_at else ""
        self.stdout.write(
            f"{agent or 'Whoever has it'} may {' and '.join(key.scopes)}{until}. The key, shown once:\n{text}"
        )


def _agent(slug: str) -> Agent:
    agent = Agent.objects.filter(slug=slug).first()
    if agent is None:
        raise CommandError(
            f"There is no agent {slug}. Agents are created when their first session is imported"
            " (manage.py import_sessions), or by an admin under Agents in the browser."
        )
    return agent


def _scopes(text: str, *, of_agent: bool) -> list[str]:
    scopes = [scope.strip() for scope in text.split(",") if scope.strip()]
    known = [scope for scope, _ in ApiKey.AGENT_SCOPES] if of_agent else [ApiKey.Scope.MANAGE.value]
    valid = f"{', '.join(known)} {'with' if of_agent else 'without'} an agent"
    if not scopes:
        raise CommandError(f"--scopes is empty. Valid scopes: {valid}.")
    for scope in scopes:
        if scope not in known:
            raise CommandError(f"There is no scope {scope}. Valid scopes: {valid}.")
    return scopes


def _expiry(text: str | None) -> datetime | None:
    if text is None:
        return None
    match = LIFETIME.fullmatch(text)
    if not match:
        raise CommandError(f"--expires {text}: write a number of days such as 90d.")
    return timezone.now() + timedelta(days=int(match[1]))


def _as_dict(key: ApiKey, text: str) -> dict[str, Any]:
    return {
        "agent": key.agent.slug if key.agent else None,
        "key": text,
        "key_id": key.public_id,
        "scopes": key.scopes,
        "expires_at": key.expires_at.isoformat() if key.expires_at else None,
    }
