"""Signing in with two factors, using one again, and signing out.

A form sent after the session ended is carried through all of it, so that nothing typed is lost.
"""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.views import LogoutView
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_http_methods

from clinic_site.accounts import sessions, signing_in, throttle
from clinic_site.accounts.carried import CARRIED, pack, unpack
from clinic_site.accounts.factors import (
    APP,
    PASSKEY,
    RECOVERY,
    has_second_factor,
    kinds_of,
    use_app_code,
    use_recovery_code,
)
from clinic_site.accounts.forms import CodeForm, SignInForm
from clinic_site.accounts.models import StaffSession, User
from clinic_site.accounts.notices import record_account
from clinic_site.accounts.passkeys import CopiedPasskey, PasskeyRefused, sign_in_options, use_passkey
from clinic_site.limits.addresses import client_address, network_of
from clinic_site.limits.services import is_within

_TOO_MANY_HERE = "There were too many failed tries from your network. Wait fifteen minutes and try again."
_TOO_MANY_CODES = "There were too many tries. Wait five minutes and use a new code, or use a passkey now."
_WRONG_CODE = "That code is wrong, too old or was used before. Wait for the next one and enter it."
_NO_PASSKEY = "That passkey was not accepted. Try again, or sign in with your password."
_GET_OR_POST = require_http_methods(["GET", "HEAD", "POST"])


@_GET_OR_POST
def sign_in(request: HttpRequest) -> HttpResponse:
    """The first factor."""
    if request.method != "POST":
        return _sign_in_page(request, SignInForm(request))
    address = client_address(request)
    form = SignInForm(request, data=request.POST)
    if throttle.network_is_blocked(address):
        return _sign_in_page(request, SignInForm(request), status=429, problem=_TOO_MANY_HERE)
    if not form.is_valid():
        throttle.count_network_failure(address)
        record_account("staff.sign-in-failed")
        typed = form.cleaned_data.get("username")
        if typed and throttle.has_just_locked(typed):
            record_account("staff.sign-in-locked", User.objects.filter(email=typed).first())
        return _sign_in_page(request, form, status=422)
    signing_in.begin(request, form.get_user())
    if unpack(request.POST.get(CARRIED, "")) and has_second_factor(form.get_user()):
        # Shown at once: a redirect would lose what was typed.
        return _second_page(request, CodeForm())
    return redirect(f"{reverse('sign-in-second')}{_query(request)}")


@_GET_OR_POST
def second_step(request: HttpRequest) -> HttpResponse:
    """The second factor: a code from the app, or a recovery code. A passkey does without the password."""
    half = signing_in.half_signed(request)
    if half is None:
        return ask_to_sign_in(request)
    if half.may_enrol:
        return redirect("factors")
    if request.method != "POST":
        return _second_page(request, CodeForm())
    form = CodeForm(request.POST)
    kind = _code_passed(request, half.user, form) if form.is_valid() else None
    if kind is None:
        return _second_page(request, form, status=422)
    return _let_in(request, half.user, kind)


@_GET_OR_POST
def sign_in_with_passkey(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return redirect("sign-in")
    try:
        user, _row = use_passkey(request, request.POST.get("credential", ""))
    except PasskeyRefused as refused:
        _note_refusal(request, refused)
        return _sign_in_page(request, SignInForm(request), status=422, problem=_NO_PASSKEY)
    throttle.forget_password_tries(user.email)
    return _let_in(request, user, PASSKEY)


@require_GET
def passkey_options(request: HttpRequest) -> HttpResponse:
    """What the browser needs for using a passkey. The challenge is kept in the session."""
    if not is_within("passkey.options", network_of(client_address(request)), limit=120, window=timedelta(minutes=10)):
        return JsonResponse({}, status=429)
    return JsonResponse(sign_in_options(request))


@_GET_OR_POST
def confirm(request: HttpRequest) -> HttpResponse:
    """A second factor once more, before something that weighs much."""
    if request.method != "POST":
        return _confirm_page(request, CodeForm())
    form = CodeForm(request.POST)
    user = _user(request)
    if not form.is_valid() or _code_passed(request, user, form, recovery=False) is None:
        return _confirm_page(request, form, status=422)
    signing_in.confirm(request, APP)
    return arrive(request)


@_GET_OR_POST
def confirm_with_passkey(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return redirect("confirm")
    try:
        user, _row = use_passkey(request, request.POST.get("credential", ""))
        if user != request.user:
            raise PasskeyRefused("Somebody else's passkey.")
    except PasskeyRefused as refused:
        _note_refusal(request, refused)
        return _confirm_page(request, CodeForm(), status=422, problem=_NO_PASSKEY)
    signing_in.confirm(request, PASSKEY)
    return arrive(request)


@_GET_OR_POST
def my_sessions(request: HttpRequest) -> HttpResponse:
    """Where one is signed in, and the way to end it there."""
    user = _user(request)
    if request.method == "POST":
        chosen = request.POST.get("end", "")
        mine = {str(row.pk): row.pk for row in StaffSession.objects.filter(user=user)}
        if chosen == "others":
            ended = sessions.end_sessions(user, but=request.session)
        else:
            ended = int(chosen in mine and sessions.end_session(user, mine[chosen]))
        if ended:
            record_account("staff.session-ended", user, why="by its owner", count=ended)
        return redirect("sessions")
    rows = StaffSession.objects.filter(user=user).order_by("-seen_at")
    this = sessions.digest_of(request.session.session_key or "")
    return render(request, "accounts/sessions.html", {"sessions": [(row, row.digest == this) for row in rows]})


class SignOut(LogoutView):
    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Deletes the session's row; the cookie opens nothing any more."""
        if isinstance(request.user, User):
            record_account("staff.signed-out", request.user)
        return super().post(request, *args, **kwargs)


# ── for the middleware ─────────────────────────────────────────────────────────────────────────────────────────────


def ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    """Leads to signing in, or on from half-way.

    A POST from an ended session takes its fields along, signed, and is offered again afterwards.
    """
    if request.method != "POST":
        step = "sign-in-second" if signing_in.half_signed(request) is not None else "sign-in"
        return redirect(f"{reverse(step)}?{urlencode({'next': request.path}, safe='/')}")
    packed = request.POST.get(CARRIED) or pack(request)
    return _sign_in_page(request, SignInForm(request), status=401, carried=packed)


def ask_for_fresh_factor(request: HttpRequest) -> HttpResponse:
    """The same for somebody who is signed in and used the second factor too long ago."""
    if request.method != "POST":
        return redirect(f"{reverse('confirm')}?{urlencode({'next': request.path}, safe='/')}")
    packed = pack(request)
    if not packed:
        # Passwords are not carried: their page is opened again after the factor.
        return redirect(f"{reverse('confirm')}?{urlencode({'next': request.path}, safe='/')}")
    return _confirm_page(request, CodeForm(), status=401, carried=packed)


# ── parts ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def arrive(request: HttpRequest) -> HttpResponse:
    """Where the person wanted to go, or what they had typed, to be sent now."""
    carried = unpack(request.POST.get(CARRIED, ""))
    if carried is not None:
        action, pairs = carried
        return render(request, "accounts/carry_on.html", {"action": action, "carried": pairs})
    return redirect(wanted(request) or "home")


def wanted(request: HttpRequest) -> str:
    """The page of this site that `next` names, or nothing."""
    target = request.POST.get("next") or request.GET.get("next", "")
    hosts, https = {request.get_host()}, request.is_secure()
    return target if url_has_allowed_host_and_scheme(target, allowed_hosts=hosts, require_https=https) else ""


def on_the_way(request: HttpRequest, carried: str | None = None) -> dict[str, Any]:
    """What every step hands to the next: where to go, and what was typed."""
    packed = request.POST.get(CARRIED, "") if carried is None else carried
    pairs = [(CARRIED, packed)] if packed else []
    if target := wanted(request):
        pairs.append(("next", target))
    return {"handed_on": pairs, "is_carrying": bool(packed)}


def _let_in(request: HttpRequest, user: User, kind: str) -> HttpResponse:
    """Signs in, or leads to the passkey that the person's role asks for."""
    if not signing_in.is_enough(user, kind):
        if kind == RECOVERY:
            signing_in.told_of_recovery(request, user)
        signing_in.begin(request, user, passed=kind)
        return redirect("factors")
    signing_in.complete(request, user, kind)
    return arrive(request)


def _code_passed(request: HttpRequest, user: User, form: CodeForm, *, recovery: bool = True) -> str | None:
    """Which factor the code was, or None with the form's problem said."""
    code = form.cleaned_data["code"]
    if not throttle.may_try_code(user.pk):
        form.add_error("code", _TOO_MANY_CODES)
        record_account("staff.second-factor-locked", user)
        return None
    if code.isdigit() and not signing_in.takes_app_codes(user):
        form.add_error("code", "Your role signs in with a passkey. Use it, or one of your recovery codes.")
        return None
    if use_app_code(user, code):
        passed = APP
    elif recovery and use_recovery_code(user, code):
        passed = RECOVERY
    else:
        form.add_error("code", _WRONG_CODE)
        record_account("staff.second-factor-failed", user)
        return None
    throttle.forget_code_tries(user.pk)
    return passed


def _note_refusal(request: HttpRequest, refused: PasskeyRefused) -> None:
    if isinstance(refused, CopiedPasskey):
        record_account("staff.passkey-copied", refused.user)
    else:
        record_account("staff.sign-in-failed", factor=PASSKEY)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - the middleware lets nobody else come here
    return request.user


def _query(request: HttpRequest) -> str:
    target = wanted(request)
    return f"?{urlencode({'next': target}, safe='/')}" if target else ""


def _sign_in_page(
    request: HttpRequest, form: SignInForm, *, status: int = 200, carried: str | None = None, problem: str = ""
) -> HttpResponse:
    context = {"form": form, "problem": problem, "passkey_action": reverse("sign-in-passkey")}
    return render(request, "accounts/sign_in.html", {**context, **on_the_way(request, carried)}, status=status)


def _second_page(request: HttpRequest, form: CodeForm, *, status: int = 200) -> HttpResponse:
    context = {"form": form, "passkey_action": reverse("sign-in-passkey")}
    return render(request, "accounts/second.html", {**context, **on_the_way(request)}, status=status)


def _confirm_page(
    request: HttpRequest, form: CodeForm, *, status: int = 200, carried: str | None = None, problem: str = ""
) -> HttpResponse:
    context = {
        "form": form if APP in kinds_of(_user(request)) else None,
        "problem": problem,
        "passkey_action": reverse("confirm-passkey"),
    }
    return render(request, "accounts/confirm.html", {**context, **on_the_way(request, carried)}, status=status)
