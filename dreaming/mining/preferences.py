"""What users ask for again and again, in whatever words: which groups of remarks are told, and how.

Whether a word is asked for or refused is read from the words before it and never enters the likeness.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from statistics import median

from dreaming.mining.asides import asks
from dreaming.mining.camps import are_opposed, camps_of, dissent, rivals_among
from dreaming.mining.evidence import diverse, risk_of
from dreaming.mining.frames import put_plainly
from dreaming.mining.hostile import objection_to
from dreaming.mining.likeness import stem, stems_of, written
from dreaming.mining.notice import asks_for_notice
from dreaming.mining.numerals import with_named_numbers
from dreaming.mining.parts import halves_of, parts_of
from dreaming.mining.templates import masked
from dreaming.mining.values import (
    Discarded,
    EvidenceRef,
    Finding,
    Preference,
    RemarkSeen,
    Stance,
    Support,
    Thresholds,
)
from dreaming.mining.window import EVERY_TOOL, Window
from dreaming.mining.wishes import (
    SEEDS,
    STRONG,
    Text,
    Wish,
    asker_of,
    sides_of,
    texts_of,
    wishes_of,
)

_SAME_ACT = 0.2
_ONE_ACT = 0.4
_COHERENT = 0.1
_COHERENT_ACT = 0.06
_CLEARLY = 0.2
_MOSTLY = 0.5
_STRONG_SHARE = 0.2
_SOME = 3
_TELLS = 2
_FEW = 2
_NUMBERED = re.compile(r"[\w:./-]*\d[\w:./-]*\w|\d")
_DIGITS = re.compile(r"\d+")
_RARE = 0.02
_ENOUGH = 12
_CROWD = 5
_WORDINGS = 8
_OFTEN = 0.2
_ONE_TASK = 0.3
_TIGHT = 0.6
_CLOSE = 0.4
_LOOSE = 0.3
_COVERED = 0.8
_NO_ACT = 0.1
_OWN = 0.7
_ALL_OWN = 0.85
_ALONE = 0.4
_SOME_SHARE = 0.3
# What people say who only want something done over, in any trade.
_VAGUE = frozenset(
    map(stem, "another attempt bad better check fine fix good happy improve look redo retry round try way".split())  # noqa: SIM905
)


def find_preferences(window: Window, limits: Thresholds, least: int) -> tuple[list[Finding], list[Discarded]]:
    """Return what enough users ask for, and what was left out with the reason."""
    wishes = [part for wish in wishes_of(texts_of(window)) for part in _apart(wish, window)]
    found: list[Finding] = []
    left: list[Discarded] = []
    rivals = rivals_among(wishes, window, least)
    for wish in wishes:
        reason = _objection(wish, window, limits, least)
        if not reason and id(wish) in rivals:
            reason = "contested: other users ask for something else in the same matter"
        words = _clearest(wish, window)
        if not reason and words is None:
            reason = "hostile: every wording holds an instruction, a secret or personal data"
        if reason:
            if len(wish.said) >= 3:
                left.append(_discard(reason, wish, words, window))
        elif words is not None:
            found.append(_finding(wish, words, window, limits))
    found.sort(key=lambda item: (-item.benefit, item.claim_key))
    return found, left


def _apart(wish: Wish, window: Window) -> list[Wish]:
    """Part a group by the things that it names where a contest lies within one of them, not between them: one that nobody
    saw in the whole only where each remark names one.
    """
    parts = parts_of(wish, _COVERED if camps_of(wish, window) else 1.0)
    for found in (parts, halves_of(wish)):
        contested = [bool(camps_of(part, window)) for part in found]
        if any(contested) and not all(contested) and (found is parts or not are_opposed(*found)):
            return found
    return [wish]


def _keys(wish: Wish) -> tuple[tuple[str, int], ...]:
    return tuple((key, -1 if len(two) > len(one) else 1) for key, (one, two) in sides_of(wish).items())


def _matter(wish: Wish) -> tuple[str, ...]:
    return written((text.words for text in wish.texts), wish.keys)


def _done(wish: Wish) -> tuple[str, ...]:
    """Return the word stems that the acts hold again and again that the remarks answer."""
    acts = {remark.about for text in wish.texts for _, remark in text.said if remark.about}
    held = Counter(stem for act in acts for stem in {stem for stem, sign in stems_of(act) if sign > 0})
    return tuple(sorted(stem for stem, count in held.items() if count >= max(_FEW, _OFTEN * len(acts))))


def _others(wish: Wish, words: str) -> tuple[str, ...]:
    """Return other wordings of a wish, those that most use first."""
    ranked = sorted(wish.texts, key=lambda text: (-len(text.said), len(text.words), text.words))
    return tuple(text.words for text in ranked if words not in text.words)[:_WORDINGS]


def _objection(wish: Wish, window: Window, limits: Thresholds, least: int) -> str:
    sessions = sorted(wish.said)
    people = Counter(asker_of(at, window) for at in sessions)
    least = max(least, int(min(_RARE * len(window.digests), _ENOUGH)))
    strong = sum(any(remark.kind in STRONG for remark, _ in wish.said[at]) for at in sessions)
    if len(sessions) < least:
        return f"below support: {len(sessions)} of the {least} sessions asked for"
    answers = sum(any(remark.kind != "aside" for remark, _ in wish.said[at]) for at in sessions)
    tight = wish.likeness >= _TIGHT
    replies = sum(any(_answers(remark) for remark, _ in wish.said[at]) for at in sessions)
    if replies < (max(_SOME, _SOME_SHARE * len(sessions)) if tight else _MOSTLY * len(sessions)):
        return "most of the remarks are said in passing"
    if strong < max(_FEW, _STRONG_SHARE * answers) and not _is_crowd(wish, people, window, least):
        return "objections of the moment: few say that they hold beyond their task"
    if len(people) < limits.min_principals:
        return f"asked for by {len(people)} of the {limits.min_principals} principals asked for"
    if max(people.values()) > 0.6 * len(sessions):
        return "mostly one principal asks for it"
    if not wish.keys or wish.likeness < (_COHERENT if wish.one_act < _SAME_ACT else _COHERENT_ACT):
        return "no common matter: the remarks share no word and no meaning"
    shares_little = wish.own < _OWN or (len(wish.keys) < _FEW and wish.own < _ALL_OWN)
    if wish.likeness < _LOOSE and wish.one_act < _NO_ACT and shares_little and wish.alone > _ALONE:
        return "no common matter: the remarks share only words that are said of other things too"
    often = max(wish.texts, key=lambda text: (len(text.said), text.words))
    if len(often.said) >= _MOSTLY * sum(len(text.said) for text in wish.texts) and not asks(often.words):
        return "most of the remarks ask for nothing: one phrase, said again and again"
    asking = sum(_asks(text) for text in wish.texts)
    if wish.likeness >= _CLOSE and strong >= _MOSTLY * len(sessions) and asking >= _STRONG_SHARE * len(wish.texts):
        asking = sum(_asks(text) or (text.corrects and not text.placeholders) for text in wish.texts)
    if asking < _MOSTLY * len(wish.texts) and (wish.one_act < _ONE_ACT or wish.likeness < _CLEARLY):
        return "most of the remarks ask for nothing"
    told = [text.signs.keys() for text in wish.texts for _ in text.said]
    if median(map(len, told)) < _TELLS or not median(len(stems - _VAGUE) for stems in told):
        return "says too little: what it points at is known in its session alone"
    filled = len(_with_data(wish, window))
    if filled > 0.6 * len(wish.texts) and len(wish.keys) < 3:
        return "corrects the data of single tasks"
    if camps := camps_of(wish, window):
        return f"contested: {camps[0]} principals ask for it, {camps[1]} for the opposite"
    return ""


def _answers(remark: RemarkSeen) -> bool:
    """Whether a remark is about what agents do: who asks for notice speaks of that, whatever was said before."""
    return remark.kind != "aside" or asks_for_notice(remark.quote.text)


def _asks(text: Text) -> bool:
    return asks_for_notice(text.words) or (asks(text.words) and any(text.signs.values()))


def _with_data(wish: Wish, window: Window) -> list[Text]:
    """Return the wordings with an amount, a date or an id that hardly anybody else names, and none that many do: data
    of their task.
    """
    known = _known_numbers(wish, window)
    return [
        text
        for text in wish.texts
        if text.placeholders and (numbers := set(_DIGITS.findall(text.words))) and not numbers & known
    ]


def _known_numbers(wish: Wish, window: Window) -> set[str]:
    """Return the numbers that several principals name: part of the wish, not of a task."""
    named: dict[str, set[str]] = defaultdict(set)
    for text in wish.texts:
        for number in set(_DIGITS.findall(text.words)):
            named[number] |= {asker_of(at, window) for at, _ in text.said}
    return {number for number, people in named.items() if len(people) >= _SOME}


def _is_crowd(wish: Wish, people: Counter[str], window: Window, least: int) -> bool:
    """Whether so many object to the same on so many tasks that it cannot be about one task's matter."""
    objected = [at for at in wish.said if any(remark.kind in SEEDS for remark, _ in wish.said[at])]
    tasks = Counter(window.digests[at].task_id for at in objected if window.digests[at].task_id)
    spread = not tasks or max(tasks.values()) <= _ONE_TASK * len(objected)
    many = max(2 * least, _STRONG_SHARE * len(wish.said))
    return len(objected) >= many and len(people) >= _CROWD and spread and len(wish.keys) > 1


def _clearest(wish: Wish, window: Window) -> str | None:
    """Return the sentence that holds most of the keys in the fewest words, of those that may be repeated."""
    known = sorted({window.digests[at].principal for at in wish.said} - {""})
    best: tuple[float, int, str] | None = None
    numbers = _known_numbers(wish, window)
    signs = {key: len(one) >= len(two) for key, (one, two) in sides_of(wish).items()}
    for text in wish.texts:
        for words in _sentences(text.words):
            general = _NUMBERED.sub(lambda found: "" if set(_DIGITS.findall(found[0])) <= numbers else found[0], words)
            if masked(general) != general or any(objection_to(remark.quote.text, known) for _, remark in text.said):
                continue
            own = dict(stems_of(put_plainly(with_named_numbers(words, numbers))))
            held = sum(own.get(key, 0) == (1 if wanted else -1) for key, wanted in signs.items())
            rank = (-float(held), abs(len(own) - 5), words)
            if held and 8 <= len(words) <= 200 and (best is None or rank < best):
                best = rank
    return best[2] if best else None


def _sentences(text: str) -> list[str]:
    parts = [part.strip() for part in re.split(r"(?<=[.!?])\s+|\n+", text) if part.strip()]
    return [*parts, " ".join(text.split())]


def _finding(wish: Wish, words: str, window: Window, limits: Thresholds) -> Finding:
    kinds = Counter(remark.kind for remarks in wish.said.values() for remark, _ in remarks)
    signs = sides_of(wish)
    negative = bool(wish.keys) and len(signs[wish.keys[0]][1]) > len(signs[wish.keys[0]][0])
    claim = "\x1f".join(["preference", "not" if negative else "", *sorted(wish.keys[:3])])
    support = _support(wish, window)
    return Finding(
        kind="preference",
        claim_key=f"preference:{hashlib.sha256(claim.encode()).hexdigest()[:16]}",
        title=f"Users ask: {words}",
        tool="",
        template=words,
        message=words,
        warning=False,
        support=support,
        recovered=0,
        transient=0,
        remedy=None,
        causes=(),
        benefit=0.25 * support.principals + 0.05 * support.sessions,
        evidence=_evidence(wish, window, limits.max_evidence),
        lesson=Preference(words, _keys(wish), negative, tuple(sorted(kinds.items())), _matter(wish), _done(wish)),
        variants=_others(wish, words),
    )


def _evidence(wish: Wish, window: Window, cap: int) -> tuple[EvidenceRef, ...]:
    """Quotes from as many principals as can be; those who ask for the opposite speak against it."""
    against = dissent(wish)
    found: list[EvidenceRef] = []
    seen: Counter[str] = Counter()
    for at in diverse(wish.said, window, lambda at: risk_of(window.digests[at], [wish.said[at][0][0].quote])):
        who, digest = asker_of(at, window), window.digests[at]
        remark = wish.said[at][0][0]
        stance: Stance = "contradicts" if at in against else "supports"
        if seen[who] < 2 and len(found) < cap:
            seen[who] += 1
            quote = remark.quote
            found.append(EvidenceRef(digest.ref, digest.external_id, digest.agent, quote.seq, quote.text, stance))
    return tuple(found)


def _support(wish: Wish, window: Window) -> Support:
    members = [window.digests[at] for at in wish.said]
    return Support(
        sessions=len(members),
        agents=len({digest.agent for digest in members}),
        principals=len({digest.principal for digest in members if digest.principal}),
        tasks=len({digest.task_id for digest in members if digest.task_id}),
        occurrences=sum(len(remarks) for remarks in wish.said.values()),
        eligible=len(window.digests),
        met_success=0,
        met_total=0,
        other_success=0,
        other_total=0,
        p_value=1.0,
        p_adjusted=1.0,
        p_pooled=1.0,
        effect=0.0,
        effect_low=-1.0,
        effect_high=1.0,
        within_task=False,
        weeks=window.by_week(wish.said, window.callers(EVERY_TOOL)),
    )


def _discard(reason: str, wish: Wish, words: str | None, window: Window) -> Discarded:
    title = f"Users ask: {words}" if words else f"Users speak of: {', '.join(wish.keys) or 'many things'}"
    claim = "\x1f".join(["preference", *sorted(wish.keys[:3])])
    key = f"preference:{hashlib.sha256(claim.encode()).hexdigest()[:16]}"
    return Discarded(reason, title, key, "", "", _support(wish, window))
