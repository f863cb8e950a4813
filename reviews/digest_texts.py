"""What the daily digest says, as a mail and as JSON that Slack understands. Of what agents wrote, titles alone, inert."""

import re
from dataclasses import dataclass
from typing import Any

from reviews.visible import segments

TITLE_LIMIT = 140
_BEFORE_A_NAME = re.compile(r"(?<=\w)\.(?=[^\W\d]{2})")


@dataclass(frozen=True, slots=True)
class Line:
    """One proposal that waits."""

    public_id: str
    url: str
    days: int
    flagged: bool
    title: str

    @property
    def facts(self) -> str:
        return f"{_counted(self.days, 'day')}{', flagged' if self.flagged else ''}"


@dataclass(frozen=True, slots=True)
class StoreDigest:
    """What waits in a store, and what its people should know."""

    store: str
    url: str
    waiting: int
    flagged: int
    late: int
    target_hours: int
    expiring: int
    second_looks: int
    published_alone: int
    alone_overdue: int
    stopped: bool
    gated: tuple[str, ...]
    longest: tuple[Line, ...]

    def __bool__(self) -> bool:
        return bool(self.waiting or self.second_looks or self.gated or self.published_alone)

    @property
    def headline(self) -> str:
        return f"{_counted(self.waiting, 'proposal')} {'waits' if self.waiting == 1 else 'wait'} in {self.store}"

    @property
    def facts(self) -> list[str]:
        """One sentence each, the loudest first. All of it is our own text."""
        told = [
            (self.gated, f"Put back to gated, because too much was reversed: {', '.join(self.gated)}."),
            (
                self.published_alone,
                f"{self.published_alone} published by one person where two are asked: somebody else looks again"
                f"{f', {self.alone_overdue} overdue' if self.alone_overdue else ''}.",
            ),
            (self.stopped, "Publishing is stopped."),
            (self.flagged, f"{self.flagged} flagged, {self.waiting - self.flagged} not."),
            (self.late, f"{self.late} longer than the target of {self.target_hours} hours."),
            (self.expiring, f"{self.expiring} will expire within 7 days, not applied."),
            (self.second_looks, f"{_counted(self.second_looks, 'second look')} at what the policy let through."),
        ]
        return [sentence for holds, sentence in told if holds]


def inert(title: str) -> str:
    """A title in one short line that no reader turns into a link, a mention or something invisible."""
    shown = "".join(f"[{part.label}]" if part.label else part.text for part in segments(title))
    line = " ".join(shown.split())
    line = line if len(line) <= TITLE_LIMIT else f"{line[:TITLE_LIMIT]}…"
    return _BEFORE_A_NAME.sub("[.]", line.replace("://", "[:]//"))


def as_mail(digest: StoreDigest, assigned: int = 0) -> tuple[str, str]:
    """Subject and text; `assigned` is how many are the recipient's own turn."""
    mine = [f"{assigned} of them {'is' if assigned == 1 else 'are'} assigned to you."] if assigned else []
    lines = [f"{digest.headline}.", *mine, *digest.facts, "", f"Decide: {digest.url}"]
    if digest.longest:
        lines += ["", "Waiting longest:"]
    for line in digest.longest:
        lines += ["", f"{line.public_id}, {line.facts}", inert(line.title), line.url]
    return f"Daylight: {digest.headline}", "\n".join(lines) + "\n"


def as_slack(digest: StoreDigest) -> dict[str, Any]:
    """A message of blocks. Titles go in as plain text, where Slack reads neither marks nor mentions."""
    facts = "\n".join([*digest.facts, f"<{digest.url}|Open the desk>"])
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": _plain(digest.headline)},
        {"type": "section", "text": {"type": "mrkdwn", "text": facts, "verbatim": True}},
    ]
    for line in digest.longest:
        link = {"type": "mrkdwn", "text": f"<{line.url}|{line.public_id}>, {line.facts}", "verbatim": True}
        blocks.append({"type": "section", "text": link, "fields": [_plain(inert(line.title))]})
    return {"text": f"Daylight: {digest.headline}", "blocks": blocks}


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
