from urllib.parse import urlsplit

from django import forms
from django.core.validators import validate_email

from reviews.models import ReviewSettings
from reviews.review_settings import asks_for_fewer

MAX_ADDRESSES = 20

SECTIONS = {
    "Who decides": ["four_eyes", "fewer", "waivers_allowed", "hold_back_seconds"],
    "Signatures": ["signatures", "signing_break_minutes"],
    "How long it may wait": ["target_hours", "expires_after_days"],
    "Several at once": ["bulk_allowed", "bulk_cap"],
    "How well it is reviewed": ["blind_share", "second_look_share", "reversals_to_gate"],
    "What is kept": ["keep_sessions_days"],
    "Who is told what waits": ["remind_by_mail", "webhook_url"],
}

HELP = {
    "four_eyes": "Who has to stand behind a proposal before agents read it. An author never counts twice, and the database"
    " counts as well. Where two are asked, no policy decides.",
    "waivers_allowed": "One reviewer may publish alone where two are asked, with a reason. It is announced on every desk, and"
    " somebody else has to look at it again within 24 hours.",
    "signatures": "Every decision of a person is signed with password and authenticator code, and says by whom, when and"
    " meaning what wherever it is shown.",
    "signing_break_minutes": "After so many minutes without signing, and after every log-in, a signature takes password and"
    " code again; until then one of the two. 1 to 240.",
    "hold_back_seconds": "Seconds in which a reviewer can take a decision back before it takes effect. 0: at once; at most 600.",
    "target_hours": "The age in hours by which a proposal should be decided. Older ones are marked, and named in the digest.",
    "expires_after_days": "After so many days without a decision a proposal expires. It is not applied; the same claim may be"
    " proposed again.",
    "bulk_allowed": "Reviewers may pick several plain new memories and approve them with one reason. Never what is flagged,"
    " contradicted, escalated or needs two people.",
    "bulk_cap": "How many at once, at most: 2 to 50.",
    "blind_share": "Percent of the proposals that are shown evidence first, without rationale and numbers.",
    "second_look_share": "Percent of what the auto policy lets through that a person is asked to look at again.",
    "reversals_to_gate": "So many reversals of what the policy let through, within 30 days, put every auto agent that reads"
    " this store back to gated.",
    "keep_sessions_days": "The content of sessions older than so many days is erased each night, at least 183: half a year."
    " Empty: all is kept. A session that several stores learn from is kept as long as the longest of them says; one under a"
    " legal hold, and one that live memory or an open proposal cites, is kept.",
    "remind_by_mail": f"Addresses that get the daily digest of what waits, one a line, at most {MAX_ADDRESSES}.",
    "webhook_url": "Gets the same digest as JSON that Slack understands. Whoever knows the address can post there: only"
    " admins see it, and the record keeps its hash alone.",
}


class ReviewSettingsForm(forms.ModelForm):
    webhook_url = forms.URLField(
        required=False, max_length=500, assume_scheme="https", label="Webhook", help_text=HELP["webhook_url"]
    )
    fewer = forms.BooleanField(
        required=False, label="Fewer people will have to agree from now on. That is meant.", widget=forms.HiddenInput
    )

    class Meta:
        model = ReviewSettings
        fields = list(HELP)
        help_texts = HELP
        widgets = {"four_eyes": forms.RadioSelect, "remind_by_mail": forms.Textarea(attrs={"rows": 3})}
        labels = {
            "waivers_allowed": "One person may publish alone, with a reason",
            "signatures": "Decisions are signed",
            "signing_break_minutes": "In full after (minutes)",
            "hold_back_seconds": "Take back within (seconds)",
            "target_hours": "Target age (hours)",
            "expires_after_days": "Expires after (days)",
            "bulk_allowed": "Approve several at once",
            "bulk_cap": "At most at once",
            "blind_share": "Blind first (percent)",
            "second_look_share": "Second looks (percent)",
            "reversals_to_gate": "Reversals that gate",
            "keep_sessions_days": "Keep sessions (days)",
            "remind_by_mail": "Daily digest by mail",
        }

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.kept = ReviewSettings.of(self.instance.store)

    def sections(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The fields under their headings."""
        return [(title, [self[name] for name in names]) for title, names in SECTIONS.items()]

    def clean_remind_by_mail(self) -> str:
        addresses = list(dict.fromkeys(self.cleaned_data["remind_by_mail"].split()))
        if len(addresses) > MAX_ADDRESSES:
            raise forms.ValidationError(
                f"{len(addresses)} addresses; {MAX_ADDRESSES} are allowed. Use a list's address."
            )
        for address in addresses:
            validate_email(address)
        return "\n".join(addresses)

    def clean_webhook_url(self) -> str:
        url: str = self.cleaned_data["webhook_url"]
        if url and urlsplit(url).scheme not in ("http", "https"):
            raise forms.ValidationError("Only http and https are posted to.")
        return url

    def clean(self) -> dict[str, object]:
        """Asking fewer people than before has to be meant."""
        cleaned = super().clean() or {}
        wanted = cleaned.get("four_eyes")
        if wanted and asks_for_fewer(self.kept, wanted):
            self.fields["fewer"].widget = forms.CheckboxInput()
            if not cleaned.get("fewer"):
                self.add_error("fewer", "Tick this to ask fewer people than before, or choose what was set.")
        return cleaned
