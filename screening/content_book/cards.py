"""What every chapter is made of: cards with rows. The changes chapter compares the same rows, so nothing that the book
shows can change unseen."""

from dataclasses import dataclass, field
from typing import Any

_SHORT_LINES = 22


@dataclass(frozen=True)
class Row:
    """One heading and what stands under it.

    `kind` names the template that shows `value`. `lines` are the same in plain text, and what two versions are compared
    by, unless `identity` is given: then a change of names elsewhere does not count as a change here. A tuple of texts
    as identity is shown when the words of two versions are the same and what they stand for is not.
    """

    label: str
    kind: str
    value: Any
    lines: tuple[str, ...]
    identity: Any = None

    @property
    def template(self) -> str:
        return f"content_book/rows/{self.kind}.html"

    @property
    def exact(self) -> tuple[str, ...]:
        texts = isinstance(self.identity, tuple) and all(isinstance(text, str) for text in self.identity)
        return self.identity if texts else ()

    def same_as(self, other: "Row | None") -> bool:
        if other is None:
            return False
        if self.identity is not None and other.identity is not None:
            return bool(self.identity == other.identity)
        return self.lines == other.lines


@dataclass(frozen=True)
class Card:
    """One question, rule, instrument or section head. `name` is its key in the documents, `number` its place."""

    anchor: str
    name: str
    title: str
    rows: tuple[Row, ...]
    number: str = ""
    marks: tuple[str, ...] = ()
    children: "tuple[Card, ...]" = field(default=())

    @property
    def is_short(self) -> bool:
        """Whether it may be kept on one sheet of paper without leaving much of another empty."""
        return not self.children and sum(len(row.lines) for row in self.rows) < _SHORT_LINES

    def row(self, label: str) -> Row | None:
        return next((row for row in self.rows if row.label == label), None)


def text_row(label: str, text: str) -> list[Row]:
    """A row with one sentence, or none."""
    return [Row(label, "text", text, (text,))] if text else []


def body_row(label: str, text: str) -> list[Row]:
    """A row with paragraphs, or none."""
    lines = tuple(line for line in text.splitlines() if line.strip())
    return [Row(label, "body", text, lines)] if text else []
