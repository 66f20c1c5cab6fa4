from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

Handler = Callable[[HttpRequest], HttpResponse]


class PrivateResponses:
    """No page is kept by a browser or on the way.

    What a patient or clinician saw is not there for the next person at the device.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A database that is away is told as such: nothing was saved, try again, and whom to call meanwhile."""
        if isinstance(exception, (OperationalError, InterfaceError)):
            return render(request, "503.html", status=503)
        return None
