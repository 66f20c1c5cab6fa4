"""The forms of signing in. They stand inside a page's own <form>."""

from typing import Any

from crispy_forms.helper import FormHelper
from django import forms
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm, SetPasswordForm

PROBLEM = (
    "That email address and password do not belong together, or there were too many tries. Check both and try again"
    " in a few minutes, or use a passkey."
)


def _inside_a_form() -> FormHelper:
    helper = FormHelper()
    helper.form_tag, helper.disable_csrf = False, True
    return helper


class SignInForm(AuthenticationForm):
    helper = _inside_a_form()
    # One text for a wrong password, an unknown address, a closed account and a lock.
    error_messages = {"invalid_login": PROBLEM, "inactive": PROBLEM}

    def clean_username(self) -> str:
        """Addresses are kept in small letters; a telephone's keyboard likes to begin with a capital."""
        return self.cleaned_data["username"].lower()


class CodeForm(forms.Form):
    helper = _inside_a_form()
    code = forms.CharField(
        label="Code from your app, or a recovery code",
        max_length=40,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false", "autofocus": True}
        ),
        error_messages={"required": "Enter the six digits that your app shows now."},
    )

    def clean_code(self) -> str:
        return "".join(self.cleaned_data["code"].split())


class AppForm(CodeForm):
    """Proves that the app was set up, before it counts."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label = "The six digits that the app shows now"


class PasskeyForm(forms.Form):
    helper = _inside_a_form()
    name = forms.CharField(
        label="A name for it, for example “Work laptop”",
        max_length=60,
        error_messages={"required": "Give it a name, so that you know it again."},
    )


class ForgottenForm(forms.Form):
    helper = _inside_a_form()
    email = forms.EmailField(
        label="Your email address",
        widget=forms.EmailInput(attrs={"autocomplete": "username"}),
        error_messages={"required": "Enter the email address you sign in with."},
    )

    def clean_email(self) -> str:
        return self.cleaned_data["email"].lower()


class NewPasswordForm(SetPasswordForm):
    helper = _inside_a_form()


class LinkForm(forms.Form):
    """The code out of the mailed link. The page's script fills it in."""

    helper = _inside_a_form()
    code = forms.CharField(
        label="Code from the mail",
        max_length=200,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false", "data-from-address": ""}
        ),
        error_messages={"required": "Open the link in the mail again, or copy the code from it."},
    )


class ChangePasswordForm(PasswordChangeForm):
    helper = _inside_a_form()
