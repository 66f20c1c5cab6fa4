"""How much a form may hold: what somebody fills in by hand, and more only where a page says that it takes lists."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest

View = TypeVar("View", bound=Callable[..., Any])

LONGEST_BODY = 256 * 1024
MOST_FIELDS = 200


def takes_long_lists(view: View) -> View:
    """For a page of whose forms only the outer limits hold, DATA_UPLOAD_MAX_MEMORY_SIZE and …_NUMBER_FIELDS."""
    view.takes_long_lists = True  # type: ignore[attr-defined]
    return view


def check_size(request: HttpRequest, view: Callable[..., Any]) -> None:
    """Raises RequestDataTooBig before anything of the body is read, and TooManyFieldsSent before a page sees it."""
    if getattr(view, "takes_long_lists", False):
        return
    if int(request.META.get("CONTENT_LENGTH") or 0) > LONGEST_BODY:
        raise RequestDataTooBig
    # Kept by the request, for a view that reads the body itself.
    request.body  # noqa: B018
    if sum(len(values) for _name, values in request.POST.lists()) > MOST_FIELDS:
        raise TooManyFieldsSent
