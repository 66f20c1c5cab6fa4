"""The rule set as a document: its shape, and every way in which a rule can be written wrongly.

`RuleSet.from_tree` builds it from what the files say and raises ContentError with all problems at once. What a rule
means is in `screening/engine.py`; whether it fits the questionnaire is for `screening/content_checks.py`.
"""

import datetime
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import cel

from clinic_site.publishing.documents import ContentError, Entry, Problem, content_hash, parse_source, read_source
from screening.medicines import Lexicon

SHIPPED = Path(__file__).parent / "content" / "rules"
HEADER = "rule_set.yaml"
MEDICINES = "medicines.yaml"
TIERS = ("emergency", "absolute", "relative", "caution", "info")
EVIDENCE = ("label", "consensus", "trial", "clinic", "policy", "general-knowledge")
_POLICIES = ("ask", "hold", *TIERS)
_OPERATORS = {"_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "_&&_", "_||_", "!_"}
_STRING = re.compile(r'"[^"]*"')
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?")

Text = Mapping[str, str]


def severity(tier: str) -> int:
    """5 for emergency down to 1 for info, 0 for none: what the queue sorts on."""
    return len(TIERS) - TIERS.index(tier) if tier in TIERS else 0


@lru_cache(maxsize=4096)
def _compiled(source: str) -> cel.Program:
    return cel.compile(source)


@dataclass(frozen=True, eq=False)
class Expression:
    """A CEL expression over facts and constants."""

    source: str

    @property
    def program(self) -> cel.Program:
        return _compiled(self.source)

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """The names it reads, in the order in which they stand."""
        names = set(self.program.variables())
        return tuple(sorted(names, key=lambda name: re.search(rf"\b{re.escape(name)}\b", self.source).start()))  # type: ignore[union-attr]

    def literals(self, name: str) -> set[str]:
        """The texts that `name` is compared with, on either side; empty for a number."""
        after, before = rf'\b{re.escape(name)}\s*[!=]=\s*"([^"]*)"', rf'"([^"]*)"\s*[!=]=\s*{re.escape(name)}\b'
        return {*re.findall(after, self.source), *re.findall(before, self.source)}

    def meets_text(self, name: str) -> bool:
        """Whether `name` stands beside a text in any comparison, which for a number is a type error at run time."""
        name, operator = re.escape(name), r"\s*(?:[!=<>]=|[<>])\s*"
        return re.search(rf'\b{name}{operator}"|"{operator}{name}\b', self.source) is not None

    def problem(self) -> str:
        """Why this is not an expression we evaluate, or nothing."""
        try:
            references = self.program.references()
        except ValueError as error:
            return f"is not valid CEL: {str(error).splitlines()[0]}"
        foreign = set(references["functions"]) - _OPERATORS
        if foreign or "[" in self.source or "{" in _STRING.sub("", self.source):
            return (
                "uses something that rules may not (functions, lists and list macros lose a known yes):"
                " write it with == != < <= > >= && || ! and parentheses"
            )
        number = _NUMBER.search(_STRING.sub("", self.source))
        return (
            f"holds the bare number {number.group()}: give it a name, unit and source under 'constants'"
            if number
            else ""
        )


@dataclass(frozen=True, eq=False)
class Band:
    tier: str
    when: Expression
    hold: bool


@dataclass(frozen=True, eq=False)
class Example:
    facts: Mapping[str, Any]
    expect: str


@dataclass(frozen=True, eq=False)
class Rule:
    id: str
    title: Text
    category: str
    given: Expression | None
    requires: tuple[str, ...]
    bands: tuple[Band, ...]
    unknown: str
    covered_by: tuple[str, ...]
    yields_to: tuple[str, ...]
    next_step: Text
    sources: tuple[str, ...]
    owner: str
    review_by: str
    examples: tuple[Example, ...]

    @cached_property
    def expressions(self) -> tuple[Expression, ...]:
        return (*([self.given] if self.given else []), *(band.when for band in self.bands))

    def reads(self, constants: Mapping[str, Any]) -> tuple[str, ...]:
        """Every fact the rule reads, in the order of the document."""
        names = [name for expression in self.expressions for name in expression.variables]
        return tuple(dict.fromkeys(name for name in (*names, *self.requires) if name not in constants))


@dataclass(frozen=True)
class Constant:
    value: float
    unit: str
    source: str
    meaning: Text


@dataclass(frozen=True)
class Source:
    title: str
    url: str
    evidence: str


@dataclass(frozen=True, eq=False)
class RuleSet:
    id: str
    version: str
    sha256: str
    title: Text
    constants: Mapping[str, Constant]
    sources: Mapping[str, Source]
    rules: tuple[Rule, ...]
    lexicon: Lexicon

    @classmethod
    def from_tree(cls, tree: Mapping[str, Any]) -> "RuleSet":
        """The rule set that the files say. Raises ContentError with every problem found."""
        problems: list[Problem] = []
        header = Entry.of(tree.get(HEADER), file=HEADER, name="", problems=problems)
        rule_files = rule_entries(tree)
        rule_set = cls(
            id=header.string("rule_set", required=True),
            version=header.string("version", required=True),
            sha256=content_hash(tree),
            title=header.text("title", ("en",), required=True),
            constants=dict(_constants(header)),
            sources=dict(_sources(header)),
            rules=tuple(
                _rule(Entry.of(values, file=name, name=_name(values, index), problems=problems))
                for name, entries in rule_files.items()
                for index, values in enumerate(entries, 1)
            ),
            lexicon=Lexicon.from_tree(tree.get(MEDICINES), file=MEDICINES, problems=problems),
        )
        header.done()
        problems += _relations(rule_set, file_of_rule(tree))
        if problems:
            raise ContentError(problems)
        return rule_set

    @classmethod
    def from_folder(cls, folder: Path = SHIPPED) -> "RuleSet":
        return cls.from_tree(parse_source(read_source(folder)))

    @property
    def document_id(self) -> str:
        return self.id

    @cached_property
    def by_id(self) -> dict[str, Rule]:
        return {rule.id: rule for rule in self.rules}

    @cached_property
    def values(self) -> dict[str, float]:
        """Every constant by name, as the double that expressions see."""
        return {name: constant.value for name, constant in self.constants.items()}


def rule_entries(tree: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The rules as written, by file: every file but the header and the medicines."""
    return {name: tree[name] or [] for name in sorted(tree) if name not in (HEADER, MEDICINES)}


def file_of_rule(tree: Mapping[str, Any]) -> dict[str, str]:
    """The file in which each rule stands, for errors that name the place."""
    return {
        str(rule["id"]): name
        for name, entries in rule_entries(tree).items()
        for rule in entries
        if isinstance(rule, dict) and "id" in rule
    }


def _name(values: Any, index: int) -> str:
    return str(values.get("id", f"rule {index}")) if isinstance(values, dict) else f"rule {index}"


def _constants(header: Entry) -> Iterator[tuple[str, Constant]]:
    for name, values in header.raw("constants", {}).items():
        entry = Entry.of(values, file=header.file, name=name, problems=header.problems)
        if not re.fullmatch(r"[A-Z][A-Z0-9_]*", name):
            entry.problem("write the name of a constant in capitals, with its unit")
        value = entry.number("value", required=True)
        yield (
            name,
            Constant(
                value=float(value or 0),
                unit=entry.string("unit", required=True),
                source=entry.string("source", required=True),
                meaning=entry.text("meaning", ("en",), required=True),
            ),
        )
        entry.done()


def _sources(header: Entry) -> Iterator[tuple[str, Source]]:
    for key, values in header.raw("sources", {}).items():
        entry = Entry.of(values, file=header.file, name=key, problems=header.problems)
        yield (
            key,
            Source(
                title=entry.string("title", required=True),
                url=entry.string("url"),
                evidence=entry.word("evidence", EVIDENCE, required=True),
            ),
        )
        entry.done()


def _rule(entry: Entry) -> Rule:
    given = _expression(entry, "given")
    bands = tuple(_band(band) for band in entry.entries("bands", ""))
    order = [TIERS.index(band.tier) for band in bands if band.tier]
    if order != sorted(order):
        entry.problem("'bands' must stand from the most severe to the least")
    unknown, covered_by = _policy(entry)
    rule = Rule(
        id=entry.string("id", required=True),
        title=entry.text("title", ("en",), required=True),
        category=entry.string("category", required=True),
        given=given,
        requires=entry.strings("requires"),
        bands=bands,
        unknown=unknown,
        covered_by=covered_by,
        yields_to=entry.strings("yields_to"),
        next_step=entry.text("next_step", ("en",), required=True),
        sources=entry.strings("sources", required=True),
        owner=entry.string("owner", required=True),
        review_by=entry.string("review_by", required=True),
        examples=tuple(_example(example) for example in entry.entries("examples", "", required=True)),
    )
    if not bands and not rule.requires:
        entry.problem("add 'bands' (how severe) or 'requires' (what must be known)")
    try:
        datetime.date.fromisoformat(rule.review_by or "2000-01-01")
    except ValueError:
        entry.problem("'review_by' must be a date such as 2027-11-01")
    entry.done()
    return rule


def _expression(entry: Entry, key: str, *, required: bool = False) -> Expression | None:
    source = entry.raw(key, required=required)
    if source is None:
        return None
    expression = Expression(str(source).lower() if isinstance(source, bool) else str(source).strip())
    problem = expression.problem()
    if problem:
        entry.problem(f"'{key}' {problem}")
        return Expression("false")
    return expression


def _band(entry: Entry) -> Band:
    band = Band(
        tier=entry.word("tier", TIERS, "info", required=True),
        when=_expression(entry, "when", required=True) or Expression("true"),
        hold=entry.flag("hold"),
    )
    if band.hold and band.tier != "info":
        entry.problem("a band with 'hold: true' is listed at info: write 'tier: info'")
    entry.done()
    return band


def _policy(entry: Entry) -> tuple[str, tuple[str, ...]]:
    """What an open question does. "Unknown means clear" has no spelling."""
    policy = entry.raw("unknown", required=True)
    if isinstance(policy, dict):
        child = Entry.of(policy, file=entry.file, name=entry.name, problems=entry.problems)
        covered_by = child.strings("covered_by", required=True)
        child.done()
        return "covered", covered_by
    return entry.word("unknown", _POLICIES, "hold"), ()


def _example(entry: Entry) -> Example:
    facts = entry.raw("facts", {})
    example = Example(facts=facts if isinstance(facts, dict) else {}, expect=entry.string("expect", required=True))
    entry.done()
    return example


def _relations(rule_set: RuleSet, files: Mapping[str, str]) -> Iterator[Problem]:
    """Problems between rules: ids used twice, rules, sources or constants that do not exist, and circles."""
    known = rule_set.by_id
    seen: set[str] = set()
    for rule in rule_set.rules:
        where = (files.get(rule.id, HEADER), rule.id)
        if rule.id in seen:
            yield Problem(*where, "this id is used twice")
        seen.add(rule.id)
        for other in (*rule.covered_by, *rule.yields_to):
            if other not in known:
                yield Problem(*where, f"names the rule '{other}', which does not exist")
        for source in rule.sources:
            if source not in rule_set.sources:
                yield Problem(*where, f"names the source '{source}': describe it under 'sources' in {HEADER}")
        for name in {name for expression in rule.expressions for name in expression.variables}:
            if name.isupper() and name not in rule_set.constants:
                yield Problem(*where, f"reads the constant '{name}': add it under 'constants' in {HEADER}")
        if _in_circle(rule.id, known):
            yield Problem(*where, "'covered_by' and 'yields_to' lead in a circle back to this rule")
    for name, constant in rule_set.constants.items():
        if constant.source not in rule_set.sources:
            yield Problem(HEADER, name, f"names the source '{constant.source}', which is not described")


def _in_circle(start: str, rules: Mapping[str, Rule]) -> bool:
    waiting, seen = [start], set()
    while waiting:
        rule = rules.get(waiting.pop())
        for other in (*rule.covered_by, *rule.yields_to) if rule else ():
            if other == start:
                return True
            if other not in seen:
                seen.add(other)
                waiting.append(other)
    return False
