"""Opening what is sealed in one record for a page that must be shown even when some of it was altered."""

from typing import Any

from clinic_site.encryption.cipher import CannotOpen
from clinic_site.encryption.models import DataKey
from clinic_site.records.rows import ClinicRow
from intake.answers import AnswerDocument
from intake.models import QuestionnaireResponse

CANNOT_SHOW = "This can not be shown: it was altered or damaged."


class Opener:
    """Opens values of one record. What does not open is in `lost`, and must neither look empty nor let anyone sign."""

    def __init__(self, response: QuestionnaireResponse) -> None:
        self.response = response
        self.key: DataKey = response.data_key
        self.lost: list[CannotOpen] = []
        self.answers_are_lost = False

    def value(self, sealed: bytes | memoryview, *, row: ClinicRow, label: str, instead: Any = CANNOT_SHOW) -> Any:
        try:
            return self.key.unseal(sealed, row=row, label=label)
        except CannotOpen as error:
            self.lost.append(error)
            return instead

    def document(self) -> AnswerDocument:
        """The answers; an empty document when they do not open, which `answers_are_lost` tells from one left blank."""
        try:
            return self.response.document()
        except CannotOpen as error:
            self.lost.append(error)
            self.answers_are_lost = True
            return AnswerDocument()
