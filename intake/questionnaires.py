"""The questionnaire as a document: its shape, and every way in which it can be wrong.

`Questionnaire.from_tree` builds it from what the files say (`clinic_site.publishing.documents`) and raises
ContentError with all problems at once. A page is a top-level item of a section: one question, one tight group, or a
text to read.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from clinic_site.publishing.documents import ContentError, Entry, Problem, parse_source, read_source

SHIPPED = Path(__file__).parent / "content" / "questionnaire"
HEADER = "questionnaire.yaml"
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
    code: str
    label: Text
    help: Text
    exclusive: bool


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
    instrument: str
    autocomplete: str
    options: tuple[Option, ...]
    option_facts: bool
    ranges: Mapping[str, Range]
    unit: Text
    decimals: int
    max_length: int
    not_in_future: bool
    body: Text
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

    def option(self, code: str) -> Option | None:
        return next((option for option in self.options if option.code == code), None)


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
class Instrument:
    code: str
    name: Text
    licence: str
    attribution: str
    source: str


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

    @classmethod
    def from_tree(cls, tree: Mapping[str, Any]) -> "Questionnaire":
        """The questionnaire that the files say. Raises ContentError with every problem found."""
        problems: list[Problem] = []
        header = Entry.of(tree.get(HEADER), file=HEADER, name="", problems=problems)
        languages = header.strings("languages", required=True) or ("en",)
        reader = _Reader(languages, _option_sets(header, languages), problems)
        questionnaire = cls(
            document_id=header.string("questionnaire", required=True),
            version=header.string("version", required=True),
            languages=languages,
            title=header.text("title", languages, required=True),
            minimum_age_years=int(header.number("minimum_age_years", required=True) or 0),
            sections=tuple(reader.section(name, tree[name]) for name in sorted(tree) if name != HEADER),
        )
        header.done()
        if not problems:
            problems += _structure_problems(questionnaire, reader.files)
        if problems:
            raise ContentError(problems)
        return questionnaire

    @classmethod
    def from_folder(cls, folder: Path = SHIPPED) -> "Questionnaire":
        return cls.from_tree(parse_source(read_source(folder)))

    @cached_property
    def pages(self) -> tuple[Page, ...]:
        pages = ((section, item) for section in self.sections for item in section.items)
        return tuple(Page(number, section, item) for number, (section, item) in enumerate(pages, 1))

    @cached_property
    def questions(self) -> dict[str, Item]:
        """Every item that asks something, by its link_id, in the order of asking."""
        return {item.link_id: item for page in self.pages for item in page.questions}

    @cached_property
    def page_of(self) -> dict[str, Page]:
        """The page of every question, and of every part of one that a condition can address."""
        found = {item.link_id: page for page in self.pages for item in (page.item, *page.questions)}
        for part in PARTS:
            if "blood_pressure" in found:
                found[part] = found["blood_pressure"]
        return found

    @cached_property
    def instruments(self) -> dict[str, Instrument]:
        return {instrument.code: instrument for section in self.sections for instrument in section.instruments}


_CODE = re.compile(r"[a-z][a-z0-9_]*\Z")
_PLAIN = "Write {} in small letters, digits and underscores, beginning with a letter"


def _option_sets(header: Entry, languages: tuple[str, ...]) -> dict[str, tuple[Option, ...]]:
    found = {}
    for name, options in header.mapping("option_sets").items():
        entry = Entry.of({"options": options}, file=header.file, name=f"option_sets {name}", problems=header.problems)
        found[name] = _list_of_options(entry, languages)
    return found


def _list_of_options(entry: Entry, languages: tuple[str, ...]) -> tuple[Option, ...]:
    options = tuple(_option(option, languages) for option in entry.entries("options", "code"))
    codes = [option.code for option in options]
    if len(codes) < 2:
        entry.problem("a choice needs at least two options")
    if len(set(codes)) < len(codes):
        entry.problem("two options have the same code")
    if {"not_sure", "prefer_not_to_say"} & set(codes):
        entry.problem("'Not sure' and 'Prefer not to say' are added by the program: take them out of the options")
    return options


def _option(entry: Entry, languages: tuple[str, ...]) -> Option:
    option = Option(
        code=entry.string("code", required=True),
        label=entry.text("label", languages, required=True),
        help=entry.text("help", languages),
        exclusive=entry.flag("exclusive"),
    )
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", option.code or "x"):
        entry.problem(_PLAIN.format("the code"))
    entry.done()
    return option


@dataclass
class _Reader:
    languages: tuple[str, ...]
    option_sets: dict[str, tuple[Option, ...]]
    problems: list[Problem]

    def __post_init__(self) -> None:
        self.files: dict[str, str] = {}

    def section(self, file: str, values: Any) -> Section:
        entry = Entry.of(values, file=file, name="", problems=self.problems)
        code = entry.string("section", required=True)
        sensitivity = entry.word("sensitivity", SENSITIVITIES, "none", required=True)
        section = Section(
            code=code,
            title=entry.text("title", self.languages, required=True),
            sensitivity=sensitivity,
            intro=entry.text("intro", self.languages),
            instruments=tuple(self._instruments(entry)),
            items=tuple(
                self.item(item, sensitive=sensitivity != "none", group_why=None)
                for item in entry.entries("items", "link_id", required=True)
            ),
        )
        entry.done()
        return section

    def _instruments(self, section: Entry) -> Iterator[Instrument]:
        for code, values in section.mapping("instruments").items():
            entry = Entry.of(values, file=section.file, name=f"instrument {code}", problems=self.problems)
            yield Instrument(
                code=code,
                name=entry.text("name", self.languages, required=True),
                licence=entry.string("licence", required=True),
                attribution=entry.string("attribution", required=True),
                source=entry.string("source", required=True),
            )
            entry.done()

    def item(self, entry: Entry, *, sensitive: bool, group_why: Text | None) -> Item:
        """One item. `group_why` is None for a page of its own, else the reason given by its group."""
        link_id = entry.string("link_id", required=True)
        if link_id and not _CODE.match(link_id):
            entry.problem(_PLAIN.format("the link_id"))
        if link_id and link_id in self.files:
            entry.problem(f"the link_id '{link_id}' is used already in {self.files[link_id]}: choose another")
        self.files[link_id] = entry.file
        kind = entry.word("type", TYPES, "short_text", required=True)
        asks = kind not in ("display", "group")
        clinical = entry.flag("clinical", True) and asks and kind != "signature"
        why = entry.text("why", self.languages)
        conditions = tuple(self._condition(child) for child in entry.entries("enable_when", "question"))
        behaviour = entry.word("enable_behavior", ("all", "any"))
        if len(conditions) > 1 and not behaviour:
            entry.problem("has several conditions: add 'enable_behavior: all' or 'enable_behavior: any'")
        item = Item(
            link_id=link_id,
            type=kind,
            text=entry.text("text", self.languages, required=True),
            help=entry.text("help", self.languages),
            why=why,
            error=entry.text("error", self.languages),
            summary=entry.text("summary", self.languages),
            clinical=clinical,
            required=entry.flag("required", not clinical) and asks and not clinical,
            right_now=entry.flag("right_now"),
            instrument=entry.string("instrument"),
            autocomplete=entry.string("autocomplete"),
            options=self._options(entry, kind),
            option_facts=entry.flag("option_facts"),
            ranges=self._ranges(entry, kind),
            unit=entry.text("unit", self.languages, required=kind == "number"),
            decimals=int(entry.number("decimals", 0) or 0),
            max_length=int(entry.number("max_length", 4000 if kind == "long_text" else 200) or 0),
            not_in_future=entry.flag("not_in_future", True),
            body=entry.text("body", self.languages, required=kind in ("display", "signature")),
            statement=entry.text("statement", self.languages, required=kind == "signature"),
            consent=entry.flag("consent"),
            may_decline=entry.flag("may_decline"),
            decline_label=entry.text("decline_label", self.languages),
            none_label=entry.text("none_label", self.languages, required=kind == "medicines"),
            version=entry.string("version", required=kind == "signature"),
            enable_when=conditions,
            enable_any=behaviour == "any",
            items=self._group_items(entry, kind, sensitive=sensitive, why=why, in_group=group_why is not None),
        )
        needs_why = entry.flag("sensitive") or (sensitive and clinical)
        if needs_why and not why and not group_why:
            entry.problem("is sensitive: add 'why' with one sentence on why we ask")
        if item.may_decline and not item.decline_label:
            entry.problem("may be declined: add 'decline_label'")
        entry.done()
        return item

    def _group_items(self, entry: Entry, kind: str, *, sensitive: bool, why: Text, in_group: bool) -> tuple[Item, ...]:
        children = entry.entries("items", "link_id", required=kind == "group")
        if kind != "group":
            if children:
                entry.problem("only a group has 'items'")
            return ()
        if in_group:
            entry.problem("a group can not stand in a group: put it on a page of its own")
            return ()
        return tuple(self.item(child, sensitive=sensitive, group_why=why) for child in children)

    def _condition(self, entry: Entry) -> Condition:
        operator = entry.word("operator", OPERATORS, "=", required=True)
        answer = entry.raw("answer", required=True)
        condition = Condition(question=entry.string("question", required=True), operator=operator, answer=answer)
        numeric = isinstance(answer, (int, float)) and not isinstance(answer, bool)
        if operator == "exists" and not isinstance(answer, bool):
            entry.problem("with 'exists' the answer is true or false")
        elif operator in (">", "<", ">=", "<=") and not numeric:
            entry.problem(f"with '{operator}' the answer is a number")
        elif operator in ("=", "!=") and not (numeric or isinstance(answer, str)):
            entry.problem("the answer is an option code or a number")
        entry.done()
        return condition

    def _options(self, entry: Entry, kind: str) -> tuple[Option, ...]:
        given = entry.raw("options", required=kind in ("choice", "multiple_choice"))
        if given is None:
            return ()
        if kind not in ("choice", "multiple_choice"):
            entry.problem("only a choice has 'options'")
            return ()
        if isinstance(given, str):
            if given not in self.option_sets:
                entry.word("options", self.option_sets)
            return self.option_sets.get(given, ())
        return _list_of_options(entry, self.languages)

    def _ranges(self, entry: Entry, kind: str) -> dict[str, Range]:
        if kind in ("number", "height", "weight"):
            return {"value": self._range(entry, entry)}
        if kind == "blood_pressure":
            return {
                part: self._range(
                    entry,
                    Entry.of(entry.raw(part), file=entry.file, name=f"{entry.name} {part}", problems=self.problems),
                )
                for part in ("systolic", "diastolic")
            }
        return {}

    @staticmethod
    def _range(owner: Entry, entry: Entry) -> Range:
        low, high = entry.number("min", required=True), entry.number("max", required=True)
        if low is not None and high is not None and low >= high:
            owner.problem("'min' must be below 'max'")
        return Range(low or 0.0, high or 0.0)


def _structure_problems(questionnaire: Questionnaire, files: Mapping[str, str]) -> Iterator[Problem]:
    """Problems between items.

    Gates that do not exist, come too late, are never true, or an option that is not there.
    """
    order = questionnaire.page_of
    for page in questionnaire.pages:
        for item in dict.fromkeys((page.item, *page.questions)):

            def problem(message: str, item: Item = item) -> Problem:
                return Problem(files[item.link_id], item.link_id, message)

            if item.instrument and item.instrument not in questionnaire.instruments:
                yield problem(f"the instrument '{item.instrument}' is not described under 'instruments'")
            if item is not page.item and item.enable_when:
                yield problem("a question inside a group can not be conditional: put it on a page of its own")
            if sum(option.exclusive for option in item.options) > 1:
                yield problem("only one option can be exclusive")
            for condition in item.enable_when:
                gate_page = order.get(condition.question)
                if gate_page is None:
                    yield problem(f"the condition names '{condition.question}', which is not asked")
                elif gate_page.number >= page.number:
                    yield problem(
                        f"the condition names '{condition.question}', which is asked on the same page or later:"
                        " a cycle, or a question nobody reaches; move this item behind it"
                    )
                else:
                    message = _condition_problem(questionnaire, condition)
                    if message:
                        yield problem(message)


def _condition_problem(questionnaire: Questionnaire, condition: Condition) -> str:
    gate = questionnaire.questions.get("blood_pressure" if condition.question in PARTS else condition.question)
    if gate is None:
        return f"the condition names '{condition.question}', which is not a question"
    if gate.options and condition.operator in ("=", "!="):
        codes = [option.code for option in gate.options]
        if condition.answer not in codes:
            return f"is never asked: '{condition.question}' has no option '{condition.answer}', only {', '.join(codes)}"
    if gate.options and condition.operator in (">", "<", ">=", "<="):
        return f"'{condition.question}' is a choice and can not be compared by size"
    if gate.options or condition.operator == "exists":
        return ""
    if gate.type != "number" and condition.question not in PARTS:
        return f"'{condition.question}' is neither a choice nor a number: only 'exists' can ask about it"
    if isinstance(condition.answer, str):
        return f"'{condition.question}' is a number and is compared with text: write the answer without quotes"
    return ""
