"""What short texts mean, as vectors: static word embeddings that ship inside a package; nothing is fetched.

WordLlama (MIT) averages the token vectors of a text. What all texts of a set share is taken out of it, as in Arora,
Liang and Ma, "A simple but tough-to-beat baseline for sentence embeddings" (ICLR 2017), less so for small sets.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import wordllama
from scipy.sparse import csr_matrix, hstack

from dreaming.mining.likeness import content_of, vectors

_BY_WORDS = 0.5
_WORDS_OF_PAIRS = 0.4
_SMALL = 40
Floats = npt.NDArray[np.float64]


@lru_cache(maxsize=1)
def _model() -> wordllama.WordLlamaInference:
    shipped = Path(wordllama.__file__).parent
    return wordllama.WordLlama.load(disable_download=True, cache_dir=shipped)


def meanings(texts: Sequence[str]) -> Floats:
    """Return one unit row for each text; a row of zeros for a text without content words."""
    content = [content_of(text) for text in texts]
    rows = np.asarray(_model().embed(content, norm=False), dtype=np.float64) if texts else np.zeros((0, 1))
    rows[[not words for words in content]] = 0
    return _unit(rows)


def together(said: Floats, meant: Floats) -> Floats:
    """Return how alike texts are in words and in meaning (-1 to 1), from both likenesses."""
    return np.asarray(_WORDS_OF_PAIRS * said + (1 - _WORDS_OF_PAIRS) * meant)


def said_and_meant(texts: Sequence[str]) -> csr_matrix:
    """Return one row for each text, whose products say how alike two texts are in words and in meaning (-1 to 1)."""
    meant = meanings(texts)
    meant = _unit(meant - meant.mean(axis=0) * len(texts) / (len(texts) + _SMALL)) * meant.any(axis=1, keepdims=True)
    parts = (np.sqrt(_BY_WORDS) * vectors(texts), csr_matrix(np.sqrt(1 - _BY_WORDS) * meant))
    return csr_matrix(hstack(parts))


def _unit(rows: Floats) -> Floats:
    return np.asarray(rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-12))
