"""A list of medicines, as many rows as a person takes."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from intake.answer_types.base import AnswerField, Unreadable


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
