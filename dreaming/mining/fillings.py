"""One wording with another name each time: who is right in one task alone, and no wish ("I said Marlow Ltd, not Finch Ltd")."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

# Words with a capital inside a sentence, in a row.
_NAME = re.compile(r"(?<=[a-z\d,] )[A-Z][\w&'’.-]*(?<![.'’-])(?: [A-Z][\w&'’.-]*(?<![.'’-]))*")
_SOME = 3
_MOSTLY_OWN = 0.6


def filled_in(texts: Sequence[str]) -> list[bool]:
    """Return for each text whether several others are the same but for the names in it, most of them others each time."""
    frames = [" ".join(_NAME.sub("<name>", text).lower().split()) for text in texts]
    names: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for frame, text in zip(frames, texts, strict=True):
        names[frame].append(tuple(_NAME.findall(text)))
    filled = {
        frame
        for frame, found in names.items()
        if "<name>" in frame and len(found) >= _SOME and len(set(found)) > _MOSTLY_OWN * len(found)
    }
    return [frame in filled for frame in frames]
