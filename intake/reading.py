"""The one row that every page of a patient reads, with its clinic and its key."""

from django.db import connection
from django.db.models import CharField

from clinic_site.records.composed import Composed, Given
from intake.models import QuestionnaireResponse

_RESPONSES = QuestionnaireResponse.objects.filter(public_id=Given("public_id", CharField())).select_related(
    "clinic", "data_key"
)
_TO_SHOW, _TO_CHANGE = Composed(_RESPONSES), Composed(_RESPONSES.select_for_update(of=("self",)))
_LOCK = f"SELECT revision, status FROM {QuestionnaireResponse._meta.db_table} WHERE id = %s FOR UPDATE"  # noqa: S608


def read_response(public_id: str) -> QuestionnaireResponse | None:
    return _TO_SHOW.first(public_id=public_id)


def lock_response(public_id: str) -> QuestionnaireResponse:
    """The response, which nobody else changes until the transaction ends."""
    response = _TO_CHANGE.first(public_id=public_id)
    if response is None:
        raise QuestionnaireResponse.DoesNotExist
    return response


def lock_as_seen(seen: QuestionnaireResponse) -> QuestionnaireResponse:
    """`seen`, locked; or read anew when it changed meanwhile. Whatever changes answers raises the revision."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [seen.pk])
        unchanged = cursor.fetchone() == (seen.revision, seen.status)
    return seen if unchanged else lock_response(seen.public_id)
