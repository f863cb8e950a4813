"""Memories of the same shape about different subjects: what is said of one's subject says nothing of the other's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence, Set

from dreaming.mining.passages import path_in_words
from dreaming.mining.places import keys_in
from dreaming.mining.values import MemoryView

_SHARED = 2


class Kin:
    """Which other memories a saying may be about."""

    def __init__(self, memories: Sequence[MemoryView]) -> None:
        self._words = {memory.path: keys_in(memory.text) for memory in memories}
        self._named = {memory.path: keys_in(path_in_words(memory.path)) for memory in memories}
        self._holders: dict[str, list[str]] = defaultdict(list)
        for path, words in self._words.items():
            for word in words:
                self._holders[word].append(path)

    def takes(self, path: str, said: Set[str], new: Set[str]) -> bool:
        """Whether what is said is another memory's: it names what that one's path and text are about and this one not, and
        nothing that only this one is about; or it says that one's value, which is `new` here, and more of its other words.
        """
        mine = self._words[path] | self._named[path]
        shared = len(said & mine)
        for other in {holder for word in said - mine for holder in self._holders.get(word, ())} - {path}:
            words = self._words[other] | self._named[other]
            subject = (self._words[other] & self._named[other]) - mine
            own = (self._words[path] & self._named[path]) - words
            if own and subject & said and not own & said:
                return True
            if new & words and len((said & words) - new) > shared:
                return True
        return False
