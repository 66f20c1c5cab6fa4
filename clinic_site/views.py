from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render


def home(request: HttpRequest) -> HttpResponse:
    """Patients come by their clinic's own address; staff who are signed in go to their work."""
    if request.user.is_authenticated:
        if request.user.may("case.list"):
            return redirect("screening:queue")
        return redirect("audit:trail" if request.user.may("audit.read") else "admin:index")
    return render(request, "home.html")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        return render(request, "413.html", status=413)
    return render(request, "400.html", status=400)
