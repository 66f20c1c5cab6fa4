"""Which browser may open which draft: a cookie with the draft's secret, and a signed ticket in each page's form.

The cookie also says, signed, when the draft was opened in this browser and last used. After 20 minutes without use, 4
hours, or leaving in a hurry it still proves whose browser this is, but shows no answers until the person goes on.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any

from django.conf import settings
from django.core import signing
from django.core.validators import slug_re
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from clinic_site.clinics.models import Clinic
from intake.models import QuestionnaireResponse

IDLE_SECONDS = 20 * 60
_OPEN_SECONDS = 4 * 60 * 60
_HOST = "" if settings.PLAIN_HTTP else "__Host-"
_PREFIX = f"{_HOST}intake-"
# Set by `patient.js` when somebody leaves, because Back may be pressed before our answer to leaving has come.
LEFT_COOKIE = f"{_HOST}left"
_DRAFT_LIVES_SECONDS = 30 * 24 * 60 * 60
_TICKET_SALT = "intake.page-ticket"
_PASS_SALT = "intake.pass"  # noqa: S105 - the name of a use, no secret


@dataclass(frozen=True)
class Ticket:
    """What a form carries about the page it shows.

    It proves that the page came from us, also when the browser's cookies are gone.
    """

    public_id: str
    page: int
    revision: int

    def sign(self) -> str:
        return signing.dumps([self.public_id, self.page, self.revision], salt=_TICKET_SALT)


def read_ticket(text: str, *, public_id: str, page: int) -> Ticket | None:
    """The ticket, or None when it is missing, forged, of another page or older than a draft can be."""
    try:
        ticket = Ticket(*signing.loads(text, salt=_TICKET_SALT, max_age=_DRAFT_LIVES_SECONDS))
    except (signing.BadSignature, TypeError, ValueError):
        return None
    return ticket if (ticket.public_id, ticket.page) == (public_id, page) else None


@dataclass(frozen=True)
class Pass:
    """What the cookie of a draft says. Times are Unix seconds; 0 where the signature is missing or of a key that is
    gone, so that such a browser still has the draft, but shut."""

    token: str
    opened: float = 0
    seen: float = 0
    own_device: bool = False
    # From a cookie of its own, which can only shut.
    left: bool = False

    def written(self) -> str:
        marks = f"{self.token}:{self.opened:.6f}:{self.seen:.6f}:{int(self.own_device)}"
        return signing.Signer(salt=_PASS_SALT).sign(marks)

    def was_left(self, response: QuestionnaireResponse) -> bool:
        """Whether the person left in a hurry since this was opened. Of the opening, not of the last use: a page that
        was on its way at that moment must not open it again."""
        return self.left or (response.closed_at is not None and self.opened < response.closed_at.timestamp())

    def is_open(self, response: QuestionnaireResponse) -> bool:
        now = timezone.now().timestamp()
        in_use = now - self.seen < IDLE_SECONDS and now - self.opened < _OPEN_SECONDS
        return in_use and not self.was_left(response)


def cookie_of(request: HttpRequest, public_id: str) -> Pass:
    """What the cookie says, whether or not it opens anything."""
    written = request.COOKIES.get(pass_cookie(public_id), "")
    left = bool(request.COOKIES.get(LEFT_COOKIE))
    try:
        token, opened, seen, own = signing.Signer(salt=_PASS_SALT).unsign(written).split(":")
        return Pass(token, float(opened), float(seen), own == "1", left)
    except (signing.BadSignature, ValueError):
        return Pass(written.partition(":")[0], left=left)


def pass_cookie(public_id: str) -> str:
    """The name of the cookie for one draft. Each has its own: starting a second form does not shut the first."""
    return _PREFIX + public_id


def read_pass(request: HttpRequest, response: QuestionnaireResponse) -> Pass | None:
    """The pass of this browser for this draft, open or not; None when it has none."""
    held = cookie_of(request, response.public_id)
    return held if response.opens_with(held.token) else None


def holds_pass(request: HttpRequest, response: QuestionnaireResponse) -> bool:
    return read_pass(request, response) is not None


def left_here(request: HttpRequest, response: QuestionnaireResponse) -> bool:
    """Whether the person left in a hurry in this browser, and has not gone on since."""
    held = read_pass(request, response)
    return held is not None and held.was_left(response)


def holds_open_pass(request: HttpRequest, response: QuestionnaireResponse) -> bool:
    """Whether this browser may see the draft now. Asking counts as a use of it (see `counts_as_use`)."""
    held = read_pass(request, response)
    if held is None or not held.is_open(response):
        return False
    vars(request)["used_pass"] = (response.public_id, held)
    return True


def uses_own_device(request: HttpRequest, response: QuestionnaireResponse) -> bool:
    held = read_pass(request, response)
    return held is not None and held.own_device


def counts_as_use(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Marks the pass as used now, if the view found it open and did not set another."""

    @wraps(view)
    def marked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        http_response = view(request, *args, **kwargs)
        public_id, held = vars(request).get("used_pass", ("", None))
        # A page that is sent in the background is sent by somebody who leaves: an answer that comes after the one to
        # leaving must not bring the pass back.
        if request.headers.get("Sec-Fetch-Mode") == "no-cors":
            return http_response
        if held is not None and pass_cookie(public_id) not in http_response.cookies:
            _set(http_response, public_id, replace(held, seen=timezone.now().timestamp()))
        return http_response

    return marked


def set_pass(
    http_response: HttpResponse, response: QuestionnaireResponse, token: str, *, own_device: bool = False
) -> None:
    """Opens the draft in this browser."""
    now = timezone.now().timestamp()
    _set(http_response, response.public_id, Pass(token, now, now, own_device))
    forget_leaving(http_response)


def shut_pass(http_response: HttpResponse, public_id: str, held: Pass) -> None:
    """Keeps the draft in this browser, but shut."""
    _set(http_response, public_id, Pass(held.token, own_device=held.own_device))


def drop_pass(http_response: HttpResponse, public_id: str) -> None:
    """This browser forgets the draft."""
    _set(http_response, public_id, None)


def forget_leaving(http_response: HttpResponse) -> None:
    """This browser forgets that somebody left: we know it by now, or they came back."""
    _set_cookie(http_response, LEFT_COOKIE, "")


def _set(http_response: HttpResponse, public_id: str, held: Pass | None) -> None:
    _set_cookie(http_response, pass_cookie(public_id), held.written() if held else "")


def _set_cookie(http_response: HttpResponse, name: str, value: str) -> None:
    http_response.set_cookie(
        name,
        value,
        max_age=_DRAFT_LIVES_SECONDS if value else 0,
        secure=not settings.PLAIN_HTTP,
        httponly=True,
        samesite="Lax",
    )


def held_public_ids(request: HttpRequest) -> list[str]:
    """The drafts whose cookies came with the request, whether or not they open."""
    names = (name.removeprefix(_PREFIX) for name in request.COOKIES if name.startswith(_PREFIX))
    # Spelled as one can be, because a NUL would stop the database.
    return [name for name in names if slug_re.match(name)]


def unfinished_draft(request: HttpRequest, clinic: Clinic) -> QuestionnaireResponse | None:
    """The newest draft of this clinic that this browser may open."""
    held = held_public_ids(request)
    drafts = QuestionnaireResponse.objects.filter(public_id__in=held, clinic=clinic).order_by("-id") if held else ()
    return next((draft for draft in drafts if draft.is_draft and holds_pass(request, draft)), None)
