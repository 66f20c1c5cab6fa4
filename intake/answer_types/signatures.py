"""Signing a text on screen."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from intake.answer_types.base import AnswerField, Unreadable


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
