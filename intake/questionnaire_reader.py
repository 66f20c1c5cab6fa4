"""The questionnaire from its files, and every way in which they can be wrong.

Raises ContentError with all problems at once.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clinic_site.publishing.documents import ContentError, Entry, Problem, parse_source, read_source
from intake.questionnaire_structure import structure_problems
from intake.questionnaires import (
    OPERATORS,
    SENSITIVITIES,
    TYPES,
    Condition,
    Instrument,
    Item,
    Option,
    Questionnaire,
    Range,
    Score,
    Screen,
    Section,
    Text,
)

SHIPPED = Path(__file__).parent / "content" / "questionnaire"
HEADER = "questionnaire.yaml"


def read_questionnaire(folder: Path = SHIPPED) -> Questionnaire:
    return questionnaire_from_tree(parse_source(read_source(folder)))


def questionnaire_from_tree(tree: Mapping[str, Any]) -> Questionnaire:
    """The questionnaire that the files say. Raises ContentError with every problem found."""
    problems: list[Problem] = []
    header = Entry.of(tree.get(HEADER), file=HEADER, name="", problems=problems)
    languages = header.strings("languages", required=True) or ("en",)
    reader = _Reader(languages, _option_sets(header, languages), problems)
    questionnaire = Questionnaire(
        document_id=header.string("questionnaire", required=True),
        version=header.string("version", required=True),
        languages=languages,
        title=header.text("title", languages, required=True),
        minimum_age_years=int(header.number("minimum_age_years", required=True) or 0),
        sections=tuple(reader.section(name, tree[name]) for name in sorted(tree) if name != HEADER),
    )
    header.done()
    if not problems:
        problems += structure_problems(questionnaire, reader.files)
    if problems:
        raise ContentError(problems)
    return questionnaire


_CODE = re.compile(r"[a-z][a-z0-9_]*\Z")
_PLAIN = "Write {} in small letters, digits and underscores, beginning with a letter"


def _option_sets(header: Entry, languages: tuple[str, ...]) -> dict[str, tuple[Option, ...]]:
    found = {}
    for name, options in header.mapping("option_sets").items():
        entry = Entry.of({"options": options}, file=header.file, name=f"option_sets {name}", problems=header.problems)
        found[name] = _list_of_options(entry, languages)
    return found


def _named_children(entry: Entry, key: str) -> Iterator[Entry]:
    for name, values in entry.mapping(key).items():
        yield Entry.of(values, file=entry.file, name=str(name), problems=entry.problems)


def _fact_name(entry: Entry) -> str:
    if not _CODE.match(entry.name):
        entry.problem(_PLAIN.format("the name"))
    return entry.name


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
        rest=entry.flag("rest"),
        score=entry.number("score"),
    )
    if option.exclusive and option.rest:
        entry.problem("is either 'exclusive' (stands alone) or 'rest' (no to what is not ticked), not both")
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
        self.instruments_with_why: set[str] = set()
        self.stems: dict[str, Text] = {}

    def section(self, file: str, values: Any) -> Section:
        entry = Entry.of(values, file=file, name="", problems=self.problems)
        code = entry.string("section", required=True)
        instruments = tuple(self._instruments(entry))
        self.instruments_with_why = {instrument.code for instrument in instruments if instrument.why}
        self.stems = {instrument.code: instrument.stem for instrument in instruments}
        sensitivity = entry.word("sensitivity", SENSITIVITIES, "none", required=True)
        section = Section(
            code=code,
            title=entry.text("title", self.languages, required=True),
            sensitivity=sensitivity,
            intro=entry.text("intro", self.languages),
            instruments=instruments,
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
                stem=entry.text("stem", self.languages),
                why=entry.text("why", self.languages),
                licence=entry.string("licence", required=True),
                attribution=entry.string("attribution", required=True),
                source=entry.string("source", required=True),
                loinc=entry.string("loinc"),
                scores=tuple(self._score(child) for child in _named_children(entry, "scores")),
                screens=tuple(self._screen(child) for child in _named_children(entry, "screens")),
            )
            entry.done()

    def _score(self, entry: Entry) -> Score:
        bands = []
        for band in entry.entries("bands", "from"):
            bands.append((float(band.number("from", required=True) or 0), band.text("label", self.languages)))
            band.done()
        score = Score(
            name=_fact_name(entry),
            title=entry.text("title", self.languages, required=True),
            items=entry.strings("sum"),
            highest_of=entry.strings("highest"),
            loinc=entry.string("loinc"),
            source=entry.string("source", required=True),
            bands=tuple(bands),
        )
        if bool(score.items) == bool(score.highest_of):
            entry.problem("write either 'sum' with the items it counts, or 'highest' with the scores it compares")
        if [start for start, _label in bands] != sorted({start for start, _label in bands}):
            entry.problem("'bands' must stand from the lowest score to the highest, each once")
        entry.done()
        return score

    def _screen(self, entry: Entry) -> Screen:
        others = []
        for other in entry.entries("when", "question"):
            cut_off = float(other.number("from", required=True) or 0)
            others.append((other.string("question", required=True), other.string("answer", required=True), cut_off))
            other.done()
        screen = Screen(
            name=_fact_name(entry),
            score=entry.string("score", required=True),
            cut_off=float(entry.number("from", required=True) or 0),
            other_cut_offs=tuple(others),
            source=entry.string("source", required=True),
        )
        entry.done()
        return screen

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
            asks_again=entry.string("asks_again"),
            instrument=entry.string("instrument"),
            stem=self._stem(entry),
            loinc=entry.string("loinc"),
            autocomplete=entry.string("autocomplete"),
            options=self._options(entry, kind),
            option_facts=entry.flag("option_facts"),
            ranges=self._ranges(entry, kind),
            unit=entry.text("unit", self.languages, required=kind == "number"),
            decimals=int(entry.number("decimals", 0) or 0),
            max_length=int(entry.number("max_length", 4000 if kind == "long_text" else 200) or 0),
            not_in_future=entry.flag("not_in_future", True),
            body=entry.text("body", self.languages, required=kind in ("display", "signature")),
            full_text=entry.text("full_text", self.languages),
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
        if needs_why and not (why or group_why or item.instrument in self.instruments_with_why):
            entry.problem("is sensitive: add 'why' with one sentence on why we ask")
        if item.may_decline and not item.decline_label:
            entry.problem("may be declined: add 'decline_label'")
        entry.done()
        return item

    def _stem(self, entry: Entry) -> Text:
        """The words above a published question: its own, else its scale's. `stem: none` stands for neither."""
        if entry.raw("stem") == "none":
            return {}
        return entry.text("stem", self.languages) or self.stems.get(entry.string("instrument"), {})

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
