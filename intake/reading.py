"""The one row that every page of a patient reads, with its clinic and its key, and how a draft is kept."""

import datetime

from django.db import connection
from django.db.models import CharField

from clinic_site.records.composed import Composed, Given
from intake.answers import AnswerDocument
from intake.models import QuestionnaireResponse

_RESPONSES = QuestionnaireResponse.objects.filter(public_id=Given("public_id", CharField())).select_related(
    "clinic", "data_key"
)
_TO_SHOW, _TO_CHANGE = Composed(_RESPONSES), Composed(_RESPONSES.select_for_update(of=("self",)))
_TABLE = QuestionnaireResponse._meta.db_table
_LOCK = f"SELECT revision, status FROM {_TABLE} WHERE id = %s FOR UPDATE"  # noqa: S608

_UNCHANGED = "WHERE id = %s AND revision = %s AND status = 'in-progress'"
_KEEP_LATER = f"UPDATE {_TABLE} SET revision = %s, saved_at = %s, later_answers = %s {_UNCHANGED}"  # noqa: S608
_KEEP_WHOLE = f"UPDATE {_TABLE} SET revision = %s, saved_at = %s, later_answers = '', answers = %s {_UNCHANGED}"  # noqa: S608


class SavedMeanwhile(Exception):
    """The draft in hand is not the one in the database any more."""


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


def keep(response: QuestionnaireResponse, document: AnswerDocument, *, at: datetime.datetime | None) -> None:
    """Stores the answers of a draft as the next revision. Raises SavedMeanwhile, and stores nothing, when another
    revision was stored since `response` was read."""
    response.seal_document(document)
    seen, response.revision, response.saved_at = response.revision, response.revision + 1, at
    with connection.cursor() as cursor:
        if later := bytes(response.later_answers):
            cursor.execute(_KEEP_LATER, [response.revision, at, later, response.pk, seen])
        else:
            cursor.execute(_KEEP_WHOLE, [response.revision, at, bytes(response.answers), response.pk, seen])
        if cursor.rowcount != 1:
            raise SavedMeanwhile
