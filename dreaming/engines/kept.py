"""What the model answered in this dream: a runner that takes the dream up finds it, and does not pay again."""

from collections.abc import Callable

from django.conf import settings

from dreaming.engines.base import LeftOut
from dreaming.engines.model import UNUSABLE, Answer, Result
from dreaming.engines.prompts import prompt_hash
from dreaming.models import Dream, ModelAnswer


def ask_once(
    *,
    dream: Dream,
    about: str,
    answer: type[Answer],
    check: Callable[[Answer], Result],
    ask: Callable[..., Result],
) -> Result:
    """What `check` makes of the answer that the dream has on this, else of the one that `ask` gets, which is kept.

    `ask` is `Model.ask` with what to ask, and raises like it. An answer that no longer passes, for memory moved
    meanwhile, is asked for again.
    """
    same = {"dream": dream, "about": about, "prompt_hash": prompt_hash(), "model": settings.DAYLIGHT_MODEL}
    known = ModelAnswer.objects.filter(**same).first()
    if known and known.reason:
        raise LeftOut(known.reason)
    if known:
        try:
            return check(answer.model_validate(known.data))
        except UNUSABLE:
            known.delete()

    def checked(given: Answer) -> Result:
        result = check(given)
        ModelAnswer.objects.create(**same, data=given.model_dump())
        return result

    try:
        return ask(answer=answer, check=checked)
    except LeftOut as refusal:
        ModelAnswer.objects.create(**same, reason=str(refusal))
        raise
