"""Which browser may open which draft: a cookie with the draft's secret, and a signed ticket in each page's form."""

from dataclasses import dataclass

from django.conf import settings
from django.core import signing
from django.core.validators import slug_re
from django.http import HttpRequest, HttpResponse

from clinic_site.clinics.models import Clinic
from intake.models import QuestionnaireResponse

_PREFIX = "intake-" if settings.PLAIN_HTTP else "__Host-intake-"
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


def pass_cookie(public_id: str) -> str:
    """The name of the cookie for one draft. Each has its own: starting a second form does not shut the first."""
    return _PREFIX + public_id


def set_pass(http_response: HttpResponse, response: QuestionnaireResponse, token: str) -> None:
    http_response.set_cookie(
        pass_cookie(response.public_id),
        token,
        max_age=_DRAFT_LIVES_SECONDS,
        secure=not settings.PLAIN_HTTP,
        httponly=True,
        samesite="Lax",
    )


def holds_pass(request: HttpRequest, response: QuestionnaireResponse) -> bool:
    return response.opens_with(request.COOKIES.get(pass_cookie(response.public_id), ""))


def unfinished_draft(request: HttpRequest, clinic: Clinic) -> QuestionnaireResponse | None:
    """The newest draft of this clinic that this browser may open."""
    names = (name.removeprefix(_PREFIX) for name in request.COOKIES if name.startswith(_PREFIX))
    # Spelled as one can be, because a NUL would stop the database.
    held = [name for name in names if slug_re.match(name)]
    drafts = QuestionnaireResponse.objects.filter(public_id__in=held, clinic=clinic).order_by("-id") if held else ()
    return next((draft for draft in drafts if draft.is_draft and holds_pass(request, draft)), None)
