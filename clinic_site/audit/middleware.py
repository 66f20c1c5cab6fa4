import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from clinic_site.accounts.models import User
from clinic_site.audit.services import CannotRecord, audit_event, record
from clinic_site.audit.trail import current_trail, following
from clinic_site.limits.addresses import client_address

log = logging.getLogger(__name__)
Handler = Callable[[HttpRequest], HttpResponse]
_REFUSED = (400, 403, 404, 405, 413, 429)


class RequestTrail:
    """Tells every audit entry of a request its address, page and number, and records what staff were refused."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with following(address=client_address(request)):
            response = self.get_response(request)
            if response.status_code in _REFUSED and settings.SESSION_COOKIE_NAME in request.COOKIES:
                _record_refusal(request, response.status_code)
        return response

    def process_view(self, request: HttpRequest, *_view: Any) -> None:
        trail = current_trail()
        if trail is not None and request.resolver_match is not None:
            trail.route = request.resolver_match.view_name


def _record_refusal(request: HttpRequest, status: int) -> None:
    """Strangers are counted by the limits instead, or anybody could fill the trail."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return
    asked = request.resolver_match.kwargs.get("reference") if request.resolver_match else None
    action = "case.not-found" if status == 404 and asked else "request.refused"
    detail = {"asked": asked[:20]} if action == "case.not-found" and asked else {"status": status}
    try:
        with transaction.atomic():
            record([audit_event(action, clinic_id=None, user=user, **detail)])
    except CannotRecord:
        # The refusal shows nothing, so it may stand without its entry.
        log.error("A refusal (%s) could not be recorded.", status)
