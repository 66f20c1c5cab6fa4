"""What a person fills in to be able to come back, and to come back."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from intake.answers import AnswerDocument
from intake.return_codes import check_second_thing, has_slip, tidy
from intake.returning import Shown, Ways

_MOST = 128
# Neither the browser nor a spelling service learns what is typed.
_NOT_KEPT = {"autocomplete": "off", "spellcheck": "false"}


def _secret(label: Any, *, hint: Any = "", missing: Any = "", required: bool = True) -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=hint,
        error_messages={"required": missing},
        max_length=_MOST,
        required=required,
        strip=True,
        widget=forms.PasswordInput(attrs={"class": "input", **_NOT_KEPT}),
    )


def _code(label: Any) -> forms.CharField:
    attributes = {"class": "input input--20", "autocapitalize": "characters", "dir": "ltr", **_NOT_KEPT}
    return forms.CharField(
        label=label,
        help_text=_("From the mail, or from your paper"),
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs=attributes),
    )


class WaysForm(forms.Form):
    second = _secret(
        _("Six digits or a passphrase"),
        hint=_(
            "Six digits that are not a date, or 8 letters or more. Choose something that people near you can not guess."
        ),
        missing=_("Choose six digits or a passphrase, or skip this page"),
    )
    again = _secret(_("The same once more"), missing=_("Type the six digits or the passphrase once more"))
    by_mail = forms.BooleanField(required=False)
    on_paper = forms.BooleanField(required=False)
    everywhere = forms.BooleanField(required=False)
    current = _secret(_("The six digits or the passphrase you have now"), required=False)

    def __init__(self, *args: Any, document: AnswerDocument, address: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.document, self.address = document, address

    def clean_second(self) -> str:
        text = str(self.cleaned_data["second"])
        check_second_thing(text, known=_known_digits(self.document))
        return text

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        if "second" in cleaned and "again" in cleaned and cleaned["second"] != cleaned["again"]:
            self.add_error("again", _("The two are not the same. Type it again in both boxes."))
        if not (cleaned.get("on_paper") or (cleaned.get("by_mail") and self.address)):
            self.add_error("on_paper", _("Choose how to find your form again."))
        return cleaned

    def ways(self) -> Ways:
        chosen = self.cleaned_data
        return Ways(
            second=chosen["second"],
            by_mail=chosen["by_mail"] and bool(self.address),
            on_paper=chosen["on_paper"],
            everywhere=chosen["everywhere"],
        )


def _known_digits(document: AnswerDocument) -> list[str]:
    """Digits that people around the person know: the birthday in its usual forms, and the end of the phone number."""
    year, _dash, rest = str(document.value("date_of_birth") or "").partition("-")
    month, _dash, day = rest.partition("-")
    phone = str((document.value("phone") or {}).get("e164", ""))
    short = year[-2:]
    orders = [(month, day, short), (day, month, short), (short, month, day), (short, day, month)]
    long_orders = [(month, day, year), (day, month, year), (year, month, day)]
    return ["".join(parts) for parts in (*orders, *long_orders)] + [phone[-6:], phone[-10:]]


class MailForm(forms.Form):
    email = forms.EmailField(
        label=_("Email"),
        help_text=_("The address that you gave in your form"),
        widget=forms.EmailInput(attrs={"class": "input", "autocapitalize": "none", **_NOT_KEPT}),
        error_messages={
            "required": _("Enter the email address that you gave in your form"),
            "invalid": _("Check this address. It looks like name@example.com."),
        },
    )


class OpenForm(forms.Form):
    """A link's token or code, or a code on paper; and always the second thing."""

    token = forms.CharField(required=False, max_length=100, widget=forms.HiddenInput)
    code = _code(_("The code"))
    second = _secret(
        _("Your six digits or your passphrase"),
        hint=_("What you chose when you started"),
        missing=_("Enter the six digits or the passphrase that you chose"),
    )
    own_device = forms.BooleanField(required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        code = tidy(cleaned.get("code") or "")
        if not cleaned.get("token"):
            if not code:
                self.add_error("code", _("Enter the code from the mail or from your paper"))
            elif len(code) > 8 and has_slip(code):
                self.add_error("code", _("There is a slip in this code. Check each letter. It has 16, in fours."))
        return cleaned

    def shown(self, asked_index: bytes) -> Shown:
        token, code = self.cleaned_data["token"], tidy(self.cleaned_data["code"])
        on_paper = not token and len(code) > 8
        return Shown(
            second=self.cleaned_data["second"],
            token=token,
            link_code="" if token or on_paper else code,
            paper_code=code if on_paper else "",
            asked_index=asked_index,
        )


class SecondForm(forms.Form):
    WRONG = _("This is not what you chose. Check it and try again. After ten tries, wait an hour.")

    second = _secret(
        _("Your six digits or your passphrase"),
        hint=_("What you chose when you started"),
        missing=_("Enter the six digits or the passphrase that you chose"),
    )

    def refuse(self) -> None:
        self.add_error("second", self.WRONG)
