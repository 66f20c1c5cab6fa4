"""A person's second factors: set up on the way in, added, replaced and removed later."""

from io import BytesIO

import qrcode
from allauth.mfa.models import Authenticator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from qrcode.image.svg import SvgPathImage

from clinic_site.accounts import signing_in, throttle
from clinic_site.accounts.factors import (
    APP,
    PASSKEY,
    RECOVERY,
    add_app,
    kinds_of,
    new_app_secret,
    open_app_secret,
    recovery_codes_left,
    replace_recovery_codes,
    seal_app_secret,
    step_of,
)
from clinic_site.accounts.forms import AppForm, PasskeyForm
from clinic_site.accounts.models import User
from clinic_site.accounts.notices import record_account, tell
from clinic_site.accounts.passkeys import PasskeyRefused, add_passkey, registration_options
from clinic_site.accounts.views import ask_for_fresh_factor, on_the_way, wanted
from clinic_site.encryption.cipher import CannotOpen

_NEW_APP = "new_app"
_ISSUER = "Intake review"
_NAMES = {APP: "An app that shows codes", PASSKEY: "A passkey", RECOVERY: "Recovery codes"}
_GET_OR_POST = require_http_methods(["GET", "HEAD", "POST"])


@require_GET
def factors(request: HttpRequest) -> HttpResponse:
    """What there is, and for somebody on the way in the choice of a first one."""
    user = _person(request)
    rows = list(Authenticator.objects.filter(user=user).exclude(type=RECOVERY).order_by("created_at"))
    context = {
        "person": user,
        "factors": [{"row": row, "name": _name_of(row), "may_go": _may_go(user, row, rows)} for row in rows],
        "codes_left": recovery_codes_left(user),
        "has_app": any(row.type == APP for row in rows),
        "is_signed_in": signing_in.is_signed_in(request),
        "passkey_missing": signing_in.needs_passkey(user) and not any(row.type == PASSKEY for row in rows),
        "passkey_unused": signing_in.is_signed_in(request) and not signing_in.has_enough(request),
    }
    return render(request, "accounts/factors.html", context)


@_GET_OR_POST
def app(request: HttpRequest) -> HttpResponse:
    """Shows a new secret, and takes it once the app has shown a code made with it."""
    if late := _late(request):
        return late
    user = _person(request)
    secret = _secret(request, user)
    form = AppForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        step = step_of(secret, form.cleaned_data["code"]) if throttle.may_try_code(user.pk) else None
        if step is not None:
            with transaction.atomic():
                add_app(user, secret, used_step=step)
                _added(request, user, APP)
            throttle.forget_code_tries(user.pk)
            request.session.pop(_NEW_APP, None)
            return _go_on(request, user, APP)
        form.add_error("code", "That is not what the app should show. Wait for the next code and enter it.")
    spaced = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    status = 422 if form.errors else 200
    return render(request, "accounts/app.html", {"form": form, "secret": spaced, **on_the_way(request)}, status=status)


@require_GET
def app_picture(request: HttpRequest) -> HttpResponse:
    """The secret as a picture for the app's camera. A picture of its own, because no page here holds foreign markup."""
    if late := _late(request):
        return late
    user = _person(request)
    address = f"otpauth://totp/{user.email}?secret={_secret(request, user)}&issuer={_ISSUER.replace(' ', '%20')}"
    picture = BytesIO()
    qrcode.make(address, image_factory=SvgPathImage).save(picture)
    return HttpResponse(picture.getvalue(), content_type="image/svg+xml")


@_GET_OR_POST
def passkey(request: HttpRequest) -> HttpResponse:
    if late := _late(request):
        return late
    user = _person(request)
    form = PasskeyForm(request.POST if request.method == "POST" else None)
    problem = ""
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                add_passkey(
                    request, user, name=form.cleaned_data["name"], credential=request.POST.get("credential", "")
                )
                _added(request, user, PASSKEY)
        except PasskeyRefused:
            problem = "The passkey was not accepted. Try again with this device or another one."
        else:
            return _go_on(request, user, PASSKEY)
    status = 422 if form.errors or problem else 200
    context = {"form": form, "problem": problem, **on_the_way(request)}
    return render(request, "accounts/passkey.html", context, status=status)


@require_GET
def passkey_registration_options(request: HttpRequest) -> HttpResponse:
    return JsonResponse(registration_options(request, _person(request)))


@require_POST
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """New recovery codes; the earlier ones end. Shown in this answer and never again."""
    user = _person(request)
    with transaction.atomic():
        codes = replace_recovery_codes(user)
        record_account("staff.factor-added", user, factor=RECOVERY)
        tell(user, "New recovery codes were made for your account. The earlier ones do not work any more.")
    return _codes_page(request, codes)


@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    user = _person(request)
    with transaction.atomic():
        # Locked, so that two removals at once can not take the last two.
        User.objects.select_for_update().get(pk=user.pk)
        rows = list(Authenticator.objects.filter(user=user).exclude(type=RECOVERY))
        row = next((row for row in rows if row.pk == pk), None)
        if row is None:
            raise Http404
        if _may_go(user, row, rows):
            row.delete()
            record_account("staff.factor-removed", user, factor=row.type)
            tell(user, f"This way to sign in was removed from your account: {_NAMES[row.type].lower()}.")
    return redirect("factors")


# ── parts ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _person(request: HttpRequest) -> User:
    """Who is signed in, or half-way and may make a factor. The middleware lets nobody else come here."""
    if signing_in.is_signed_in(request) and isinstance(request.user, User):
        return request.user
    half = signing_in.half_signed(request)
    assert half is not None  # noqa: S101
    return half.user


def _late(request: HttpRequest) -> HttpResponse | None:
    """Asks for a fresh factor already when the page is opened: its code or key would be lost on the way."""
    signed_in = signing_in.is_signed_in(request)
    return ask_for_fresh_factor(request) if signed_in and not signing_in.is_fresh(request) else None


def _secret(request: HttpRequest, user: User) -> str:
    """The secret that is being set up, sealed in the session until then."""
    try:
        return open_app_secret(user, request.session[_NEW_APP])
    except (KeyError, CannotOpen):
        secret = new_app_secret()
        request.session[_NEW_APP] = seal_app_secret(user, secret)
        return secret


def _added(request: HttpRequest, user: User, kind: str) -> None:
    record_account("staff.factor-added", user, factor=kind)
    tell(user, f"A new way to sign in was added to your account: {_NAMES[kind].lower()}.")


def _go_on(request: HttpRequest, user: User, kind: str) -> HttpResponse:
    """Recovery codes with the first factor; on the way in, the session as well, once the factor is enough."""
    codes = [] if RECOVERY in kinds_of(user) else replace_recovery_codes(user)
    if signing_in.is_signed_in(request):
        signing_in.confirm(request, kind)
    elif signing_in.is_enough(user, kind):
        signing_in.complete(request, user, kind)
    else:
        signing_in.begin(request, user, passed=kind)
    return _codes_page(request, codes) if codes else redirect(wanted(request) or "factors")


def _codes_page(request: HttpRequest, codes: list[str]) -> HttpResponse:
    return render(request, "accounts/codes.html", {"codes": codes})


def _name_of(row: Authenticator) -> str:
    return row.wrap().name if row.type == PASSKEY else _NAMES[row.type]


def _may_go(user: User, row: Authenticator, rows: list[Authenticator]) -> bool:
    """Not the last one, and not the last passkey of somebody who must have one."""
    if row.type == RECOVERY or len(rows) < 2:
        return False
    last_passkey = row.type == PASSKEY and sum(other.type == PASSKEY for other in rows) == 1
    return not (last_passkey and signing_in.needs_passkey(user))
