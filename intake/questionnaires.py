"""The questionnaire as a document: its shape.

`intake/questionnaire_reader.py` builds it from what the files say. A page is a top-level item of a section: one
question, one tight group, or a text to read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from intake.truth import Truth

SENSITIVITIES = ("none", "mental-health", "substance-use")
OPERATORS = ("=", "!=", ">", "<", ">=", "<=", "exists")
TYPES = [
    "choice",
    "multiple_choice",
    "number",
    "height",
    "weight",
    "blood_pressure",
    "date",
    "partial_date",
    "short_text",
    "long_text",
    "medicines",
    "phone",
    "email",
    "address",
    "signature",
    "group",
    "display",
]
# A blood pressure is one question with two readings; conditions address each reading by its fact name.
PARTS = {"systolic_mmhg": "systolic", "diastolic_mmhg": "diastolic"}

Text = Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Option:
    """One option.

    `exclusive` stands alone ("none of these"). `rest` says no to whatever else is not ticked. `score` is what a
    published scale counts for it.
    """

    code: str
    label: Text
    help: Text
    exclusive: bool
    rest: bool
    score: float | None


@dataclass(frozen=True)
class Condition:
    """One `enable_when` entry, in FHIR's shape: the answer to `question` compared with `answer`."""

    question: str
    operator: str
    answer: str | float | bool


@dataclass(frozen=True)
class Range:
    """Plausible values, both ends included. Outside it we ask again; rules treat below as unknown and above as said."""

    minimum: float
    maximum: float


@dataclass(frozen=True, eq=False)
class Item:
    link_id: str
    type: str
    text: Text
    help: Text
    why: Text
    error: Text
    summary: Text
    clinical: bool
    required: bool
    right_now: bool
    asks_again: str
    instrument: str
    stem: Text
    loinc: str
    autocomplete: str
    options: tuple[Option, ...]
    option_facts: bool
    ranges: Mapping[str, Range]
    unit: Text
    decimals: int
    max_length: int
    not_in_future: bool
    body: Text
    full_text: Text
    statement: Text
    consent: bool
    may_decline: bool
    decline_label: Text
    none_label: Text
    version: str
    enable_when: tuple[Condition, ...]
    enable_any: bool
    items: "tuple[Item, ...]" = ()

    @property
    def asks(self) -> bool:
        return self.type not in ("display", "group")

    @cached_property
    def by_code(self) -> dict[str, Option]:
        return {option.code: option for option in self.options}

    def option(self, code: object) -> Option | None:
        return self.by_code.get(code) if isinstance(code, str) else None


@dataclass(frozen=True, eq=False)
class Page:
    """One screen: its address within this version (from 1), its section and its item with the questions on it."""

    number: int
    section: "Section"
    item: Item

    @property
    def questions(self) -> tuple[Item, ...]:
        return self.item.items if self.item.type == "group" else (self.item,) if self.item.asks else ()


@dataclass(frozen=True)
class Score:
    """A number that a scale yields: the sum of what its items count, or the highest of other scores.

    `bands` are published names for its ranges, each by the score it begins at.
    """

    name: str
    title: Text
    items: tuple[str, ...]
    highest_of: tuple[str, ...]
    loinc: str
    source: str
    bands: tuple[tuple[float, Text], ...]


@dataclass(frozen=True)
class Screen:
    """A yes or no from a score: yes from `cut_off` on. `other_cut_offs` stand for the first answer that was given."""

    name: str
    score: str
    cut_off: float
    other_cut_offs: tuple[tuple[str, str, float], ...]
    source: str


@dataclass(frozen=True)
class Instrument:
    """A scale as published, with its `stem`: the words that introduce its items.

    An item has it as its own `stem`, unless the scale introduces that item otherwise or not at all.
    """

    code: str
    name: Text
    stem: Text
    why: Text
    licence: str
    attribution: str
    source: str
    loinc: str
    scores: tuple[Score, ...]
    screens: tuple[Screen, ...]


@dataclass(frozen=True, eq=False)
class Section:
    code: str
    title: Text
    sensitivity: str
    intro: Text
    items: tuple[Item, ...]
    instruments: tuple[Instrument, ...]


@dataclass(frozen=True, eq=False)
class Questionnaire:
    document_id: str
    version: str
    languages: tuple[str, ...]
    title: Text
    minimum_age_years: int
    sections: tuple[Section, ...]

    @cached_property
    def pages(self) -> tuple[Page, ...]:
        pages = ((section, item) for section in self.sections for item in section.items)
        return tuple(Page(number, section, item) for number, (section, item) in enumerate(pages, 1))

    @cached_property
    def pages_with_a_gate(self) -> tuple[Page, ...]:
        return tuple(page for page in self.pages if page.item.enable_when)

    @cached_property
    def asked_of_everybody(self) -> dict[int, Truth]:
        return {page.number: Truth.TRUE for page in self.pages if not page.item.enable_when}

    @cached_property
    def gating(self) -> frozenset[str]:
        """The questions whose answers a condition looks at, by themselves or in a score."""
        found: set[str] = set()
        for name in {condition.question for page in self.pages for condition in page.item.enable_when}:
            screen = self.screens.get(name)
            score = self.scores.get(screen.score if screen else name)
            found |= {question for question, _answer, _cut_off in screen.other_cut_offs} if screen else set()
            found |= set(self.items_of(score)) if score else {"blood_pressure" if name in PARTS else name}
        return frozenset(found)

    @cached_property
    def questions_by_section(self) -> tuple[tuple[Section, tuple[tuple[Item, int], ...]], ...]:
        """The sections that ask something: each question with the number of its page."""
        numbered = ((p.section, item, p.number) for p in self.pages for item in p.questions)
        groups = groupby(numbered, key=lambda one: one[0])
        return tuple((section, tuple((item, number) for _, item, number in own)) for section, own in groups)

    @cached_property
    def questions(self) -> dict[str, Item]:
        """Every item that asks something, by its link_id, in the order of asking."""
        return {item.link_id: item for page in self.pages for item in page.questions}

    @cached_property
    def page_of(self) -> dict[str, Page]:
        """The page of every question, and of all else that a condition can address: a part of one, a score, a screen.

        A score is known from the page of its last item on.
        """
        found = {item.link_id: page for page in self.pages for item in (page.item, *page.questions)}
        for part in PARTS:
            if "blood_pressure" in found:
                found[part] = found["blood_pressure"]
        for score in self.scores.values():
            pages = [found[link_id] for link_id in self.items_of(score) if link_id in found]
            if pages:
                found[score.name] = max(pages, key=lambda page: page.number)
        return found | {s.name: found[s.score] for s in self.screens.values() if s.score in found}

    @cached_property
    def instruments(self) -> dict[str, Instrument]:
        return {instrument.code: instrument for section in self.sections for instrument in section.instruments}

    @cached_property
    def scores(self) -> dict[str, Score]:
        return {score.name: score for instrument in self.instruments.values() for score in instrument.scores}

    @cached_property
    def screens(self) -> dict[str, Screen]:
        return {screen.name: screen for instrument in self.instruments.values() for screen in instrument.screens}

    def items_of(self, score: Score) -> tuple[str, ...]:
        """The link_ids that a score counts, through the scores it is the highest of."""
        others = (self.scores[name] for name in score.highest_of if name in self.scores)
        return (*score.items, *(link_id for other in others for link_id in other.items))
