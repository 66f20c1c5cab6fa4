"""Which browser may open which draft: a cookie with the draft's secret, and a signed ticket in each page's form."""

from dataclasses import dataclass

from django.conf import settings
from django.core import signing
from django.core.validators import slug_re
from django.http import HttpRequest, HttpResponse

from intake.models import QuestionnaireResponse

COOKIE = "intake" if settings.PLAIN_HTTP else "__Host-intake"
_DRAFT_LIVES_SECONDS = 30 * 24 * 60 * 60
_SALT = "intake.page-ticket"


@dataclass(frozen=True)
class Ticket:
    """What a form carries about the page it shows.

    It proves that the page came from us, also when the browser's cookies are gone.
    """

    public_id: str
    page: int
    revision: int

    def sign(self) -> str:
        return signing.dumps([self.public_id, self.page, self.revision], salt=_SALT)


def read_ticket(text: str, *, public_id: str, page: int) -> Ticket | None:
    """The ticket, or None when it is missing, forged, of another page or older than a draft can be."""
    try:
        ticket = Ticket(*signing.loads(text, salt=_SALT, max_age=_DRAFT_LIVES_SECONDS))
    except (signing.BadSignature, TypeError, ValueError):
        return None
    return ticket if (ticket.public_id, ticket.page) == (public_id, page) else None


def set_pass(http_response: HttpResponse, response: QuestionnaireResponse, token: str) -> None:
    http_response.set_cookie(
        COOKIE,
        f"{response.public_id}.{token}",
        max_age=_DRAFT_LIVES_SECONDS,
        secure=not settings.PLAIN_HTTP,
        httponly=True,
        samesite="Lax",
    )


def holds_pass(request: HttpRequest, response: QuestionnaireResponse) -> bool:
    public_id, _dot, token = request.COOKIES.get(COOKIE, "").partition(".")
    return public_id == response.public_id and response.opens_with(token)


def held_public_id(request: HttpRequest) -> str:
    """The draft this browser says it holds; unchecked, but spelled as one can be (a NUL would stop the database)."""
    held = request.COOKIES.get(COOKIE, "").partition(".")[0]
    return held if slug_re.match(held) else ""
