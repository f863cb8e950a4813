from allauth.account.forms import ChangePasswordForm
from django import forms

from audit.accounts import change_own_password


class OwnPasswordForm(ChangePasswordForm):
    """Changing one's own password, on the record."""

    def clean_password1(self) -> str:
        password: str = self.cleaned_data["password1"]
        if self.user.check_password(password):
            raise forms.ValidationError("That is the one that you have. Choose another.")
        return password

    def save(self) -> None:
        change_own_password(user=self.user, password=self.cleaned_data["password1"])
