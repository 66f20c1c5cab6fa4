"""How many words a careful person reads in the intake, and so how long it takes.

Counted on each page: the section's introduction, the question or heading, its help, the text to read or to sign, the
statement and the options. A list of options counts the first time it is met ("Yes, No, Not sure …"), and so does the
introduction of a published scale: nobody reads them anew on each page. Reasons and the full texts of what is signed
stand behind a link and are counted apart; where a scale comes from is small print.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from intake.answer_types import FIELDS
from intake.questionnaires import Item, Page

WORDS_PER_MINUTE = 200
_WORD = re.compile(r"\w[\w’'.-]*")


@dataclass(frozen=True)
class Reading:
    """Words in sight, words behind "Why we ask", and words of full texts to sign."""

    pages: int
    shown: int
    why: int
    full_text: int

    @property
    def minutes(self) -> float:
        return self.shown / WORDS_PER_MINUTE


def reading(pages: Iterable[Page], *, language: str) -> Reading:
    """What somebody reads who goes through these pages once, in order."""
    reader = _Reader(language)
    count = 0
    for page in pages:
        count += 1
        reader.read(page)
    return Reading(count, reader.shown, reader.why, reader.full_text)


class _Reader:
    def __init__(self, language: str) -> None:
        self.language = language
        self.met: set[str] = set()
        self.shown = self.why = self.full_text = 0

    def read(self, page: Page) -> None:
        if page.section.intro:
            self.once(page.section.intro[self.language])
        for item in dict.fromkeys((page.item, *page.questions)):
            self.shown += sum(self.words(text) for text in (item.text, item.help, item.body, item.statement))
            self.shown += sum(self.words(text) for text in (item.none_label, item.decline_label))
            self.why += self.words(item.why)
            self.full_text += self.words(item.full_text)
            self.options(item)
            self.once(item.stem.get(self.language, ""))

    def options(self, item: Item) -> None:
        labels = [f"{option.label[self.language]} {option.help.get(self.language, '')}" for option in item.options]
        # Nobody reads a list of states or languages: they look for their own.
        if len(labels) <= 15:
            self.once(" / ".join(labels))
        if item.asks and item.clinical:
            self.once("Not sure / Prefer not to say" if not item.instrument else "I’d rather not answer this")
        for part in FIELDS[item.type].parts if item.asks else ():
            self.once(part)

    def once(self, text: str) -> None:
        if text not in self.met:
            self.met.add(text)
            self.shown += len(_WORD.findall(text))

    def words(self, text: object) -> int:
        return len(_WORD.findall(text[self.language])) if isinstance(text, dict) and text else 0
