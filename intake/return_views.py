"""The pages for coming back to a draft, for a draft that was open too long, and for leaving in a hurry."""

import datetime
import logging
from typing import Any

from django.core import signing
from django.db import DatabaseError
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from clinic_site.clinics.models import Clinic
from clinic_site.limits.addresses import client_address, network_of
from clinic_site.limits.services import forget, is_within
from clinic_site.records import scope
from intake.access import (
    cookie_of,
    counts_as_use,
    drop_pass,
    forget_leaving,
    held_public_ids,
    holds_open_pass,
    read_pass,
    set_pass,
    shut_pass,
)
from intake.opening import about, find_response, no_access, page_for_shut, see_other
from intake.pace import may_ask_for_link
from intake.presentation import continue_url
from intake.return_address import address_in, address_waits
from intake.return_forms import MailForm, OpenForm, SecondForm, WaysForm
from intake.returning import (
    NotThis,
    ask_for_link,
    asks_for_second,
    choose_ways,
    has_ways,
    knows_second,
    leave_draft,
    open_with,
)

log = logging.getLogger(__name__)

# By network, and never for long: somebody else behind the same address may be the one who guesses.
_TRIES, _TRIES_WINDOW = 10, datetime.timedelta(minutes=10)
_ASKED_SALT = "intake.asked"
LEAVE_FOR = "https://www.weather.gov/"


def _clinic(slug: str) -> Clinic:
    clinic = Clinic.objects.filter(slug=slug).first()
    if clinic is None:
        raise Http404
    scope.go_on_within(scope.of_clinics(clinic.id))
    return clinic


def _network(request: HttpRequest) -> str:
    return network_of(client_address(request))


def _too_many(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    return render(request, "intake/too_many.html", about(clinic), status=429)


def _problems(form: Form) -> list[tuple[str, str]]:
    return [(f"#id_{name}", str(text)) for name, texts in form.errors.items() for text in texts]


@require_http_methods(["GET", "HEAD", "POST"])
def resume(request: HttpRequest, slug: str) -> HttpResponse:
    """Asks for the e-mail address and answers the same for every address."""
    clinic = _clinic(slug)
    if request.method != "POST":
        return render(request, "intake/resume.html", {**about(clinic), "form": MailForm()})
    form = MailForm(request.POST)
    if not form.is_valid():
        return render(
            request, "intake/resume.html", {**about(clinic), "form": form, "problems": _problems(form)}, status=422
        )
    if not may_ask_for_link(clinic, _network(request)):
        return _too_many(request, clinic)
    index = ask_for_link(clinic, form.cleaned_data["email"])
    asked = signing.dumps(index.hex(), salt=_ASKED_SALT)
    return render(request, "intake/open.html", {**about(clinic), "form": OpenForm(), "asked": asked, "mailed": True})


@require_http_methods(["GET", "HEAD", "POST"])
def open_draft(request: HttpRequest, slug: str) -> HttpResponse:
    """Where a mailed link leads, and where a code is typed. Only a POST does anything."""
    clinic = _clinic(slug)
    if request.method != "POST":
        return render(request, "intake/open.html", {**about(clinic), "form": OpenForm()})
    form, asked = OpenForm(request.POST), request.POST.get("asked", "")
    context = {**about(clinic), "form": form, "asked": asked}
    if not form.is_valid():
        return render(request, "intake/open.html", {**context, "problems": _problems(form)}, status=422)
    if not is_within("return.tries", _network(request), limit=_TRIES, window=_TRIES_WINDOW):
        log.warning("Many wrong tries from one network to open a form at %s.", clinic.slug)
        return _too_many(request, clinic)
    try:
        response, token = open_with(clinic, form.shown(_asked_index(asked)))
    except NotThis:
        return render(request, "intake/open.html", {**context, "refused": True}, status=422)
    forget("return.tries", _network(request))
    opened = see_other(continue_url(response))
    set_pass(opened, response, token, own_device=form.cleaned_data["own_device"])
    return opened


def _asked_index(signed: str) -> bytes:
    try:
        return bytes.fromhex(signing.loads(signed, salt=_ASKED_SALT, max_age=3600))
    except (signing.BadSignature, TypeError, ValueError):
        return b""


@counts_as_use
@require_http_methods(["GET", "HEAD", "POST"])
def ways(request: HttpRequest, public_id: str) -> HttpResponse:
    """Offers ways to come back. Shows a new code to write down in its answer, once."""
    response = find_response(public_id)
    if not holds_open_pass(request, response):
        return page_for_shut(request, response)
    if not response.is_draft:
        return redirect("intake:done", public_id)
    document, chosen = response.document(), has_ways(response)
    address = address_in(document)
    form = WaysForm(request.POST if request.method == "POST" else None, document=document, address=address)
    context: dict[str, Any] = {
        **about(response.clinic),
        "response": response,
        "idle": True,
        "form": form,
        "address": address,
        "chosen": chosen,
        "continue_url": continue_url(response),
    }
    if request.method != "POST":
        return render(request, "intake/ways.html", {**context, "waits": address_waits(response)})
    if form.is_valid() and chosen and not knows_second(response, form.cleaned_data["current"]):
        form.add_error("current", SecondForm.WRONG)
    if not form.is_valid():
        return render(request, "intake/ways.html", {**context, "problems": _problems(form)}, status=422)
    kept = form.ways()
    code = choose_ways(public_id, kept)
    return render(
        request, "intake/ways_kept.html", {**context, "code": code, "ways": kept, "waits": address_waits(response)}
    )


@require_http_methods(["GET", "HEAD", "POST"])
def wake(request: HttpRequest, public_id: str) -> HttpResponse:
    """Goes on after a pause in the browser that holds the draft. Asks for the second thing where the person said so."""
    response = find_response(public_id)
    held = read_pass(request, response)
    if held is None:
        return no_access(request, response)
    asks = response.is_draft and asks_for_second(response)
    answered = asks and "second" in request.POST
    form = SecondForm(request.POST if answered else None)
    context = {**about(response.clinic), "response": response, "form": form if asks else None}
    if request.method != "POST":
        if held.was_left(response):
            return page_for_shut(request, response)
        return render(request, "intake/asleep.html", context)
    if asks and not answered:
        # From the clinic's first page, which does not ask.
        return render(request, "intake/asleep.html", context)
    if asks:
        if form.is_valid() and not knows_second(response, form.cleaned_data["second"]):
            form.refuse()
        if not form.is_valid():
            return render(request, "intake/asleep.html", {**context, "problems": _problems(form)}, status=422)
    opened = see_other(continue_url(response))
    set_pass(opened, response, held.token, own_device=held.own_device)
    return opened


# Without the token against forged forms, because error pages carry this button too. A form on a foreign site sends no
# pass with it (SameSite) and is refused here as well.
@csrf_exempt
@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Shuts every draft in this browser and leads to a page about the weather.

    A page and no redirect: `form-action` would stop one to another site.
    """
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return render(request, "403.html", status=403)
    left = render(request, "intake/left.html", {"leave_for": LEAVE_FOR})
    left.headers["Referrer-Policy"] = "no-referrer"
    forgets = [_leave_one(request, left, public_id) for public_id in held_public_ids(request)[:20]]
    forget_leaving(left)
    kinds = ["cache", "cookies", "storage"] if all(forgets) else ["cache", "storage"]
    left.headers["Clear-Site-Data"] = ", ".join(f'"{kind}"' for kind in kinds)
    return left


def _leave_one(request: HttpRequest, left: HttpResponse, public_id: str) -> bool:
    """Whether this browser forgets the draft."""
    held, forgets = cookie_of(request, public_id), False
    try:
        forgets = leave_draft(public_id, held)
    except DatabaseError:
        # Somebody who must get away gets away, and the draft is shut in this browser all the same.
        log.warning("A form was left while the database was away.")
    if forgets:
        drop_pass(left, public_id)
    else:
        shut_pass(left, public_id, held)
    return forgets
