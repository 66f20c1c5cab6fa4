"""Calendar dates, whole or as much of them as a person remembers. Never a time, never a zone."""

import datetime
from collections.abc import Mapping
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from intake.answer_types.base import AnswerField, Unreadable

_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]


def _month(text: str) -> int | None:
    """1 to 12 from 3, 03, Mar or March; None when it is none of these."""
    number = _whole(text, 2)
    if number is not None and 1 <= number <= 12:
        return number
    named = [
        n for n, month in enumerate(_MONTHS, 1) if len(text) >= 3 and month.startswith(text.casefold().rstrip("."))
    ]
    return named[0] if len(named) == 1 else None


def _whole(text: str, digits: int) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else None


class PartialDate(AnswerField):
    """Year, year and month, or the whole day, as `2019`, `2019-03` or `2019-03-05`."""

    template = "date"
    parts = ("month", "day", "year")
    whole = False

    def read(self, typed: Mapping[str, Any]) -> str:
        year = _whole(typed["year"], 4)
        if year is None or not 1900 <= year <= 2200:
            raise self.unreadable(_("Write the year with four digits, for example 2019."))
        month = _month(typed["month"]) if typed["month"] else None
        day = _whole(typed["day"], 2) if typed["day"] else None
        if (typed["month"] and month is None) or (typed["day"] and (day is None or month is None)):
            raise self.unreadable(_("Check the month and the day, for example 3 and 27."))
        if self.whole and (month is None or day is None):
            raise self.unreadable(_("Write the month, the day and the year, for example 3, 27 and 2019."))
        return self._checked(year, month, day)

    def _checked(self, year: int, month: int | None, day: int | None) -> str:
        try:
            earliest = datetime.date(year, month or 1, day or 1)
        except ValueError as error:
            raise Unreadable(_("There is no such day. Check the month and the day.")) from error
        if self.item.not_in_future and earliest > self.today:
            raise Unreadable(_("This date is still to come. Check the year."))
        return "-".join([f"{year:04d}", *([f"{month:02d}"] if month else []), *([f"{day:02d}"] if day else [])])

    def show(self, answer: str) -> str:
        parts = [int(part) for part in answer.split("-")]
        if len(parts) == 1:
            return answer
        day = datetime.date(parts[0], parts[1], parts[2] if len(parts) > 2 else 1)
        return date_format(day, "F j, Y" if len(parts) > 2 else "F Y")

    def raw(self, answer: str) -> dict[str, list[str]]:
        year, month, day = [*answer.split("-"), "", ""][:3]
        return {"year": [year], "month": [month.lstrip("0")], "day": [day.lstrip("0")]}


class Date(PartialDate):
    whole = True
