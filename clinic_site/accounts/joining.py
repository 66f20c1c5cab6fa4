"""Where an invitation is used: the person chooses a password. It signs nobody in; signing in is the next step."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.auth.password_validation import password_validators_help_text_html
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from clinic_site.accounts.forms import LinkForm
from clinic_site.accounts.invitations import NotUsable, redeem
from clinic_site.limits.addresses import client_address, network_of
from clinic_site.limits.services import is_within

_TRIES, _WINDOW = 30, timedelta(hours=1)
_NOT_USABLE = (
    "This code does not work. It may be old, or used already. Copy it again from the newest mail, or ask your "
    "administrator for a new one."
)


class JoinForm(LinkForm):
    """The code, and the password that its owner chooses."""

    password = forms.CharField(
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=password_validators_help_text_html,
    )
    again = forms.CharField(
        label="Password again", strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "password" in cleaned and "again" in cleaned and cleaned["password"] != cleaned["again"]:
            self.add_error("again", "The two passwords are not equal.")
        return cleaned


@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return render(request, "accounts/join.html", {"form": JoinForm()})
    form = JoinForm(request.POST)
    if not is_within("invitation", network_of(client_address(request)), limit=_TRIES, window=_WINDOW):
        form.add_error(None, "Too many tries from here. Wait an hour, then try again. Your code stays good.")
        return render(request, "accounts/join.html", {"form": form}, status=429)
    if form.is_valid() and _is_redeemed(form):
        return render(request, "accounts/joined.html")
    return render(request, "accounts/join.html", {"form": form}, status=422)


def _is_redeemed(form: JoinForm) -> bool:
    try:
        redeem(form.cleaned_data["code"], form.cleaned_data["password"])
    except NotUsable:
        form.add_error("code", _NOT_USABLE)
    except ValidationError as error:
        form.add_error("password", error)
    else:
        return True
    return False
