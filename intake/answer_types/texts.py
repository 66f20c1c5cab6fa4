"""Free text, and text of a known form: phone, email, postal address."""

from collections.abc import Mapping
from typing import Any

import phonenumbers
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.utils.translation import gettext as _

from intake.answer_types.base import AnswerField, Unreadable


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
