from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from clinic_site.accounts import signing_in
from clinic_site.accounts.models import User
from clinic_site.accounts.permissions import ANYONE, HALF_SIGNED, PATIENT, SIGNED_IN, asked_for, needs_fresh_factor
from clinic_site.accounts.sessions import mark_activity
from clinic_site.accounts.views import ask_for_fresh_factor, ask_to_sign_in

Handler = Callable[[HttpRequest], HttpResponse]
_SAFE = ("GET", "HEAD", "OPTIONS")
# Where somebody gets the passkey that a new role asks for, or leaves.
_WITHOUT_PASSKEY = ("confirm", "confirm-passkey")


class DeclaredAccess:
    """Nobody reaches a view but those whom `roles.yaml` names for its route. What is not named there is refused.

    Staff come with two factors, and with a fresh one for what `fresh_factor` names. Which rows a person sees, the
    view's queryset decides.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: Any) -> HttpResponse | None:
        route = request.resolver_match.view_name if request.resolver_match else ""
        asked = asked_for(route)
        if asked in (ANYONE, PATIENT):
            return None
        if asked is None:
            raise PermissionDenied
        if not signing_in.is_signed_in(request):
            return self._half_way(request, asked)
        mark_activity(request)
        if not signing_in.has_enough(request) and asked != HALF_SIGNED and route not in _WITHOUT_PASSKEY:
            return redirect("factors")
        user = request.user
        if asked not in (SIGNED_IN, HALF_SIGNED) and not (isinstance(user, User) and user.may(asked)):
            raise PermissionDenied
        if request.method not in _SAFE and needs_fresh_factor(route) and not signing_in.is_fresh(request):
            return ask_for_fresh_factor(request)
        return None

    def _half_way(self, request: HttpRequest, asked: str) -> HttpResponse | None:
        """Only the steps of signing in are open, and those where a factor is made only to who may make one."""
        if asked == HALF_SIGNED:
            half = signing_in.half_signed(request)
            if half is not None and half.may_enrol:
                return None
        return ask_to_sign_in(request)
