from django import forms

from memory.models import Proposal
from reviews.ballots import BadDecision, Ballot, Edit
from reviews.models import Decision
from reviews.presenters import proposed_text
from reviews.reasons import REASONS


class BallotForm(forms.Form):
    """What the decide bar posts. Nothing is stripped."""

    verdict = forms.CharField(max_length=20)
    digest = forms.CharField(max_length=64)
    seen = forms.CharField(required=False, max_length=200)
    reason = forms.CharField(required=False, strip=False, max_length=4_000)
    content = forms.CharField(required=False, strip=False)
    path = forms.CharField(required=False, max_length=1_000)
    code = forms.ChoiceField(required=False, choices=[("", ""), *((str(number), text) for number, text in REASONS)])
    flags_read = forms.BooleanField(required=False)
    waiver = forms.CharField(required=False, max_length=20)

    def ballot(self, proposal: Proposal) -> Ballot:
        """The ballot. Raises `BadDecision` for one that does not say clearly what is meant.

        On a proposal that is closed meanwhile nothing is checked: `decide()` says who was faster, or what moved.
        """
        if not proposal.is_open:
            return Ballot(self.data.get("verdict", ""), self.data.get("digest", ""), self.data.get("reason", ""))
        if not self.is_valid():
            raise BadDecision(" ".join(message for messages in self.errors.values() for message in messages))
        said = self.cleaned_data
        approves = said["verdict"] in (Decision.Verdict.APPROVE, Decision.Verdict.APPROVE_WITH_EDITS)
        if approves and proposal.risk and not said["flags_read"]:
            raise BadDecision("This is flagged. Read the warnings and say so below, then approve.")
        edit = None
        if said["verdict"] == Decision.Verdict.APPROVE_WITH_EDITS:
            edit = Edit(content=_lines(said["content"]), path=said["path"])
        elif said["verdict"] == Decision.Verdict.APPROVE and self.has_edit(proposal):
            raise BadDecision(
                "You changed the text. Approve it with your edits, or take them back to approve what was proposed."
            )
        return Ballot(said["verdict"], said["digest"], _reason(said), edit, said["waiver"] if approves else "")

    def has_edit(self, proposal: Proposal) -> bool:
        """Whether what was typed differs from what was proposed; browsers send line ends in their own way."""
        if "content" not in self.data or proposal.operation == Proposal.Operation.DELETE:
            return False
        typed = (_lines(self.data["content"]), self.data.get("path", "").strip())
        return typed != (_lines(proposed_text(proposal)), proposal.new_path or proposal.path)


def _reason(said: dict[str, str]) -> str:
    """What was typed; after the usual reason that was picked, for a rejection."""
    picked = dict(REASONS)[int(said["code"])] if said["code"] and said["verdict"] == Decision.Verdict.REJECT else ""
    return f"{picked} {said['reason']}" if picked else said["reason"]


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
