"""What every type of answer shares: its parts, the ways not to answer, and what happens to a blank."""

import datetime
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from clinic_site.records.text import normalised
from intake.answers import Reply, State
from intake.measures import implausible
from intake.questionnaires import Item

# What a person typed that can not be read is kept up to this many characters; a page never loses it from view either
# way.
MOST_KEPT_CHARACTERS = 20_000

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
            # Not among the options: a scale is shown as it was published.
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

    def salvage(self, value: Raw) -> Reply | None:
        """The part of an unreadable answer that must count all the same; nothing for most types."""
        return None

    def doubt(self, answer: Any) -> str:
        """What to ask about an answer once, before it is taken as it stands; nothing for most."""
        if not implausible(self.item, answer):
            return ""
        return _("Please check this. If it is right as it stands, press Save and continue again.")

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
    if "\x00" in text:
        raise Unreadable(_("This holds a character that can not be stored. Please type it again."))
    return normalised(text)
