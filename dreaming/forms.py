from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone

from dreaming.engines import missing_for
from dreaming.models import Dream, DreamPolicy, Engine
from dreaming.windows import InvalidWindow, check_window
from memory.models import MemoryStore
from sessions.models import Agent, ApiKey, slug_validator


def clean_window(form: forms.BaseForm) -> str:
    """The window of a form's cleaned data, or the reason why it is none."""
    window: str = form.cleaned_data["window"].strip()
    try:
        check_window(window)
    except InvalidWindow as error:
        raise forms.ValidationError(str(error)) from error
    return window


class DreamForm(forms.ModelForm):
    """What a dream on demand looks at."""

    class Meta:
        model = Dream
        fields = ["store", "engine", "window", "max_proposals", "max_cost"]
        help_texts = {"window": DreamPolicy._meta.get_field("window").help_text}

    def clean_window(self) -> str:
        return clean_window(self)


class DreamPolicyForm(forms.ModelForm):
    class Meta:
        model = DreamPolicy
        fields = ["schedule", "engine", "window", "max_proposals", "max_cost", "remote_store"]

    def clean_window(self) -> str:
        return clean_window(self)

    def clean(self) -> dict[str, Any]:
        """A schedule that would fail every night is refused now."""
        cleaned: dict[str, Any] = super().clean() or {}
        engine = cleaned.get("engine", Engine.MINING)
        lack = missing_for(engine)
        if engine == Engine.ANTHROPIC_DREAMS and not lack and not cleaned.get("remote_store"):
            lack = "Give the id of the memory store at Anthropic that this store mirrors."
        if lack:
            self.add_error("engine", lack)
        return cleaned


class NewAgentForm(forms.Form):
    slug = forms.CharField(
        label="Name",
        max_length=100,
        validators=[slug_validator],
        help_text="Lower-case letters, digits, dots, dashes, underscores.",
    )
    store = forms.ModelChoiceField(MemoryStore.objects, required=False, label="Reads the store", empty_label="none yet")

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        if Agent.objects.filter(slug=slug).exists():
            raise forms.ValidationError(f"There is an agent {slug} already.")
        return slug


class NewStoreForm(forms.Form):
    name = forms.CharField(max_length=100, validators=[slug_validator])

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if MemoryStore.objects.filter(name=name).exists():
            raise forms.ValidationError(f"There is a store {name} already.")
        return name


class AgentForm(forms.ModelForm):
    stores = forms.ModelMultipleChoiceField(
        MemoryStore.objects, required=False, widget=forms.CheckboxSelectMultiple, label="Attached stores"
    )

    class Meta:
        model = Agent
        fields = ["mode", "auto_min_sessions", "auto_min_agents", "auto_own_writes"]
        widgets = {"mode": forms.RadioSelect}

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["stores"].initial = self.instance.stores.all()


class KeyForm(forms.Form):
    scopes = forms.MultipleChoiceField(choices=ApiKey.AGENT_SCOPES, widget=forms.CheckboxSelectMultiple, label="It may")
    label = forms.CharField(max_length=100, required=False, help_text="Where it will be used, to recognise it later.")
    days = forms.IntegerField(
        min_value=1, max_value=3650, required=False, label="Expires after days", help_text="Empty: never."
    )

    def expires_at(self):
        days = self.cleaned_data["days"]
        return timezone.now() + timedelta(days=days) if days else None
