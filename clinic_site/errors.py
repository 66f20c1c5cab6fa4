"""What is shown when a request is refused before it reaches a view."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve

from intake.views import late_page


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without its cookie.

    A patient's page carries a signed ticket of its own, so what was typed there is still kept.
    """
    try:
        match = resolve(request.path_info)
    except Resolver404:
        match = None
    if match is not None and match.view_name == "intake:page" and request.POST.get("ticket"):
        return late_page(request, **match.kwargs)
    return render(request, "403.html", status=403)
