"""How alike short texts are: TF-IDF over word stems and character n-grams, average linkage, polarity apart.

TF-IDF as in Salton and Buckley, "Term-weighting approaches in automatic text retrieval" (1988), with
sublinear counts and smoothed document frequencies; average linkage (UPGMA) is SciPy's.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import csr_matrix
from scipy.spatial.distance import squareform

from dreaming.mining.templates import masked

_REACH = 5
_NEAR = 3
_NEGATES = frozenset(
    """not no nobody never don dont doesn didn isn aren won stop avoid dislike hate without nor cannot quit refrain cease omit
    skip drop remove otherwise lest""".split()  # noqa: SIM905
)
_AUXILIARIES = frozenset(
    "must should shall may can could will would do does did is are be need ought to".split()  # noqa: SIM905
)
_INTRANSITIVE = frozenset({"stop", "drop", "cease"})
_REFRAINS = frozenset("stop avoid quit refrain cease omit skip drop remove".split())  # noqa: SIM905
_JOINS = frozenset({"and", "or", "then", "please"})
_CLAUSES = frozenset({"so", "because", "since", "while", "although"})
# Words that open a clause which says when, where or of which: what it denies is denied of that alone, unless it is a rule.
_SAYS_WHEN = frozenset("if when whenever where wherever who which whose whom".split())  # noqa: SIM905
_RULES = frozenset("must should shall may can cannot could need ought".split())  # noqa: SIM905
_ARTICLES = frozenset({"a", "an", "the"})
_BLAMES = frozenset({"why", "who"})
_APART = frozenset({"away", "clear", "free", "out"})
_TAKES = frozenset("cut drop get keep kept leave left move pull remain stay stays strip take taken".split())  # noqa: SIM905
_ENDS = frozenset(".;!?\n")
_POINTS = frozenset("it me that them these this those us".split())  # noqa: SIM905
_PLACES = frozenset({"of", "in", "on", "at", "from", "for", "off", "into", "per"})
# Words by which people ask, address and point, in any trade: they say nothing of what is asked for.
FUNCTION_WORDS = frozenset(
    """a about after again all already also always am an and any anyone anything are as ask asked asking at avoid
    be because been before being but by can cannot cease correct could default did do does doing done drop each either
    else ever every everybody everyone few for from future get give given go going had has have having he her here
    him his how however i if in incorrect instead into is it its just keep kindly know leave left let like likes make makes
    many may me mean meant might mind more most much must my need needs never next no nor not now of off ok okay
    on once one only onto off or other otherwise our ours over own per please pls plz prefer preference preferred quit rather
    really refrain remove remember remind right said same say see shall she should since skip so some something sorry
    still stop such sure take tell than thank thanks that the their them then there these they thing things this
    those through time times to today told too under unless until up upon us use used using very want wanted wants
    was way we well were what when whenever where whether which while who whose why will wish with within without
    would wrong yes yet you your yours don dont doesn didn isn aren won ve ll re""".split()  # noqa: SIM905
)
_WORD = re.compile(r"<[a-z]+>|[-=]>|[^\W\d_]+(?:['’][a-z]+)?|[.,;:!?()\n—–→]")


def stems_of(text: str) -> list[tuple[str, int]]:
    """Return the content words of a text as stems, each with 1, or -1 where it is negated.

    A negation holds for the words after it in its clause, as far as the phrase that says where; after an
    auxiliary ("must not") for those before it too. To ask why or who is to object: it turns its sentence round.
    """
    found: list[tuple[str, int]] = []
    negated = start = since = sentence = clause = 0
    blamed = -1
    tokens = [token.lower().replace("’", "'") for token in _WORD.findall(masked(text))]
    for place, token in enumerate(tokens):
        if not token[0].isalpha():
            if token not in {"(", ")"} and token[0] != "<":
                if blamed >= 0 and token[0] == "?":
                    found[blamed:] = [(name, -sign) for name, sign in found[blamed:]]
                negated, start, clause = 0, len(found), sentence
                if token in _ENDS:
                    sentence, clause, blamed = len(found), len(found), -1
            continue
        if token in _CLAUSES or (token in _SAYS_WHEN and not _RULES & set(tokens[place + 1 : place + 2 + _NEAR])):
            start = len(found)
            clause = start if token in _SAYS_WHEN else clause
        if token in _BLAMES and blamed < 0:
            blamed = len(found)
        turned = token in {"instead", "rather"}
        opposed = turned and tokens[place + 1 : place + 2] in (["of"], ["than"])
        opposed |= token in {"leave", "left", "keep", "kept", "take", "taken"} and bool(
            {"out", "off"} & set(tokens[place + 1 : place + 6])
        )
        if not negated and token in _APART and tokens[place + 1 : place + 2] in (["of"], ["from"]):
            if token in {"out"} and len(found) > start:
                if not _TAKES & set(tokens[:place]):
                    continue
                found[start:] = [(name, -sign) for name, sign in found[start:]]
            else:
                opposed = True
        opposed |= token in {"enough"} and tokens[place + 1 : place + 2] in (["of"], ["with"])
        if negated and ((token in {"without"} and since < len(found)) or token in _REFRAINS):
            negated = 0
        elif opposed or token.endswith("n't") or (token in _NEGATES and not _happens(token, place, tokens)):
            negated, since = _REACH, len(found)
            if not turned and _points_back(tokens[place + 1 : place + 2 + _REACH]):
                found[clause:] = [(name, -1) for name, _ in found[clause:]]
            bids = token in {"don't"} and tokens[max(0, place - 1)] in _JOINS
            if token in {"cannot"} or (token.endswith("n't") and not bids) or tokens[max(0, place - 1)] in _AUXILIARIES:
                found[start:] = [(name, -1) for name, _ in found[start:]]
        elif turned or token in {"but"}:
            negated, start = 0, len(found)
        elif token in {"out"} and found and found[-1][0] == stem(tokens[place - 1]) and _ends(tokens[place + 1 :]):
            found[-1] = (found[-1][0], -1)
        elif token.split("'")[0] not in FUNCTION_WORDS and len(token) > 1:
            found.append((stem(token), -1 if negated else 1))
            negated = max(0, negated - 1)
        elif token in _PLACES and len(found) > since:
            negated = 0
        else:
            negated = max(0, negated - 1)
    return found


def signs_of(text: str) -> dict[str, int]:
    """Return the words of a text, each with 1 where it is asked for, -1 where it is refused, 0 where both."""
    found: dict[str, int] = {}
    for name, sign in stems_of(text):
        found[name] = sign if found.get(name, sign) == sign else 0
    return found


def _happens(token: str, place: int, tokens: Sequence[str]) -> bool:
    """Whether a verb says what something does ("the cranes stop", "they won it"), and not what to refrain from."""
    before = tokens[place - 1] if place else "."
    if before in _ARTICLES or (token in {"won"} and tokens[place + 1 : place + 2] != ["t"]):
        return True
    return token in _INTRANSITIVE and before[0].isalpha() and before.split("'")[0] not in FUNCTION_WORDS


def _ends(tokens: Sequence[str]) -> bool:
    return not tokens or not tokens[0][0].isalpha() or tokens[0] == "of"


def _points_back(tokens: Sequence[str]) -> bool:
    """Whether the words after a negation only point at what was named before: "..., so don't use them"."""
    tokens = [token for token in tokens if token not in {"out", "off"}]
    for place, token in enumerate(tokens):
        if token[0] == "<":
            return False
        if not token[0].isalpha():
            return token not in {"?"} and (not place or tokens[place - 1] in _POINTS)
        if token.split("'")[0] not in FUNCTION_WORDS:
            return False
    return not tokens or tokens[-1] in _POINTS


def written(texts: Iterable[str], stems: Iterable[str]) -> tuple[str, ...]:
    """Return stems as the words that most of the texts write for them."""
    words: dict[str, Counter[str]] = {name: Counter() for name in stems}
    for text in texts:
        for token in _WORD.findall(text.lower()):
            if token[0].isalpha() and (name := stem(token)) in words:
                words[name][token] += 1
    return tuple(min(seen, key=lambda word: (-seen[word], word)) for seen in words.values() if seen)


def stem(word: str) -> str:
    """A crude stem: the first letters, without the commonest endings."""
    word = word.split("'")[0]
    for ending in ("ings", "ing", "ied", "ies", "ed", "es", "s", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            word = word.removesuffix(ending) + ("y" if ending in {"ied", "ies"} else "")
            break
    return word[:6]


def content_of(text: str) -> str:
    """Return the content words of a text, as they are written."""
    tokens = (token for token in _WORD.findall(masked(text)) if token[0].isalpha())
    return " ".join(token for token in tokens if token.lower().replace("’", "'").split("'")[0] not in FUNCTION_WORDS)


def features(text: str) -> Counter[str]:
    """Stems, weighing double, and the character 4-grams inside longer words of what a text is about."""
    found: Counter[str] = Counter()
    for name, _ in stems_of(text):
        found[name] += 2
    for token in _WORD.findall(masked(text).lower()):
        if token[0].isalpha() and token not in FUNCTION_WORDS and len(token) > 4:
            found.update(f"#{token[at : at + 4]}" for at in range(len(token) - 3))
    return found


def vectors(texts: Sequence[str]) -> csr_matrix:
    """Return one unit TF-IDF row for each text; a text without content words is a row of zeros."""
    counted = [features(text) for text in texts]
    holders = Counter(name for counts in counted for name in counts)
    columns = {name: number for number, name in enumerate(sorted(holders))}
    rows, places, values = [], [], []
    for row, counts in enumerate(counted):
        weights = {
            name: (1 + np.log(count)) * (1 + np.log((1 + len(texts)) / (1 + holders[name])))
            for name, count in counts.items()
        }
        length = np.sqrt(sum(value * value for value in weights.values())) or 1.0
        for name, value in weights.items():
            rows.append(row)
            places.append(columns[name])
            values.append(value / length)
    return csr_matrix((values, (rows, places)), shape=(len(texts), max(1, len(columns))))


def likeness(one: csr_matrix, other: csr_matrix) -> npt.NDArray[np.float64]:
    """Return the cosine of every row of one with every row of the other."""
    return np.asarray((one @ other.T).toarray(), dtype=np.float64)


def grouped(near: npt.NDArray[np.float64], at_least: float) -> list[int]:
    """Return a group number for each row of a matrix of likenesses, joined while the average is `at_least`."""
    if len(near) < 2:
        return [1] * len(near)
    return [int(number) for number in fcluster(_tree(near), 1 - at_least, criterion="distance")]


def halves(near: npt.NDArray[np.float64]) -> list[int]:
    """Return 1 or 2 for each row of a matrix of likenesses: the two groups joined last."""
    if len(near) < 2:
        return [1] * len(near)
    return [int(number) for number in fcluster(_tree(near), 2, criterion="maxclust")]


def _tree(near: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    apart = np.clip(1 - (near + near.T) / 2, 0, None)
    np.fill_diagonal(apart, 0)
    return np.asarray(linkage(squareform(apart, checks=False), method="average"))
