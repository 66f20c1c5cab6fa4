"""One of several, or several of several."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from intake.answer_types.base import AnswerField, Raw, Unreadable
from intake.answers import Reply, State


class Choice(AnswerField):
    template = "choice"

    def clean(self, value: Raw) -> Reply:
        """The reply. "Not sure" is one more button of the same question, so the state comes in the same part."""
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

    def salvage(self, value: Raw) -> Reply | None:
        """What is ticked, when "none of these" or "Not sure" is ticked beside it: a yes counts until taken back."""
        ticked = [o.code for o in self.item.options if o.code in value.get("", []) and not (o.exclusive or o.rest)]
        return Reply(State.ANSWERED, ticked, self.show(ticked)) if ticked else None

    def read(self, typed: Mapping[str, Any]) -> list[str]:
        chosen = set(typed[""])
        known = [option for option in self.item.options if option.code in chosen]
        if len(known) < len(chosen):
            raise Unreadable(_("Choose from the answers on the page."))
        if len(known) > 1 and any(option.exclusive for option in known):
            alone = next(self.words(option.label) for option in known if option.exclusive)
            raise Unreadable(_("Choose “%(choice)s” only when nothing else is ticked.") % {"choice": alone})
        return [option.code for option in known]

    def doubt(self, answer: list[str]) -> str:
        """What is not ticked stays unknown without the option that says no to the rest, so we ask for it once."""
        rest = next((option for option in self.item.options if option.rest), None)
        if rest is None or not answer or rest.code in answer or len(answer) == len(self.item.options) - 1:
            return ""
        return _("If nothing else on the list fits you, tick “%(rest)s” too. If you are not sure, go on.") % {
            "rest": self.words(rest.label)
        }

    def show(self, answer: list[str]) -> str:
        return "; ".join(super(MultipleChoice, self).show(code) for code in answer)

    def raw(self, answer: list[str]) -> dict[str, list[str]]:
        return {"": list(answer)}
