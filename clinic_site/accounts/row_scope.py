"""Which rows the database shows during a request: none at first, then those of the clinics where the person works."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from clinic_site.accounts.models import User
from clinic_site.accounts.permissions import ANYONE, PATIENT, asked_for
from clinic_site.records import scope

Handler = Callable[[HttpRequest], HttpResponse]


class OwnClinics:
    """Stands behind DeclaredAccess. A page for patients and strangers opens what it needs itself."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with scope.within(scope.NOTHING):
            return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: Any) -> None:
        """Asks for the user only where the page does, so that a patient's page costs no session."""
        asked = asked_for(request.resolver_match.view_name) if request.resolver_match else None
        if asked not in (None, ANYONE, PATIENT) and isinstance(request.user, User):
            scope.go_on_within(scope.of_clinics(*{clinic for clinic, _role in request.user.granted()}))
