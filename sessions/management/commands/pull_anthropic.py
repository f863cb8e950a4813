"""`manage.py pull_anthropic --agent SLUG`: sessions of Managed Agents at Anthropic, into those of an agent here."""

import json
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from audit.actors import Actor
from sessions.foreign import time_of
from sessions.models import Agent
from sessions.pulling import PullFailed, PullReport, follow, has_key, pull


class Command(BaseCommand):
    help = "Pull the sessions of Managed Agents at Anthropic that are over. Run it again to go on where it was."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--agent", required=True, help="the agent here whose sessions they become")
        parser.add_argument("--remote-agent", default="", metavar="ID", help="of this agent there alone (agent_…)")
        parser.add_argument("--since", metavar="DATE", help="go back to sessions created since then")
        following = parser.add_mutually_exclusive_group()
        following.add_argument("--follow", action="store_true", default=None, help="from now on, every hour")
        following.add_argument("--unfollow", action="store_false", dest="follow", help="no longer every hour")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")

    def handle(
        self, *, agent: str, remote_agent: str, since: str | None, follow: bool | None, as_json: bool, **_: Any
    ) -> None:
        actor = Actor.system("command line")
        found = Agent.objects.filter(slug=agent).first()
        if found is None:
            raise CommandError(f"There is no agent {agent[:100]}: create it on the Agents page first.")
        began = _time(since)
        source = _source(found, remote_agent, follow, actor)
        if follow is False:
            self.stdout.write(f"{agent} is no longer pulled every hour.")
            return
        if not has_key():
            raise CommandError("Set ANTHROPIC_API_KEY (or ANTHROPIC_API_KEY_FILE) to pull from Anthropic.")
        try:
            report = pull(source=source, actor=actor, now=timezone.now(), since=began)
        except PullFailed as error:
            raise CommandError(str(error)) from error
        self._print(report, as_json)

    def _print(self, report: PullReport, as_json: bool) -> None:
        if as_json:
            numbers = {
                name: getattr(report, name) for name in ("looked_at", "sessions", "events", "waiting", "problems")
            }
            self.stdout.write(json.dumps(numbers, ensure_ascii=False))
            return
        self.stdout.write(
            f"{report.sessions:,} sessions with {report.events:,} events;"
            f" looked at {report.looked_at:,}, of which {report.waiting:,} are not over."
        )
        for problem in report.problems:
            self.stderr.write(self.style.WARNING(problem))


def _source(agent: Agent, remote_agent: str, is_followed: bool | None, actor: Actor) -> Any:
    return follow(agent=agent, remote_agent=remote_agent, is_followed=is_followed, by=actor)


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    if (time := time_of(text)) is None:
        raise CommandError(f"--since {text}: write a date such as 2026-03-01, or 2026-03-01T09:30:00Z.")
    return time
