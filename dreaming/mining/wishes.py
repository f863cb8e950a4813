"""Remarks grouped by what they say and mean, and by the acts that they answer: one group is one wish."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from dreaming.mining.acts import settled
from dreaming.mining.asides import asks, enquires, without_asides
from dreaming.mining.fillings import filled_in
from dreaming.mining.likeness import grouped, halves, likeness
from dreaming.mining.matters import matters_in
from dreaming.mining.meaning import Floats, said_and_meant
from dreaming.mining.notice import with_notice
from dreaming.mining.numerals import named_numbers, with_named_numbers
from dreaming.mining.polarity import leanings_of
from dreaming.mining.remarks import STANDING
from dreaming.mining.templates import masked
from dreaming.mining.values import RemarkSeen
from dreaming.mining.window import Window

_MAX_TEXTS = 1_200
_MOST_TEXTS = 4_000
_ALIKE = 0.1
_JOINS = 0.3
_BY_OCCASION = 0.3
_SOMEWHAT = 0.03
_OCCASIONS = 5
_PAIRS = 190
_GO_TOGETHER = 0.2
_SAME_ACT = 0.2
_APART = 0.3
_SAME_AT_ALL = 0.06
_HALF = 0.5
_MOSTLY_OWN = 0.6
_KEY_SHARE = 0.4
_SOME = 3
_SOME_SHARE = 0.15
_FEW = 2
_OFTEN = 4
_DATA = re.compile(r"\S*\d\S*")
STRONG = frozenset({"correction", "denial", "reask"})
_MOMENT = re.compile(
    r"(?<!\bnot )(?<!\bnot just )(?<!\bnot only )"
    r"\b(?:today|tonight|tomorrow|for now|right now|just now|this (?:time|once|one|case|morning|afternoon|week)|just once|exception)\b",
    re.IGNORECASE,
)
SEEDS = STRONG | {"objection"}


@dataclass(slots=True)
class Text:
    """One wording with everybody who used it: session positions and their remarks.

    `words` are a remark without greetings and thanks, `told` the same with numbers that several name as words; `whole` says
    that somebody said it alone, and not among the matters of a letter.
    """

    words: str
    told: str
    signs: dict[str, int]
    placeholders: int
    said: list[tuple[int, RemarkSeen]] = field(default_factory=list)
    whole: bool = False

    @property
    def strong(self) -> bool:
        return any(remark.kind in SEEDS for _, remark in self.said)

    @property
    def is_aside(self) -> bool:
        return not self.whole or all(remark.kind == "aside" for _, remark in self.said)

    @property
    def corrects(self) -> bool:
        return any(remark.kind in STRONG for _, remark in self.said)


@dataclass(slots=True)
class Wish:
    """One group of remarks on one matter; `likeness` is the mean of how alike two of its wordings are (-1 to 1),
    `one_act` how much more alike the acts are that they object to than those that all remarks do, `own` how far one of the
    keys is what sets the group apart (the share of the group that says it times its share of all who say it), `alone` how
    many of the words of a wording nobody else in the group says.
    """

    texts: list[Text]
    keys: list[str]
    said: dict[int, list[tuple[RemarkSeen, dict[str, int]]]]
    likeness: float = 1.0
    one_act: float = 0.0
    own: float = 1.0
    alone: float = 0.0


def texts_of(window: Window) -> list[Text]:
    """Return the wordings of all remarks, those alike but for ids, amounts, capitals, greetings and thanks as one."""
    seen, whole = matters_in(window.digests)
    made: dict[str, Text] = {}
    cores = without_asides([remark.quote.text for _, remark in seen])
    named = named_numbers([(asker_of(at, window), core) for (at, _), core in zip(seen, cores, strict=True)])
    for (at, remark), core, alone in zip(seen, cores, whole, strict=True):
        told = with_named_numbers(core, named)
        key = " ".join(masked(told).lower().split()).rstrip(".!")
        if key not in made:
            made[key] = Text(core, with_notice(told), leanings_of(told), len(re.findall(r"<[a-z]+>", key)))
        made[key].said.append((at, remark))
        made[key].whole |= alone
    found = [made[key] for key in sorted(made)]
    filled = filled_in([text.words for text in found])
    return [
        text
        for text, named in zip(found, filled, strict=True)
        if _wants(text) and not (named and not STANDING.search(text.words))
    ]


def _wants(text: Text) -> bool:
    """Whether a wording may be a wish: it asks for or refuses something, not for the moment alone, and is no phrase that
    answers anything, said word for word in many sessions and never to correct.
    """
    often = len({at for at, _ in text.said}) >= _OFTEN
    of_moment = _MOMENT.search(text.words) or (enquires(text.words) and not text.corrects)
    if not text.signs or _fills_in(text) or (of_moment and not STANDING.search(text.words)):
        return False
    return text.corrects or (any(text.signs.values()) and (text.strong or not often or asks(text.words)))


def _fills_in(text: Text) -> bool:
    """Whether several say a wording with other data each time: what is right in their task alone."""
    quotes = [remark.quote.text for _, remark in text.said]
    data = {tuple(_DATA.findall(quote)) for quote in quotes}
    return text.placeholders > 0 and len(quotes) >= _SOME and len(data) > _MOSTLY_OWN * len(quotes)


def wishes_of(texts: Sequence[Text]) -> list[Wish]:
    """Group remarks by what they say and mean. What is said in passing makes no group, but joins what others ask for; so
    do, of very many, the less frequent ones.
    """
    kept = sorted(texts, key=lambda text: (text.is_aside, not text.strong, -len(text.said), text.words))[:_MOST_TEXTS]
    shown = [text for text in kept[:_MAX_TEXTS] if not text.is_aside]
    if len(shown) < 2:
        return [wish_of(shown)] if shown else []
    matrix = said_and_meant([text.told for text in kept])
    about = said_and_meant([occasion_of(text) for text in shown])
    near = likeness(matrix[: len(shown)], matrix[: len(shown)])
    occasions = likeness(about, about)
    occasions *= _told_by_acts(near, occasions)
    both = near + _BY_OCCASION * occasions * (near > _SOMEWHAT)
    labels = _parted(_joined(grouped(both, _ALIKE), near, occasions), both, occasions)
    members: dict[int, list[Text]] = defaultdict(list)
    rows: dict[int, list[int]] = defaultdict(list)
    for row, (text, label) in enumerate(zip(shown, labels, strict=True)):
        members[label].append(text)
        rows[label].append(row)
    order = sorted(members)
    middles = np.vstack([np.asarray(matrix[rows[label]].mean(axis=0)).ravel() for label in order])
    middles /= np.linalg.norm(middles, axis=1, keepdims=True) + 1e-9
    for row, text in enumerate(kept[len(shown) :], len(shown)):
        closest = np.asarray(matrix[row] @ middles.T).ravel()
        if closest.max() >= _JOINS:
            members[order[int(closest.argmax())]].append(text)
    found = []
    holders = Counter(stem for text in texts for stem in text.signs for _ in text.said)
    for label in order:
        wish, alike = wish_of(members[label]), near[np.ix_(rows[label], rows[label])]
        if len(alike) > 1:
            wish.likeness = float(alike[np.triu_indices(len(alike), 1)].mean())
            acts = occasions[rows[label]]
            wish.one_act = float(acts[:, rows[label]].mean() - acts.mean())
            wish.own, wish.alone = _own(wish, holders), _alone_in(wish)
        found.append(wish)
    return found


def _told_by_acts(near: Floats, occasions: Floats) -> float:
    """Return how far the acts that remarks answer tell what they are about (0 to 1): not at all where remarks that are alike in
    words answer acts that are no more alike than those of others, as where people speak up whenever an agent is done.
    """
    pairs = np.triu_indices(len(near), 1)
    said, done = near[pairs], occasions[pairs]
    if len(said) < _PAIRS or not said.std() or not done.std():
        return 1.0
    return float(np.clip(np.corrcoef(said, done)[0, 1] / _GO_TOGETHER, 0, 1))


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


def _parted(labels: list[int], near: Floats, occasions: Floats) -> list[int]:
    """Part groups of two wishes: both halves are far more alike inside than across, and object to different acts."""
    known = np.array(labels)
    for label in dict.fromkeys(labels):
        rows = np.flatnonzero(known == label)
        half = np.array(halves(near[np.ix_(rows, rows)])) == 1
        one, other = rows[half], rows[~half]
        if min(len(one), len(other)) >= _SOME:
            inside = min(_mean_of_pairs(near, part) for part in (one, other))
            across = np.ix_(one, other)
            if near[across].mean() <= _APART * inside and occasions[across].mean() < _SAME_ACT:
                known[other] = known.max() + 1
    return [int(label) for label in known]


def _mean_of_pairs(near: Floats, rows: npt.NDArray[np.int64]) -> float:
    return float(near[np.ix_(rows, rows)][np.triu_indices(len(rows), 1)].mean())


def _within(same: Floats, members: npt.NDArray[np.bool_], occasions: Floats) -> Floats:
    """Return how alike the acts of two members of each group are."""
    count = members.sum(axis=1)
    return np.asarray((np.diag(same) * count**2 - members @ np.diag(occasions)) / (count * (count - 1)))


def _alone(members: npt.NDArray[np.bool_], reach: Floats) -> bool:
    """Whether most remarks on acts like those of the members are the members' own."""
    alike = reach >= _HALF * reach[members].mean()
    return bool(members[alike].sum() >= _MOSTLY_OWN * alike.sum())


def occasion_of(text: Text) -> str:
    """Return what agents said or did before a wording was used: who objects to the same mostly objects to the like."""
    return " ".join(dict.fromkeys(remark.about for _, remark in text.said[:_OCCASIONS]))


def wish_of(members: Sequence[Text]) -> Wish:
    """Return the group of these wordings."""
    signs = settled([(text.words, text.signs) for text in members])
    texts = [replace(text, signs=own) for text, own in zip(members, signs, strict=True)]
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
    return Wish(texts, keys[:6] or some, dict(said))


def _own(wish: Wish, holders: Counter[str]) -> float:
    size = sum(len(text.said) for text in wish.texts)
    inside = {key: sum(len(text.said) for text in wish.texts if key in text.signs) for key in wish.keys}
    return max((count / holders[key] * count / size for key, count in inside.items()), default=0.0)


def _alone_in(wish: Wish) -> float:
    said = Counter(stem for text in wish.texts for stem in text.signs for _ in text.said)
    return sum(sum(said[stem] == 1 for stem in text.signs) / len(text.signs) for text in wish.texts) / len(wish.texts)


def asker_of(at: int, window: Window) -> str:
    """Return the principal of a session, or where it has none its agent and task."""
    digest = window.digests[at]
    return digest.principal or f"{digest.agent}/{digest.task_id or digest.external_id}"


def sides_of(wish: Wish) -> dict[str, tuple[set[int], set[int]]]:
    """For each key, the sessions that ask for it and those that refuse it."""
    found: dict[str, tuple[set[int], set[int]]] = {key: (set(), set()) for key in wish.keys}
    for at, remarks in wish.said.items():
        for _, signs in remarks:
            for key in found.keys() & signs.keys():
                if signs[key]:
                    found[key][signs[key] < 0].add(at)
    return found
