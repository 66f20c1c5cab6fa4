from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from clinic_site.accounts.models import User
from clinic_site.accounts.permissions import ANYONE, PATIENT, SIGNED_IN, asked_for
from clinic_site.accounts.views import ask_to_sign_in

Handler = Callable[[HttpRequest], HttpResponse]


class DeclaredAccess:
    """Nobody reaches a view but those whom `roles.yaml` names for its route. What is not named there is refused.

    Which rows a person sees, the view's queryset decides.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: Any) -> HttpResponse | None:
        asked = asked_for(request.resolver_match.view_name) if request.resolver_match else None
        if asked in (ANYONE, PATIENT):
            return None
        if asked is None:
            raise PermissionDenied
        if not isinstance(request.user, User):
            return ask_to_sign_in(request)
        if asked != SIGNED_IN and not request.user.may(asked):
            raise PermissionDenied
        return None
