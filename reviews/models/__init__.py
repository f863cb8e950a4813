"""What the desk keeps: decisions, how stores are reviewed, how people work together, and how well."""

from reviews.models.ageing import Reminder
from reviews.models.decisions import Decision, HeldBallot, Vote
from reviews.models.desk import Claim, SavedView, Snooze
from reviews.models.evidence_reviews import EvidenceReview, EvidenceReviewCause
from reviews.models.settings import ReviewSettings
from reviews.models.signing import Signature, SigningPassword
from reviews.models.together import Assignment, ChangeRequest, Comment, Escalation, Mention
from reviews.models.waivers import ReReview, Waiver
from reviews.models.watching import Gating, Reading, SecondLook, Seed, SeedAnswer, SeedDraft

__all__ = [
    "Assignment",
    "ChangeRequest",
    "Claim",
    "Comment",
    "Decision",
    "Escalation",
    "EvidenceReview",
    "EvidenceReviewCause",
    "Gating",
    "HeldBallot",
    "Mention",
    "ReReview",
    "Reading",
    "Reminder",
    "ReviewSettings",
    "SavedView",
    "SecondLook",
    "Seed",
    "SeedAnswer",
    "SeedDraft",
    "Signature",
    "SigningPassword",
    "Snooze",
    "Vote",
    "Waiver",
]
