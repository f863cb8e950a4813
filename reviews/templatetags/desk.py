"""What the pages need to show texts, times and differences safely. Everything here escapes."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from memory.models import MemoryVersion, Proposal
from memory.scanning import EXPLANATIONS
from reviews.diffs import SAME, Piece
from reviews.texts import text_of
from reviews.visible import Segment, segments

register = template.Library()


@register.filter
def visible(text: object) -> SafeString:
    """Escaped, with each hidden character as a labelled box, and isolated so that it cannot reorder its surroundings."""
    return format_html('<bdi class="quoted">{}</bdi>', _shown(str(text or "")))


@register.filter
def marked(text: str, quote: str | re.Pattern[str] | None) -> SafeString:
    """`text` with the first `quote` in it marked, or all that a pattern finds."""
    if isinstance(quote, re.Pattern):
        return _all_marked(text, quote)
    if not quote or quote not in text:
        return visible(text)
    before, _, after = text.partition(quote)
    return format_html('<bdi class="quoted">{}<mark>{}</mark>{}</bdi>', _shown(before), _shown(quote), _shown(after))


def _all_marked(text: str, pattern: re.Pattern[str]) -> SafeString:
    parts, start = [], 0
    for match in pattern.finditer(text):
        parts.append(format_html("{}<mark>{}</mark>", _shown(text[start : match.start()]), _shown(match.group())))
        start = match.end()
    parts.append(_shown(text[start:]))
    return format_html('<bdi class="quoted">{}</bdi>', format_html_join("", "{}", ((part,) for part in parts)))


def _shown(text: str) -> SafeString:
    return format_html_join("", "{}", ((_segment(segment),) for segment in segments(text)))


def _segment(segment: Segment) -> SafeString | str:
    if not segment.label:
        return segment.text
    return format_html('<span class="hidden-char" title="{}">⟦{}⟧</span>', segment.name, segment.label)


@register.filter
def pieces(items: Iterable[Piece]) -> SafeString:
    """A word-level difference as <ins> and <del>; long unchanged stretches are folded."""
    return format_html_join("", "{}", ((_piece(item),) for item in items))


def _piece(piece: Piece) -> SafeString:
    if piece.lines:
        return format_html(
            '<details class="fold"><summary>{} unchanged lines</summary>{}</details>', piece.lines, _shown(piece.text)
        )
    if piece.op == SAME:
        return _shown(piece.text)
    tag = SafeString(piece.op)
    return format_html("<{}>{}</{}>", tag, _shown(piece.text), tag)


@register.filter
def version_text(version: MemoryVersion) -> str:
    return text_of(version)


@register.filter
def proposed_by(proposal: Proposal) -> SafeString:
    """The dream that proposed it, with a link, or else whoever did."""
    kind, _, number = proposal.source_ref.partition(":")
    if kind == "dream" and number.isdecimal() and number.isascii() and int(number):
        return format_html('<a href="/dreams/{}/">dream {}</a>', number, number)
    return visible(proposal.proposer)


@register.filter
def utc(moment: datetime | None) -> SafeString:
    """A time in UTC; desk.js adds the reader's own."""
    if moment is None:
        return SafeString("")
    at = moment.astimezone(UTC)
    return format_html('<time datetime="{}">{} UTC</time>', at.isoformat(), f"{at:%d %b %Y %H:%M}".lstrip("0"))


@register.filter
def clock(moment: datetime, detail: str = "minutes") -> SafeString:
    """The time of today alone, in UTC: `10:42 UTC`; with `seconds`, `10:42:13 UTC`."""
    at = moment.astimezone(UTC)
    shown = f"{at:%H:%M:%S}" if detail == "seconds" else f"{at:%H:%M}"
    return format_html('<time datetime="{}">{} UTC</time>', at.isoformat(), shown)


@register.filter
def age(moment: datetime) -> str:
    """How long ago in one word, such as `3 d`."""
    seconds = max(0, int((datetime.now(UTC) - moment).total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return "now"


@register.filter
def short(digest: str) -> str:
    return f"{digest[:4]}…{digest[-4:]}" if len(digest) > 8 else digest


@register.filter
def explained(flag: str) -> str:
    return EXPLANATIONS.get(flag, "Something about it was found suspicious.")


@register.filter
def spoken(name: str) -> str:
    """`replaces_human_text` as people say it."""
    return str(name).replace("_", " ")


@register.filter
def p_value(p: float) -> str:
    """A p-value as people write it."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


@register.filter
def percent(share: float) -> str:
    return f"{share * 100:.0f} %"


@register.filter
def claim(title: str, limit: int = 2_000) -> SafeString:
    """A claim with its `code` set as code. The backticks stay: nothing that was proposed is left out."""
    text = title if len(title) <= limit else f"{title[:limit]}…"
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return visible(text)
    body = format_html_join(
        "",
        "{}",
        (
            (format_html("<code><i>`</i>{}<i>`</i></code>", _shown(part)) if index % 2 else _shown(part),)
            for index, part in enumerate(parts)
        ),
    )
    return format_html('<bdi class="quoted">{}</bdi>', body)
