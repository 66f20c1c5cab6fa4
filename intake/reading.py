"""The one row that every page of a patient reads, with its clinic and its key, and how it changes."""

import datetime
import uuid

from django.db import connection
from django.db.models import CharField

from clinic_site.records.composed import Composed, Given
from intake.answers import AnswerDocument
from intake.models import QuestionnaireResponse, ResponseStatus

_RESPONSES = QuestionnaireResponse.objects.filter(public_id=Given("public_id", CharField())).select_related(
    "clinic", "data_key"
)
_TO_SHOW, _TO_CHANGE = Composed(_RESPONSES), Composed(_RESPONSES.select_for_update(of=("self",)))
_TABLE = QuestionnaireResponse._meta.db_table

_UNCHANGED = "WHERE id = %s AND revision = %s AND status = 'in-progress'"
_KEEP_LATER = f"UPDATE {_TABLE} SET revision = %s, saved_at = %s, later_answers = %s {_UNCHANGED}"  # noqa: S608
_KEEP_WHOLE = f"UPDATE {_TABLE} SET revision = %s, saved_at = %s, later_answers = '', answers = %s {_UNCHANGED}"  # noqa: S608
_COMPLETE = f"UPDATE {_TABLE} SET status = 'completed', submitted_at = %s, idempotency_key = %s {_UNCHANGED}"  # noqa: S608


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


def complete(response: QuestionnaireResponse, *, at: datetime.datetime, idempotency_key: uuid.UUID) -> None:
    """Freezes a draft. Raises SavedMeanwhile as `keep` does."""
    response.status, response.submitted_at, response.idempotency_key = ResponseStatus.COMPLETED, at, idempotency_key
    with connection.cursor() as cursor:
        cursor.execute(_COMPLETE, [at, idempotency_key, response.pk, response.revision])
        if cursor.rowcount != 1:
            raise SavedMeanwhile
