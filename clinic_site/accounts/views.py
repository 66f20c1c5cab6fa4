"""Signing in and out.

A form sent after the session ended is carried through signing in, so that nothing typed is lost.
"""

from typing import Any

from crispy_forms.helper import FormHelper
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.http import url_has_allowed_host_and_scheme

from clinic_site.audit.services import audit_event, record

_CARRIED = "carried"
_SALT = "accounts.carried"
_CARRIED_LIVES_SECONDS = 12 * 60 * 60


def _inside_a_form() -> FormHelper:
    """Crispy's settings for fields that stand inside a page's own <form>."""
    helper = FormHelper()
    helper.form_tag, helper.disable_csrf = False, True
    return helper


class SignInForm(AuthenticationForm):
    helper = _inside_a_form()

    def clean_username(self) -> str:
        """Addresses are kept in small letters; a telephone's keyboard likes to begin with a capital."""
        return self.cleaned_data["username"].lower()


class ChangePasswordForm(PasswordChangeForm):
    helper = _inside_a_form()


class Answers422:
    """An invalid form answers 422, as everywhere."""

    def form_invalid(self, form: Any) -> HttpResponse:
        answer = super().form_invalid(form)  # type: ignore[misc]
        answer.status_code = 422
        return answer


class SignIn(Answers422, LoginView):
    template_name = "accounts/sign_in.html"
    authentication_form = SignInForm

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        answer = super().form_valid(form)
        user = form.get_user()
        record([audit_event("staff.signed-in", clinic_id=None, user=user)])
        carried = _unpack(self.request.POST.get(_CARRIED, ""))
        if carried is None:
            return answer
        action, pairs = carried
        return render(self.request, "accounts/carry_on.html", {"action": action, "carried": pairs})

    def form_invalid(self, form: Any) -> HttpResponse:
        record([audit_event("staff.sign-in-failed", clinic_id=None)])
        return super().form_invalid(form)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        packed = self.request.POST.get(_CARRIED, "")
        return {**super().get_context_data(**kwargs), "carried": [(_CARRIED, packed)] if packed else []}


class SignOut(LogoutView):
    http_method_names = ["post", "options"]


class ChangePassword(Answers422, PasswordChangeView):
    """A person's own password; whoever was given a first one chooses theirs here. Other sessions end."""

    template_name = "accounts/password.html"
    form_class = ChangePasswordForm
    success_url = reverse_lazy("home")

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        answer = super().form_valid(form)
        record([audit_event("staff.password-changed", clinic_id=None, user=form.user, entity=form.user)])
        return answer


def ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    """Leads to signing in.

    A POST from an ended session takes its fields along, signed, and is offered again afterwards.
    """
    if request.method != "POST":
        return redirect(f"{reverse('sign-in')}?next={request.path}")
    pairs = [(name, text) for name, texts in request.POST.lists() for text in texts if name != "csrfmiddlewaretoken"]
    packed = signing.dumps([request.path, pairs], salt=_SALT, compress=True)
    form = SignInForm(request)
    return render(request, "accounts/sign_in.html", {"form": form, "carried": [(_CARRIED, packed)]}, status=401)


def _unpack(packed: str) -> tuple[str, list[tuple[str, str]]] | None:
    try:
        action, pairs = signing.loads(packed, salt=_SALT, max_age=_CARRIED_LIVES_SECONDS)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    if not url_has_allowed_host_and_scheme(action, allowed_hosts=None):
        return None
    return action, [(name, text) for name, text in pairs]
