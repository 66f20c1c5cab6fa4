"""Numbers, body measures in either unit system, and blood pressure."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from intake.answer_types.base import AnswerField, Unreadable


def _decimal(text: str) -> Decimal | None:
    """A plain number such as 72 or 72.5, or None.

    Signs, exponents, NaN and digits of other scripts are not numbers here.
    """
    text = text.replace(",", ".").strip()
    if not text or len(text) > 12 or not text.isascii() or set(text) - set("0123456789."):
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


class Number(AnswerField):
    template = "number"

    def read(self, typed: Mapping[str, Any]) -> str:
        number = _decimal(typed[""])
        if number is None:
            raise self.unreadable(_("Write a number in digits, for example 72."))
        if -number.as_tuple().exponent > self.item.decimals:  # type: ignore[operator]
            raise self.unreadable(_("Write this with fewer digits after the point."))
        return str(number)

    def show(self, answer: str) -> str:
        return f"{answer} {self.words(self.item.unit)}".strip()


class _Measure(AnswerField):
    """A body measure in metric or US units; whichever is filled in. Values keep what was typed."""

    template = "measure"
    metric = ""
    customary: tuple[str, ...] = ()

    def read(self, typed: Mapping[str, Any]) -> dict[str, str]:
        filled = {part: text for part, text in typed.items() if text}
        if self.metric in filled and len(filled) > 1:
            raise Unreadable(_("Fill in one kind of unit only."))
        if any(_decimal(text) is None for text in filled.values()) or not (
            self.metric in filled or self.customary[0] in filled
        ):
            raise self.unreadable(_("Write numbers in digits, in one kind of unit."))
        return filled

    def raw(self, answer: dict[str, str]) -> dict[str, list[str]]:
        return {part: [text] for part, text in answer.items()}


class Height(_Measure):
    parts = ("feet", "inches", "cm")
    metric, customary = "cm", ("feet", "inches")

    def show(self, answer: dict[str, str]) -> str:
        if "cm" in answer:
            return _("%(cm)s cm") % answer
        return _("%(feet)s ft %(inches)s in") % {"inches": "0", **answer}


class Weight(_Measure):
    parts = ("pounds", "kg")
    metric, customary = "kg", ("pounds",)

    def show(self, answer: dict[str, str]) -> str:
        return _("%(kg)s kg") % answer if "kg" in answer else _("%(pounds)s lb") % answer


class BloodPressure(AnswerField):
    template = "blood_pressure"
    parts = ("systolic", "diastolic")

    def read(self, typed: Mapping[str, Any]) -> dict[str, str]:
        numbers = {part: _decimal(typed[part]) for part in self.parts}
        if None in numbers.values():
            raise self.unreadable(_("Write both numbers, for example 120 and 80."))
        return {part: str(number) for part, number in numbers.items()}

    def show(self, answer: dict[str, str]) -> str:
        return _("%(systolic)s over %(diastolic)s") % answer

    def raw(self, answer: dict[str, str]) -> dict[str, list[str]]:
        return {part: [text] for part, text in answer.items()}
