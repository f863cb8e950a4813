"""Remarks grouped by what they say and mean, and by the acts that they answer: one group is one wish."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from dreaming.mining.likeness import grouped, likeness, signs_of
from dreaming.mining.meaning import Floats, said_and_meant
from dreaming.mining.templates import masked
from dreaming.mining.values import (
    RemarkSeen,
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
_KEY_SHARE = 0.4
_SOME = 3
_SOME_SHARE = 0.15
_FEW = 2
SEEDS = frozenset({"correction", "denial", "reask", "objection"})


@dataclass(slots=True)
class Text:
    """One wording with everybody who used it: session positions and their remarks."""

    words: str
    signs: dict[str, int]
    placeholders: int
    said: list[tuple[int, RemarkSeen]] = field(default_factory=list)

    @property
    def strong(self) -> bool:
        return any(remark.kind in SEEDS for _, remark in self.said)


@dataclass(slots=True)
class Wish:
    """One group of remarks on one matter; `likeness` is the mean of how alike two of its wordings are (-1 to 1),
    `one_act` how much more alike the acts are that they object to than those that all remarks do.
    """

    texts: list[Text]
    keys: list[str]
    said: dict[int, list[tuple[RemarkSeen, dict[str, int]]]]
    likeness: float = 1.0
    one_act: float = 0.0


def texts_of(window: Window) -> list[Text]:
    """Return the wordings of all remarks, those alike but for ids, amounts and capitals as one."""
    made: dict[str, Text] = {}
    for at, digest in enumerate(window.digests):
        for remark in digest.remarks:
            key = " ".join(masked(remark.quote.text).lower().split())
            if key not in made:
                made[key] = Text(remark.quote.text, signs_of(remark.quote.text), len(re.findall(r"<[a-z]+>", key)))
            made[key].said.append((at, remark))
    return [made[key] for key in sorted(made) if made[key].signs]


def wishes_of(texts: Sequence[Text]) -> list[Wish]:
    """Group remarks by what they say and mean; of very many the less frequent ones only join a group."""
    if len(texts) < 2:
        return [_wish(list(texts))] if texts else []
    kept = sorted(texts, key=lambda text: (not text.strong, -len(text.said), text.words))[:_MOST_TEXTS]
    shown = kept[:_MAX_TEXTS]
    matrix = said_and_meant([text.words for text in kept])
    about = said_and_meant([occasion_of(text) for text in shown])
    near = likeness(matrix[: len(shown)], matrix[: len(shown)])
    occasions = likeness(about, about)
    labels = _joined(grouped(near + _BY_OCCASION * occasions * (near > _SOMEWHAT), _ALIKE), near, occasions)
    members: dict[int, list[Text]] = defaultdict(list)
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


def occasion_of(text: Text) -> str:
    """Return what agents said or did before a wording was used: who objects to the same mostly objects to the like."""
    return " ".join(dict.fromkeys(remark.about for _, remark in text.said[:_OCCASIONS]))


def _wish(texts: list[Text]) -> Wish:
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
