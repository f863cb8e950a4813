"""What users ask for again and again, in whatever words: remarks grouped by meaning, polarity compared apart.

Whether a word is asked for or refused is read from the words before it and never enters the likeness.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from statistics import median

import numpy as np
import numpy.typing as npt

from dreaming.mining.evidence import diverse, risk_of
from dreaming.mining.hostile import objection_to
from dreaming.mining.likeness import grouped, likeness, signs_of, stems_of, written
from dreaming.mining.meaning import Floats, said_and_meant
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
from dreaming.mining.window import Window

_MAX_TEXTS = 1_200
_MOST_TEXTS = 4_000
_ALIKE = 0.07
_JOINS = 0.3
_BY_OCCASION = 0.3
_SOMEWHAT = 0.03
_OCCASIONS = 5
_SAME_ACT = 0.2
_SAME_AT_ALL = 0.06
_HALF = 0.5
_MOSTLY_OWN = 0.6
_ONE_ACT = 0.4
# The acts that a wish objects to must be more alike than its wordings are opposed.
_CLEARER = 1.2
_COHERENT = 0.1
_COHERENT_ACT = 0.06
_CLEARLY = 0.2
_MOSTLY = 0.5
_NAMED_BY_MOST = 0.6
# Words by which people ask, demand and refuse, in any trade.
_ASKS = re.compile(
    r"\b(?:please|kindly|could|would|can|may|should|shall|must|need\w*|want\w*|prefer\w*|like|rather|expect\w*|always"
    r"|never|not|no|nothing|stop|instead|without|only|every|each|ask|from now on|next time|habit|rule|keep|make sure|wish"
    r"|have to|has to)\b|n['’]t\b",
    re.IGNORECASE,
)
_STRONG_SHARE = 0.25
_KEY_SHARE = 0.4
_SOME = 3
_SOME_SHARE = 0.15
_TELLS = 2
_COMPARED = 0.5
_AGAINST = 0.3
_CONTESTED = 0.33
_INVOLVED = 0.7
_MOSTLY_BOTH = 0.6
_FEW = 2
_NUMBERED = re.compile(r"[\w:./-]*\d[\w:./-]*\w|\d")
_RARE = 0.02
_ENOUGH = 12
_STRONG = frozenset({"correction", "denial", "reask"})
_SEEDS = _STRONG | {"objection"}
_CROWD = 5
_WORDINGS = 8
_OFTEN = 0.2
_ONE_TASK = 0.3


@dataclass(slots=True)
class _Text:
    """One wording with everybody who used it: session positions and their remarks."""

    words: str
    signs: dict[str, int]
    placeholders: int
    said: list[tuple[int, RemarkSeen]] = field(default_factory=list)

    @property
    def strong(self) -> bool:
        return any(remark.kind in _SEEDS for _, remark in self.said)


@dataclass(slots=True)
class _Wish:
    """One group of remarks on one matter; `likeness` is the mean of how alike two of its wordings are (-1 to 1),
    `one_act` how much more alike the acts are that they object to than those that all remarks do.
    """

    texts: list[_Text]
    keys: list[str]
    said: dict[int, list[tuple[RemarkSeen, dict[str, int]]]]
    likeness: float = 1.0
    one_act: float = 0.0


def find_preferences(window: Window, limits: Thresholds, least: int) -> tuple[list[Finding], list[Discarded]]:
    """Return what enough users ask for, and what was left out with the reason."""
    wishes = _grouped(_texts(window))
    found: list[Finding] = []
    left: list[Discarded] = []
    rivals = _rivals(wishes, window, least)
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


def _texts(window: Window) -> list[_Text]:
    made: dict[str, _Text] = {}
    for at, digest in enumerate(window.digests):
        for remark in digest.remarks:
            key = " ".join(masked(remark.quote.text).lower().split())
            if key not in made:
                made[key] = _Text(remark.quote.text, signs_of(remark.quote.text), len(re.findall(r"<[a-z]+>", key)))
            made[key].said.append((at, remark))
    return [made[key] for key in sorted(made) if made[key].signs]


def _grouped(texts: Sequence[_Text]) -> list[_Wish]:
    """Group remarks by what they say and mean; of very many the less frequent ones only join a group."""
    if len(texts) < 2:
        return [_wish(list(texts))] if texts else []
    kept = sorted(texts, key=lambda text: (not text.strong, -len(text.said), text.words))[:_MOST_TEXTS]
    shown = kept[:_MAX_TEXTS]
    matrix = said_and_meant([text.words for text in kept])
    about = said_and_meant([_occasion(text) for text in shown])
    near = likeness(matrix[: len(shown)], matrix[: len(shown)])
    occasions = likeness(about, about)
    labels = _joined(grouped(near + _BY_OCCASION * occasions * (near > _SOMEWHAT), _ALIKE), near, occasions)
    members: dict[int, list[_Text]] = defaultdict(list)
    rows: dict[int, list[int]] = defaultdict(list)
    for row, (text, label) in enumerate(zip(shown, labels, strict=True)):
        members[label].append(text)
        rows[label].append(row)
    order = sorted(members)
    middles = np.vstack([np.asarray(matrix[rows[label]].mean(axis=0)).ravel() for label in order])
    middles /= np.linalg.norm(middles, axis=1, keepdims=True) + 1e-9
    for row, text in enumerate(kept[_MAX_TEXTS:], len(shown)):
        closest = np.asarray(matrix[row] @ middles.T).ravel()
        if closest.max() >= _JOINS:
            members[order[int(closest.argmax())]].append(text)
    found = []
    for label in order:
        wish, alike = _wish(members[label]), near[np.ix_(rows[label], rows[label])]
        if len(alike) > 1:
            wish.likeness = float(alike[np.triu_indices(len(alike), 1)].mean())
            acts = occasions[rows[label]]
            wish.one_act = float(acts[:, rows[label]].mean() - acts.mean())
        found.append(wish)
    return found


def _joined(labels: list[int], near: Floats, occasions: Floats) -> list[int]:
    """Join groups that object to the same acts and are not unlike, the closest first.

    Who is somewhat alike must object to acts that are as alike as those within the groups; who only is not unlike, to
    acts that hardly anybody else objects to.
    """
    known = np.array(labels)
    while True:
        large = [label for label in np.unique(known) if (known == label).sum() >= _SOME]
        members = np.array([known == label for label in large], dtype=bool).reshape(len(large), len(labels))
        inside = members / members.sum(axis=1, keepdims=True)
        reach = inside @ occasions
        alike, same = inside @ near @ inside.T, reach @ inside.T
        within = np.maximum(_within(same, members, occasions), _SAME_AT_ALL)
        closer = (alike >= _SOMEWHAT) & (same >= _HALF * np.sqrt(np.outer(within, within))) & (same >= _SAME_AT_ALL)
        fit = np.triu(closer | ((alike >= 0) & (same >= _SAME_ACT)), 1)
        pair = next(
            (
                (one, other)
                for one, other in sorted(
                    np.argwhere(fit).tolist(), key=lambda at: -(alike[at[0], at[1]] + same[at[0], at[1]])
                )
                if closer[one, other] or _alone(members[one] | members[other], reach[one] + reach[other])
            ),
            None,
        )
        if pair is None:
            return [int(label) for label in known]
        known[members[pair[1]]] = large[pair[0]]


def _within(same: Floats, members: npt.NDArray[np.bool_], occasions: Floats) -> Floats:
    """Return how alike the acts of two members of each group are."""
    count = members.sum(axis=1)
    return np.asarray((np.diag(same) * count**2 - members @ np.diag(occasions)) / (count * (count - 1)))


def _alone(members: npt.NDArray[np.bool_], reach: Floats) -> bool:
    """Whether most remarks on acts like those of the members are the members' own."""
    alike = reach >= _HALF * reach[members].mean()
    return bool(members[alike].sum() >= _MOSTLY_OWN * alike.sum())


def _occasion(text: _Text) -> str:
    """Return what agents said or did before a wording was used: who objects to the same mostly objects to the like."""
    return " ".join(dict.fromkeys(remark.about for _, remark in text.said[:_OCCASIONS]))


def _wish(texts: list[_Text]) -> _Wish:
    said: dict[int, list[tuple[RemarkSeen, dict[str, int]]]] = defaultdict(list)
    holders: dict[str, set[int]] = defaultdict(set)
    for text in texts:
        for at, remark in text.said:
            said[at].append((remark, text.signs))
            for stem in text.signs:
                holders[stem].add(at)
    ranked = sorted(holders, key=lambda stem: (-len(holders[stem]), stem))
    keys = [stem for stem in ranked if len(holders[stem]) >= _KEY_SHARE * len(said)]
    some = [stem for stem in ranked[:_SOME] if len(holders[stem]) >= max(_FEW, _SOME_SHARE * len(said))]
    return _Wish(texts, keys[:6] or some, dict(said))


def _who(at: int, window: Window) -> str:
    digest = window.digests[at]
    return digest.principal or f"{digest.agent}/{digest.task_id or digest.external_id}"


def _signs(wish: _Wish) -> dict[str, tuple[set[int], set[int]]]:
    """For each key, the sessions that ask for it and those that refuse it."""
    found: dict[str, tuple[set[int], set[int]]] = {key: (set(), set()) for key in wish.keys}
    for at, remarks in wish.said.items():
        for _, signs in remarks:
            for key in found.keys() & signs.keys():
                if signs[key]:
                    found[key][signs[key] < 0].add(at)
    return found


def _keys(wish: _Wish) -> tuple[tuple[str, int], ...]:
    return tuple((key, -1 if len(two) > len(one) else 1) for key, (one, two) in _signs(wish).items())


def _matter(wish: _Wish) -> tuple[str, ...]:
    return written((text.words for text in wish.texts), wish.keys)


def _done(wish: _Wish) -> tuple[str, ...]:
    """Return the word stems that the acts hold again and again that the remarks answer."""
    acts = {remark.about for text in wish.texts for _, remark in text.said if remark.about}
    held = Counter(stem for act in acts for stem in {stem for stem, sign in stems_of(act) if sign > 0})
    return tuple(sorted(stem for stem, count in held.items() if count >= max(_FEW, _OFTEN * len(acts))))


def _others(wish: _Wish, words: str) -> tuple[str, ...]:
    """Return other wordings of a wish, those that most use first."""
    ranked = sorted(wish.texts, key=lambda text: (-len(text.said), len(text.words), text.words))
    return tuple(text.words for text in ranked if words not in text.words)[:_WORDINGS]


def _objection(wish: _Wish, window: Window, limits: Thresholds, least: int) -> str:
    sessions = sorted(wish.said)
    people = Counter(_who(at, window) for at in sessions)
    least = max(least, int(min(_RARE * len(window.digests), _ENOUGH)))
    strong = sum(any(remark.kind in _STRONG for remark, _ in wish.said[at]) for at in sessions)
    if len(sessions) < least:
        return f"below support: {len(sessions)} of the {least} sessions asked for"
    if strong < max(_FEW, _STRONG_SHARE * len(sessions)) and not _is_crowd(wish, people, window, least):
        return "objections of the moment: few say that they hold beyond their task"
    if len(people) < limits.min_principals:
        return f"asked for by {len(people)} of the {limits.min_principals} principals asked for"
    if max(people.values()) > 0.6 * len(sessions):
        return "mostly one principal asks for it"
    if not wish.keys or wish.likeness < (_COHERENT if wish.one_act < _SAME_ACT else _COHERENT_ACT):
        return "no common matter: the remarks share no word and no meaning"
    asking = sum(bool(_ASKS.search(text.words)) for text in wish.texts)
    if asking < _MOSTLY * len(wish.texts) and (wish.one_act < _ONE_ACT or wish.likeness < _CLEARLY):
        return "most of the remarks ask for nothing"
    if median(len(text.signs) for text in wish.texts for _ in text.said) < _TELLS:
        return "says too little: what it points at is known in its session alone"
    filled = len(_with_data(wish, window))
    if filled > 0.6 * len(wish.texts) and len(wish.keys) < 3:
        return "corrects the data of single tasks"
    pairs, wordings, fewer = _opposed(wish)
    same_act = wish.one_act >= max(_ONE_ACT, _CLEARER * pairs) or _are_of_two_minds(wish, window)
    if not same_act and (camps := _camps(wish, window)):
        return f"contested: {camps[0]} principals ask for it, {camps[1]} for the opposite"
    if (
        pairs >= _CONTESTED
        and wordings >= _INVOLVED
        and not (same_act and (_are_of_two_minds(wish, window) or _answer_one_act(wish, fewer)))
    ):
        return f"contested: of two wordings on the same {pairs:.0%} ask for the opposite"
    return ""


def _with_data(wish: _Wish, window: Window) -> list[_Text]:
    """Return the wordings with an amount, a date or an id that hardly anybody else names, and none that many do: data
    of their task.
    """
    known = _known_numbers(wish, window)
    return [
        text
        for text in wish.texts
        if text.placeholders and (numbers := set(_NUMBERED.findall(text.words.lower()))) and not numbers & known
    ]


def _known_numbers(wish: _Wish, window: Window) -> set[str]:
    """Return the numbers that several principals name: part of the wish, not of a task."""
    named: dict[str, set[str]] = defaultdict(set)
    for text in wish.texts:
        for number in set(_NUMBERED.findall(text.words.lower())):
            named[number] |= {_who(at, window) for at, _ in text.said}
    return {number for number, people in named.items() if len(people) >= _SOME}


def _is_crowd(wish: _Wish, people: Counter[str], window: Window, least: int) -> bool:
    """Whether so many object to the same on so many tasks that it cannot be about one task's matter."""
    objected = [at for at in wish.said if any(remark.kind in _SEEDS for remark, _ in wish.said[at])]
    tasks = Counter(window.digests[at].task_id for at in objected if window.digests[at].task_id)
    spread = not tasks or max(tasks.values()) <= _ONE_TASK * len(objected)
    many = max(2 * least, _STRONG_SHARE * len(wish.said))
    return len(objected) >= many and len(people) >= _CROWD and spread and len(wish.keys) > 1


def _opposed(wish: _Wish) -> tuple[float, float, list[_Text]]:
    """Compare the wordings of a wish in pairs; return the share of pairs that contradict each other, the share of
    wordings that another contradicts, and the wordings that more contradict than agree with.

    Two wordings can be compared where they share half of the words of one of them, each weighing as much as wordings
    hold it; they contradict each other where one refuses most of what they share and the other asks for it.
    """
    stems = {name: number for number, name in enumerate(sorted({name for text in wish.texts for name in text.signs}))}
    table = np.zeros((len(wish.texts), len(stems)))
    for row, text in enumerate(wish.texts):
        for name, sign in text.signs.items():
            table[row, stems[name]] = sign
    weights = (table != 0).sum(axis=0)
    shared = (np.abs(table) * weights) @ np.abs(table).T
    least = np.minimum(*np.meshgrid(np.diag(shared), np.diag(shared)))
    compared = (shared > 0) & (shared >= _COMPARED * least)
    against = compared & ((table * weights) @ table.T <= -_AGAINST * shared)
    np.fill_diagonal(compared, False)
    refused, agreed = against.sum(axis=1), (compared & ~against).sum(axis=1)
    fewer = [text for text, one, other in zip(wish.texts, refused, agreed, strict=True) if one > other]
    return float(against.sum() / max(1, compared.sum())), float((refused > 0).mean()), fewer


def _camps(wish: _Wish, window: Window) -> tuple[int, int] | None:
    """Return how many principals ask for what nearly all remarks name, and how many refuse it, where both are several."""
    wanted, refused = next(iter(_signs(wish).values()))
    if len(wanted | refused) < _NAMED_BY_MOST * len(wish.said):
        return None
    sides = [{_who(at, window) for at in side} for side in (wanted - refused, refused - wanted)]
    fewer = min(len(side) for side in sides)
    several = fewer >= _SOME and fewer >= _AGAINST * sum(map(len, sides))
    return (len(sides[0]), len(sides[1])) if several else None


def _are_of_two_minds(wish: _Wish, window: Window) -> bool:
    """Whether most principals who speak of it more than once seem to want both: then their wordings are misread, since
    a camp is made of people.
    """
    sides: dict[str, list[int]] = defaultdict(list)
    wanted, refused = next(iter(_signs(wish).values()))
    for at in wanted ^ refused:
        sides[_who(at, window)].append(1 if at in wanted else -1)
    several = [signs for signs in sides.values() if len(signs) > 1]
    both = sum(len(set(signs)) > 1 for signs in several)
    return wish.one_act >= _SAME_ACT and len(several) >= _SOME and both >= _MOSTLY_BOTH * len(several)


def _answer_one_act(wish: _Wish, fewer: list[_Text]) -> bool:
    """Whether those who seem to ask for the opposite object to the same acts as the others, or are too few for a camp: then
    they ask for the same.
    """
    known = [(text, _occasion(text)) for text in wish.texts if text.strong]
    known = [(text, about) for text, about in known if about]
    inside = np.array([any(text is other for other in fewer) for text, _ in known], dtype=bool)
    if min(inside.sum(), (~inside).sum()) < _SOME:
        inside = np.array([text.signs.get(wish.keys[0], 0) < 0 for text, _ in known], dtype=bool)
    if min(inside.sum(), (~inside).sum()) < _SOME:
        return True
    matrix = said_and_meant([about for _, about in known])
    return bool(likeness(matrix[inside], matrix[~inside]).mean() >= _SAME_ACT)


def _dissent(wish: _Wish) -> set[int]:
    """Return the sessions that ask only for the opposite of what most do."""
    fewer = {at for text in _opposed(wish)[2] for at, _ in text.said}
    return fewer if 2 * len(fewer) < len(wish.said) else set()


def _rivals(wishes: Iterable[_Wish], window: Window, least: int) -> set[int]:
    """Find groups of enough support that share their first key and nobody, and want different things of it."""
    same_key: dict[str, list[tuple[int, set[str]]]] = defaultdict(list)
    for wish in wishes:
        if len(wish.said) >= least and wish.keys:
            same_key[wish.keys[0]].append((id(wish), {_who(at, window) for at in wish.said}))
    pairs = (pair for rivals in same_key.values() for pair in combinations(rivals, 2))
    return {number for one, other in pairs if not one[1] & other[1] for number in (one[0], other[0])}


def _clearest(wish: _Wish, window: Window) -> str | None:
    """Return the sentence that holds most of the keys in the fewest words, of those that may be repeated."""
    known = sorted({window.digests[at].principal for at in wish.said} - {""})
    best: tuple[float, int, str] | None = None
    numbers = _known_numbers(wish, window)
    signs = {key: len(one) >= len(two) for key, (one, two) in _signs(wish).items()}
    for text in wish.texts:
        for words in _sentences(text.words):
            general = _NUMBERED.sub(lambda found: "" if found[0].lower() in numbers else found[0], words)
            if masked(general) != general or objection_to(text.words, known):
                continue
            own = dict(stems_of(words))
            held = sum(own.get(key, 0) == (1 if wanted else -1) for key, wanted in signs.items())
            rank = (-float(held), abs(len(own) - 5), words)
            if held and 8 <= len(words) <= 200 and (best is None or rank < best):
                best = rank
    return best[2] if best else None


def _sentences(text: str) -> list[str]:
    parts = [part.strip() for part in re.split(r"(?<=[.!?])\s+|\n+", text) if part.strip()]
    return [*parts, " ".join(text.split())]


def _finding(wish: _Wish, words: str, window: Window, limits: Thresholds) -> Finding:
    kinds = Counter(remark.kind for remarks in wish.said.values() for remark, _ in remarks)
    signs = _signs(wish)
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


def _evidence(wish: _Wish, window: Window, cap: int) -> tuple[EvidenceRef, ...]:
    """Quotes from as many principals as can be; those who ask for the opposite speak against it."""
    against = _dissent(wish)
    found: list[EvidenceRef] = []
    seen: Counter[str] = Counter()
    for at in diverse(wish.said, window, lambda at: risk_of(window.digests[at], [wish.said[at][0][0].quote])):
        who, digest = _who(at, window), window.digests[at]
        remark = wish.said[at][0][0]
        stance: Stance = "contradicts" if at in against else "supports"
        if seen[who] < 2 and len(found) < cap:
            seen[who] += 1
            quote = remark.quote
            found.append(EvidenceRef(digest.ref, digest.external_id, digest.agent, quote.seq, quote.text, stance))
    return tuple(found)


def _support(wish: _Wish, window: Window) -> Support:
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
        weeks=window.by_week(wish.said, window.callers(frozenset({""}))),
    )


def _discard(reason: str, wish: _Wish, words: str | None, window: Window) -> Discarded:
    title = f"Users ask: {words}" if words else f"Users speak of: {', '.join(wish.keys) or 'many things'}"
    claim = "\x1f".join(["preference", *sorted(wish.keys[:3])])
    key = f"preference:{hashlib.sha256(claim.encode()).hexdigest()[:16]}"
    return Discarded(reason, title, key, "", "", _support(wish, window))
