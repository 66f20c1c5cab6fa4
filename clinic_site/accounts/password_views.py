"""One's own password: changed when signed in, or set anew by a mailed link."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.views import PasswordChangeView
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.views.decorators.http import require_http_methods

from clinic_site.accounts import signing_in
from clinic_site.accounts.forms import ChangePasswordForm, ForgottenForm, LinkForm, NewPasswordForm
from clinic_site.accounts.notices import record_account, tell
from clinic_site.accounts.password_requests import ask_for_link, owner_of, redeem, site_of
from clinic_site.accounts.sessions import end_sessions
from clinic_site.accounts.views import ask_for_fresh_factor
from clinic_site.limits.addresses import client_address, network_of
from clinic_site.limits.services import is_within

_GET_OR_POST = require_http_methods(["GET", "HEAD", "POST"])
_HOUR = timedelta(hours=1)


class ChangePassword(PasswordChangeView):
    """Asks for the present password. All other sessions end."""

    template_name = "accounts/password.html"
    form_class = ChangePasswordForm
    success_url = reverse_lazy("home")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # Before anything is typed, because passwords are not carried along.
        if not signing_in.is_fresh(request):
            return ask_for_fresh_factor(request)
        return super().get(request, *args, **kwargs)

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        with transaction.atomic():
            answer = super().form_valid(form)
            ended = end_sessions(form.user, but=self.request.session)
            record_account("staff.password-changed", form.user, sessions_ended=ended)
            tell(form.user, "The password of your account was changed. All other sessions have ended.")
        return answer

    def form_invalid(self, form: Any) -> HttpResponse:
        answer = super().form_invalid(form)
        answer.status_code = 422
        return answer


@_GET_OR_POST
def forgotten(request: HttpRequest) -> HttpResponse:
    """Answers the same for every address."""
    form = ForgottenForm(request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        return render(request, "accounts/forgotten.html", {"form": form}, status=422 if form.is_bound else 200)
    email = form.cleaned_data["email"]
    here = is_within("password-link.network", network_of(client_address(request)), limit=20, window=_HOUR)
    if here and is_within("password-link", email, limit=3, window=_HOUR):
        ask_for_link(email, site_of(request))
    return render(request, "accounts/forgotten_done.html")


@_GET_OR_POST
def new_password(request: HttpRequest) -> HttpResponse:
    """Redeems a link. Looking at the page uses nothing up."""
    link = LinkForm(request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return render(request, "accounts/new_password.html", {"link": link, "form": NewPasswordForm(None)})
    tried = is_within("password-link.tries", network_of(client_address(request)), limit=30, window=_HOUR)
    owner = owner_of(link.cleaned_data["code"]) if link.is_valid() and tried else None
    form = NewPasswordForm(owner, request.POST)
    if owner is not None and form.is_valid():
        if redeem(request, link.cleaned_data["code"], form.cleaned_data["new_password1"]):
            return redirect(f"{reverse_lazy('sign-in')}?new=1")
        owner = None
    if owner is None and link.is_valid():
        link.add_error("code", "This code is not good any more. Ask for a new link.")
        form = NewPasswordForm(None)
    return render(request, "accounts/new_password.html", {"link": link, "form": form}, status=422)
