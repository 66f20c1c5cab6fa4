"""How fast patients may start, ask for links and save. Every bound is far above what people do, and none lasts."""

import datetime

from django.conf import settings
from django.db import transaction

from clinic_site.audit.alerts import raise_alert
from clinic_site.clinics.models import Clinic
from clinic_site.limits.services import is_within
from intake.models import QuestionnaireResponse

# An intake has about 200 pages. Whoever saves one every ten seconds for hours is a program.
_SAVES_AT_ONCE = 500
_SAVES_PER_HOUR = 360
_LINKS_OF_A_NETWORK = 20
_HOUR = datetime.timedelta(hours=1)


def may_start(clinic: Clinic, network: str) -> bool:
    """Counts one start, which stores a draft."""
    allowed = is_within("draft", network, limit=settings.DRAFTS_PER_HOUR, window=_HOUR)
    return allowed and _is_within_in_all("draft", settings.DRAFTS_PER_HOUR_IN_ALL, clinic)


def may_ask_for_link(clinic: Clinic, network: str) -> bool:
    """Counts one request, whatever address it names, so that the answer says nothing about an address."""
    allowed = is_within("return.asked", network, limit=_LINKS_OF_A_NETWORK, window=_HOUR)
    return allowed and _is_within_in_all("link", settings.LINKS_PER_HOUR_IN_ALL, clinic)


def _is_within_in_all(what: str, limit: int, clinic: Clinic) -> bool:
    """The bound of the whole installation, against a flood from many networks; it calls the operator once an hour.

    Counted after the bound of the network, so that one network alone never uses it up.
    """
    if is_within(f"{what}.in-all", "", limit=limit, window=_HOUR):
        return True
    with transaction.atomic():
        raise_alert("in-all", what, clinic_id=clinic.id)
    return False


def saves_too_often(response: QuestionnaireResponse, *, now: datetime.datetime) -> bool:
    """Reads the revision, which counts the saves of a draft, so that saving a page costs no further statement."""
    # A clock that was set back must keep nobody from saving.
    hours = max(0, (now - response.started_at).total_seconds() / 3600)
    return response.revision >= _SAVES_AT_ONCE + _SAVES_PER_HOUR * hours
