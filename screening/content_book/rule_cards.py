"""The rules in words, category by category."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from screening.content_book.cards import Card, Row, text_row
from screening.content_book.conditions import Node, rule_condition
from screening.content_book.examples import example_table, in_one_line
from screening.content_book.names import Names
from screening.presentation import TIER_LABELS
from screening.rules import Rule, severity

EVIDENCE = {
    "label": "approved label",
    "consensus": "consensus or published report",
    "trial": "trial protocol",
    "clinic": "a clinic's practice",
    "policy": "policy",
    "general-knowledge": "general knowledge",
}
_OPEN = {
    "ask": "Ask: listed at info with what would settle it. Signing goes on.",
    "hold": "Hold: listed at info with what would settle it. Blocks signing until it is settled or closed.",
}


@dataclass(frozen=True)
class Category:
    code: str
    title: str
    cards: tuple[Card, ...]


def categories(names: Names) -> tuple[Category, ...]:
    """In the order in which the documents name them."""
    by_code: dict[str, list[Card]] = {}
    for rule in names.rule_set.rules:
        by_code.setdefault(rule.category, []).append(_card(rule, names))
    return tuple(Category(code, code.replace("-", " ").capitalize(), tuple(cards)) for code, cards in by_code.items())


def _card(rule: Rule, names: Names) -> Card:
    return Card(anchor=f"rule-{rule.id}", name=rule.id, title=rule.title["en"], rows=tuple(_rows(rule, names)))


def _rows(rule: Rule, names: Names) -> Iterator[Row]:
    if rule.given:
        when = rule_condition(rule.given, names)
        # Compared as it is written: a new short name of a question does not change when the rule fires.
        yield Row("When", "condition", when, (when.in_one_line,), rule.given.source)
    if rule.bands:
        yield _bands(rule, names)
    if rule.requires:
        known = tuple(names.label(fact) for fact in rule.requires)
        value = [Node.about(fact, "", names) for fact in rule.requires]
        yield Row("Must be known", "facts", value, known, rule.requires)
    yield _open_question(rule, names)
    if rule.yields_to:
        yield _others(
            "Hidden when", "One of these has fired, or is open while this rule is open too:", rule.yields_to, names
        )
    yield from text_row("Next step", rule.next_step["en"])
    yield _sources(rule, names)
    yield from text_row("Owner", f"{rule.owner.replace('-', ' ')}; to be reviewed by {rule.review_by}")
    yield _as_written(rule)
    identity = tuple((sorted((name, repr(value)) for name, value in e.facts.items()), e.expect) for e in rule.examples)
    lines = tuple(in_one_line(example, names) for example in rule.examples)
    yield Row("Examples", "examples", example_table(rule, names), lines, identity)


def _bands(rule: Rule, names: Names) -> Row:
    bands: list[dict[str, Any]] = []
    for band in rule.bands:
        always = band.when.source == "true"
        case = ("in every other case" if bands else "in every such case") if always else ""
        node = Node(says=case) if always else rule_condition(band.when, names)
        bands.append(
            {"tier": band.tier, "label": TIER_LABELS[band.tier], "case": case, "node": node, "hold": band.hold}
        )
    lines = tuple(f"{b['tier']}{' and blocks signing' if b['hold'] else ''}: {b['node'].in_one_line}" for b in bands)
    return Row("Then", "bands", bands, lines, tuple((b.tier, b.when.source, b.hold) for b in rule.bands))


def _open_question(rule: Rule, names: Names) -> Row:
    if rule.unknown == "covered":
        words = "Covered: nothing is listed here while one of these is fired or open. If none is, it is a hold."
        return _others("If open", words, rule.covered_by, names)
    words = _OPEN.get(rule.unknown, "")
    if not words:
        blocks = " Blocks signing until it is closed." if severity(rule.unknown) >= severity("relative") else ""
        words = f"{TIER_LABELS[rule.unknown]}: listed at that tier with what would settle it.{blocks}"
    return Row("If open", "text", words, (words,))


def _others(label: str, words: str, ids: tuple[str, ...], names: Names) -> Row:
    """A row that names other rules, by their titles."""
    titles = [names.rule_set.by_id[rule_id].title["en"] for rule_id in ids]
    rules = [{"id": rule_id, "title": title} for rule_id, title in zip(ids, titles, strict=True)]
    return Row(label, "rules", {"words": words, "rules": rules}, (words, *titles), (words, ids))


def _sources(rule: Rule, names: Names) -> Row:
    found = [(key, names.rule_set.sources[key]) for key in rule.sources]
    value = [
        {"key": key, "title": source.title, "url": source.url, "evidence": EVIDENCE[source.evidence]}
        for key, source in found
    ]
    lines = tuple(f"{source.title} ({EVIDENCE[source.evidence]})" for _key, source in found)
    return Row("Sources", "sources", value, lines, rule.sources)


def _as_written(rule: Rule) -> Row:
    """The expressions themselves: the words above are read from them and never replace them."""
    parts = [("given", rule.given.source)] if rule.given else []
    parts += [(f"{band.tier} when", band.when.source) for band in rule.bands]
    if rule.requires:
        parts.append(("requires", ", ".join(rule.requires)))
    return Row("As written", "code", parts, tuple(f"{label}: {source}" for label, source in parts))
