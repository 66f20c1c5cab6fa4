"""What holds for every request and every answer, whatever page it is."""

import logging
from collections.abc import Callable
from typing import Any

from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase, HttpResponseNotAllowed
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from clinic_site.limits.addresses import came_through_our_proxy
from clinic_site.limits.bodies import check_size

log = logging.getLogger(__name__)

Handler = Callable[[HttpRequest], HttpResponse]

METHODS = ("GET", "HEAD", "POST")
READING = ("GET", "HEAD")
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
# The addresses that take something else than a form.
_NO_FORM = ("/browser-report/",)
_LONGEST_HEADERS = 16 * 1024


class NoncePerAnswer(CSPMiddleware):
    """The policy of django-csp with a new nonce in each answer, also where no element of the page bears one."""

    def process_request(self, request: HttpRequest) -> None:
        self._make_nonce(request)
        super().process_request(request)

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if request.path_info.startswith("/admin/"):
            # The scripts of Django's admin write markup from texts. `admin_markup.js` makes the one policy that lets
            # them, and refuses whatever could run.
            parts.replace = {**(parts.replace or {}), "trusted-types": ["default"]}
        return parts


class ProtectingHeaders:
    """The headers that tell a browser what it may do with an answer: on every one, files and refusals included."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not came_through_our_proxy(request):
            # Whether a request came over TLS, a client may not say of itself.
            request.META.pop("HTTP_X_FORWARDED_PROTO", None)
        response = self.get_response(request)
        for name, value in settings.PROTECTING_HEADERS.items():
            response.headers.setdefault(name, value)
        return response


class RefuseOddRequests:
    """Turns away what no page of ours sends, before anything reads it."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method not in METHODS:
            return _not_allowed(request, METHODS)
        _check_headers(request)
        _check_query(request)
        if request.method not in READING:
            if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
                return render(request, "403.html", status=403)
            _check_body(request)
        response = self.get_response(request)
        if isinstance(response, HttpResponseNotAllowed):
            return _not_allowed(request, response["Allow"].split(", "))
        return response

    def process_view(self, request: HttpRequest, view: Handler, *_named: Any) -> None:
        """Before the check against forged forms, which is the first to read a body."""
        if request.method not in READING:
            check_size(request, view)


def _not_allowed(request: HttpRequest, allowed: tuple[str, ...] | list[str]) -> HttpResponse:
    answer = render(request, "405.html", status=405)
    answer["Allow"] = ", ".join(method for method in allowed if method in METHODS)
    return answer


def _check_headers(request: HttpRequest) -> None:
    sent = [value for name, value in request.META.items() if name.startswith("HTTP_")]
    if sum(len(value) for value in sent) > _LONGEST_HEADERS:
        raise SuspiciousOperation("The headers are too long.")
    # A database can hold no NUL, and the name of a session or a draft comes from a cookie.
    if any("\x00" in value for value in request.COOKIES.values()):
        raise SuspiciousOperation("A cookie holds a NUL.")


def _check_query(request: HttpRequest) -> None:
    """A name that stands twice means one thing to us and another to a proxy; no page of ours writes one."""
    for name, values in request.GET.lists():
        if len(values) > 1:
            raise SuspiciousOperation("A name stands twice in the address.")
        if "\x00" in name or "\x00" in values[0]:
            raise SuspiciousOperation("The address holds a NUL.")


def _check_body(request: HttpRequest) -> None:
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not (length.isascii() and length.isdigit()):
        raise SuspiciousOperation("The length is no number.")
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if int(length) > limit:
        # Django counts only the fields of a body, not the files in it.
        raise RequestDataTooBig
    if int(length) and request.content_type not in FORM_TYPES and request.path_info not in _NO_FORM:
        raise SuspiciousOperation("The body is no form.")


class PrivateResponses:
    """No page is kept by a browser or on the way.

    What a patient or clinician saw is not there for the next person at the device.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        patch_vary_headers(response, ["Cookie"])
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A database that is away is told as such: nothing was saved, try again, and whom to call meanwhile."""
        if isinstance(exception, (OperationalError, InterfaceError)):
            return render(request, "503.html", status=503)
        return None
