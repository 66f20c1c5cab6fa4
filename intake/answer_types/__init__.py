"""One form field for each type of answer: what a browser posts for it, how that is read, and how it is shown again.

A field posts one or more parts, named `link_id` or `link_id.part`. What can not be read is kept as it was typed (state
UNPARSEABLE) beside the error, and "Not sure" and "Prefer not to say" are states, never values.
"""

from intake.answer_types.base import MOST_KEPT_CHARACTERS, AnswerField, part_name
from intake.answer_types.choices import Choice, MultipleChoice
from intake.answer_types.dates import Date, PartialDate
from intake.answer_types.medicines import Medicines
from intake.answer_types.numbers import BloodPressure, Height, Number, Weight
from intake.answer_types.signatures import Signature
from intake.answer_types.texts import Address, Email, LongText, Phone, ShortText

__all__ = ["FIELDS", "MOST_KEPT_CHARACTERS", "AnswerField", "Medicines", "part_name"]

FIELDS: dict[str, type[AnswerField]] = {
    "choice": Choice,
    "multiple_choice": MultipleChoice,
    "number": Number,
    "height": Height,
    "weight": Weight,
    "blood_pressure": BloodPressure,
    "date": Date,
    "partial_date": PartialDate,
    "short_text": ShortText,
    "long_text": LongText,
    "medicines": Medicines,
    "phone": Phone,
    "email": Email,
    "address": Address,
    "signature": Signature,
}
