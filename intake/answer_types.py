"""One form field for each type of answer: what a browser posts for it, how that is read, and how it is shown again.

A field posts one or more parts, named `link_id` or `link_id.part`. What can not be read is kept as it was typed (state
UNPARSEABLE) beside the error, and "Not sure" and "Prefer not to say" are states, never values.
"""

import datetime
import unicodedata
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import phonenumbers
from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from intake.answers import Reply, State
from intake.questionnaires import Item

# What a person typed that can not be read is kept up to this many characters; a page never loses it from view either
# way.
MOST_KEPT_CHARACTERS = 20_000
_ABSENT_STATES = (State.NOT_SURE, State.PREFER_NOT_TO_SAY)
_CONTROLS_KEPT = {"\n", "\t"}

Raw = Mapping[str, list[str]]


class Unreadable(ValidationError):
    """The parts hold something, but not an answer of this type."""


class _Parts(forms.Widget):
    """Collects the raw parts of one answer from a form."""

    def __init__(self, parts: tuple[str, ...]) -> None:
        super().__init__()
        self.parts = parts

    def value_from_datadict(self, data: Any, files: Any, name: str) -> dict[str, list[str]]:
        return {part: data.getlist(part_name(name, part)) for part in self.parts}

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return False


def part_name(name: str, part: str) -> str:
    return f"{name}.{part}" if part else name


class AnswerField(forms.Field):
    """The base of all answer types. Subclasses say which `parts` they post and how to `read` and `show` them."""

    parts: tuple[str, ...] = ("",)
    columns: tuple[str, ...] = ()
    many = False
    template = "text"

    def __init__(self, item: Item, *, language: str, today: datetime.date) -> None:
        parts = (*self.parts, "absent") if item.clinical and "absent" not in self.parts else self.parts
        super().__init__(required=False, widget=_Parts(parts), label=item.text[language])
        self.item, self.language, self.today = item, language, today

    def words(self, text: Mapping[str, str]) -> str:
        return text.get(self.language) or text.get("en", "")

    @property
    def absent_choices(self) -> list[tuple[str, str]]:
        """The ways not to answer that this question offers. A published scale is left whole: one way out, beside it."""
        if not self.item.clinical:
            return []
        if self.item.instrument:
            return [(State.PREFER_NOT_TO_SAY.value, _("I’d rather not answer this"))]
        return [(State.NOT_SURE.value, _("Not sure")), (State.PREFER_NOT_TO_SAY.value, _("Prefer not to say"))]

    def clean(self, value: Raw) -> Reply:
        """The reply.

        Raises ValidationError for a blank that may not be, and Unreadable for what is there but can not be read.
        """
        typed = {part: [_normalise(text) for text in texts] for part, texts in value.items()}
        absent = [code for code in typed.pop("absent", []) if code]
        if not self.many and any(len(texts) > 1 for texts in typed.values()):
            raise Unreadable(_("This came more than once. Answer it once and press Save and continue."))
        blank = not any(text.strip() for texts in typed.values() for text in texts)
        if absent:
            return self._absent(absent, blank=blank)
        if blank:
            if self.item.required or self.item.clinical:
                raise ValidationError(self.message_when_blank())
            return Reply(State.SKIPPED)
        answer = self.read(
            {part: (texts if self.many else (texts or [""])[0].strip()) for part, texts in typed.items()}
        )
        return Reply(State.ANSWERED, answer, self.show(answer))

    def _absent(self, codes: list[str], *, blank: bool) -> Reply:
        labels = dict(self.absent_choices)
        if len(codes) > 1 or codes[0] not in labels:
            raise Unreadable(_("Choose one of the answers on the page."))
        if not blank:
            raise Unreadable(
                _("You gave an answer and also chose “%(choice)s”. Keep one of them.") % {"choice": labels[codes[0]]}
            )
        return Reply(State(codes[0]), None, labels[codes[0]])

    def message_when_blank(self) -> str:
        if self.item.error:
            return self.words(self.item.error)
        if self.item.clinical:
            return _("Answer this question. If you do not know, choose “Not sure”.")
        return _("Fill this in.")

    def unreadable(self, message: str) -> Unreadable:
        """The item's own sentence when it has one, else `message`."""
        return Unreadable(self.words(self.item.error) or message)

    def read(self, typed: Mapping[str, Any]) -> Any:
        raise NotImplementedError

    def show(self, answer: Any) -> str:
        return str(answer)

    def raw(self, answer: Any) -> dict[str, list[str]]:
        """The parts that would post `answer` again."""
        return {"": [str(answer)]}


def _normalise(text: str) -> str:
    """NFC, without the control characters nobody types. A NUL is refused, because a database can not hold it."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\x00" in text:
        raise Unreadable(_("This holds a character that can not be stored. Please type it again."))
    kept = (c for c in text if c in _CONTROLS_KEPT or unicodedata.category(c) not in ("Cc", "Cs"))
    return unicodedata.normalize("NFC", "".join(kept))


class Choice(AnswerField):
    template = "choice"

    @property
    def parts_are_absent(self) -> bool:
        return True

    def clean(self, value: Raw) -> Reply:
        """ "Not sure" is one more radio button of the same question, so the state comes in the same part."""
        codes = value.get("", [])
        absent = [code for code in codes if code in dict(self.absent_choices)]
        rest = [code for code in codes if code not in absent]
        return super().clean({"": rest, "absent": [*absent, *value.get("absent", [])]})

    def message_when_blank(self) -> str:
        if self.item.error or self.item.clinical:
            return super().message_when_blank()
        return _("Choose an answer.")

    def read(self, typed: Mapping[str, Any]) -> Any:
        if self.item.option(typed[""]) is None:
            raise Unreadable(_("Choose one of the answers on the page."))
        return typed[""]

    def show(self, answer: Any) -> str:
        option = self.item.option(answer)
        return self.words(option.label) if option else answer


class MultipleChoice(Choice):
    template = "multiple_choice"
    many = True

    def read(self, typed: Mapping[str, Any]) -> list[str]:
        chosen = set(typed[""])
        known = [option for option in self.item.options if option.code in chosen]
        if len(known) < len(chosen):
            raise Unreadable(_("Choose from the answers on the page."))
        if len(known) > 1 and any(option.exclusive for option in known):
            alone = next(self.words(option.label) for option in known if option.exclusive)
            raise Unreadable(_("Choose “%(choice)s” only when nothing else is ticked.") % {"choice": alone})
        return [option.code for option in known]

    def show(self, answer: list[str]) -> str:
        return "; ".join(super(MultipleChoice, self).show(code) for code in answer)

    def raw(self, answer: list[str]) -> dict[str, list[str]]:
        return {"": list(answer)}


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


class ShortText(AnswerField):
    def read(self, typed: Mapping[str, Any]) -> Any:
        if len(typed[""]) > self.item.max_length:
            raise Unreadable(
                _("This is too long (%(length)s characters). Shorten it to %(most)s.")
                % {"length": len(typed[""]), "most": self.item.max_length}
            )
        return typed[""]


class LongText(ShortText):
    template = "long_text"


class Phone(ShortText):
    def read(self, typed: Mapping[str, Any]) -> dict[str, str]:
        text = super().read(typed)
        try:
            number = phonenumbers.parse(text, "US")
        except phonenumbers.NumberParseException as error:
            raise self.unreadable(_("Write a phone number with its area code, for example 212 555 0100.")) from error
        # A number without its area code is "possible", but only from a telephone next door.
        if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
            raise self.unreadable(_("Check this number. A US number has 10 digits, for example 212 555 0100."))
        return {"typed": text, "e164": phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)}

    def show(self, answer: dict[str, str]) -> str:
        return answer["typed"]

    def raw(self, answer: dict[str, str]) -> dict[str, list[str]]:
        return {"": [answer["typed"]]}


class Email(ShortText):
    def read(self, typed: Mapping[str, Any]) -> str:
        text = super().read(typed)
        try:
            EmailValidator()(text)
        except ValidationError as error:
            raise self.unreadable(_("Check this address. It looks like name@example.com.")) from error
        return text


class Address(AnswerField):
    template = "address"
    parts = ("line1", "line2", "city", "state", "postal_code")

    def read(self, typed: Mapping[str, Any]) -> dict[str, str]:
        missing = [part for part in ("line1", "city", "state", "postal_code") if not typed[part]]
        if missing:
            raise self.unreadable(_("Fill in street, city, state and ZIP code."))
        if any(len(text) > 120 for text in typed.values()):
            raise Unreadable(_("One line of the address is too long. Shorten it."))
        return {part: text for part, text in typed.items() if text}

    def show(self, answer: dict[str, str]) -> str:
        return ", ".join(answer[part] for part in self.parts if part in answer)

    def raw(self, answer: dict[str, str]) -> dict[str, list[str]]:
        return {part: [answer.get(part, "")] for part in self.parts}


class Medicines(AnswerField):
    """Rows of name, dose, how often and what for; or the tick that there are none."""

    template = "medicines"
    parts = ("none", "name", "dose", "frequency", "reason")
    columns = ("name", "dose", "frequency", "reason")
    many = True
    most_rows = 600

    def message_when_blank(self) -> str:
        return self.words(self.item.error) or _("Write each medicine, or tick the box if you take none.")

    def read(self, typed: Mapping[str, Any]) -> dict[str, Any]:
        rows = self._rows(typed)
        if any(typed["none"]) and rows:
            raise Unreadable(_("You wrote a medicine and also ticked that there are none. Keep one of them."))
        if len(rows) > self.most_rows:
            raise Unreadable(
                _("This list is too long. Write the first %(most)s and call us about the rest.")
                % {"most": self.most_rows}
            )
        for row in rows:
            if not row["name"]:
                raise Unreadable(
                    _("Write the name of each medicine. If you do not know it, describe it, for example “white pill”.")
                )
            if any(len(text) > self.item.max_length for text in row.values()):
                raise Unreadable(
                    _("One of these entries is too long. Keep each under %(most)s characters.")
                    % {"most": self.item.max_length}
                )
        return {"none": any(typed["none"]), "rows": rows}

    def _rows(self, typed: Mapping[str, Any]) -> list[dict[str, str]]:
        count = max(len(typed[column]) for column in self.columns)
        filled = {column: [*typed[column], *[""] * (count - len(typed[column]))] for column in self.columns}
        rows = [{column: filled[column][n].strip() for column in self.columns} for n in range(count)]
        return [row for row in rows if any(row.values())]

    def show(self, answer: dict[str, Any]) -> str:
        if answer["none"]:
            return self.words(self.item.none_label)
        return "\n".join(", ".join(text for text in row.values() if text) for row in answer["rows"])

    def raw(self, answer: dict[str, Any]) -> dict[str, list[str]]:
        columns = {column: [row[column] for row in answer["rows"]] for column in self.columns}
        return {"none": ["1"] if answer["none"] else [], **columns}


class Signature(AnswerField):
    """A typed name and a tick under a text, or, where the text allows it, an open refusal. Never ticked beforehand."""

    template = "signature"
    parts = ("agree", "name")

    def read(self, typed: Mapping[str, Any]) -> dict[str, str]:
        if typed["agree"] == "declined" and self.item.may_decline:
            return {"decision": "declined", "name": typed["name"][:200]}
        if typed["agree"] != "signed":
            raise Unreadable(
                _("To sign, tick the sentence above your name.") if not self.item.may_decline else _("Choose one.")
            )
        if len(typed["name"]) < 2 or len(typed["name"]) > 200:
            raise Unreadable(_("Type your full name to sign."))
        return {"decision": "signed", "name": typed["name"]}

    def message_when_blank(self) -> str:
        return self.words(self.item.error) or _("Tick the sentence and type your full name to sign.")

    def show(self, answer: dict[str, str]) -> str:
        if answer["decision"] == "declined":
            return self.words(self.item.decline_label)
        return _("Signed by %(name)s") % answer

    def raw(self, answer: dict[str, str]) -> dict[str, list[str]]:
        return {"agree": [answer["decision"]], "name": [answer["name"]]}


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
