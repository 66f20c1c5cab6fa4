"""How fast patients may start and save. Both bounds are far above what a person does, and neither lasts."""

import datetime

from django.conf import settings

from clinic_site.limits.services import is_within
from intake.models import QuestionnaireResponse

# An intake has about 200 pages. Whoever saves one every ten seconds for hours is a program.
_SAVES_AT_ONCE = 500
_SAVES_PER_HOUR = 360


def may_start(network: str) -> bool:
    """Counts one start, which stores a draft."""
    return is_within("draft", network, limit=settings.DRAFTS_PER_HOUR, window=datetime.timedelta(hours=1))


def saves_too_often(response: QuestionnaireResponse, *, now: datetime.datetime) -> bool:
    """Reads the revision, which counts the saves of a draft, so that saving a page costs no further statement."""
    # A clock that was set back must keep nobody from saving.
    hours = max(0, (now - response.started_at).total_seconds() / 3600)
    return response.revision >= _SAVES_AT_ONCE + _SAVES_PER_HOUR * hours
