"""What changed between two versions, in words and side by side.

It compares the rows that the book itself shows, so a change that a reader could see is a change that is listed.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from clinic_site.publishing.documents import canonical_form
from intake.questionnaires import Item, Section
from screening.content_book.cards import Card, Row, text_row
from screening.content_book.content import Content
from screening.content_book.names import Names, with_unit
from screening.content_book.questions import question_card, sections
from screening.content_book.reference import medicines
from screening.content_book.rule_cards import EVIDENCE, categories

_SHOWN_WHOLE = 4
_MOST_EXAMPLES = 8


@dataclass(frozen=True)
class Difference:
    """One row before and now; empty lines mean that it was not there."""

    label: str
    before: tuple[str, ...]
    now: tuple[str, ...]


@dataclass(frozen=True)
class Changed:
    card: Card
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class Group:
    """What changed among the entries of one kind. `inline`: entries are short, such as medicines."""

    title: str
    added: tuple[Card, ...]
    removed: tuple[Card, ...]
    changed: tuple[Changed, ...]
    inline: bool = False

    @property
    def anything(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    @property
    def in_numbers(self) -> str:
        counts = {"added": len(self.added), "removed": len(self.removed), "changed": len(self.changed)}
        return ", ".join(f"{count} {what}" for what, count in counts.items() if count)


Cards = Mapping[str, Card]


def changes(before: Content, now: Content) -> list[Group]:
    """The kinds in which anything changed, in the order of the book."""
    shared = before.names.numbers.keys() & now.names.numbers.keys()
    pairs = [
        ("The documents", _documents(before), _documents(now), False),
        ("Sections", _sections(before.names, shared), _sections(now.names, shared), False),
        ("Questions and texts", _questions(before.names), _questions(now.names), False),
        ("Published scales", _instruments(before.names), _instruments(now.names), False),
        ("Rules", _rules(before.names), _rules(now.names), False),
        ("Thresholds", _constants(before), _constants(now), False),
        ("Sources", _sources(before), _sources(now), False),
        *(
            (title, _medicines(before)[title], _medicines(now)[title], title != "Medicine classes")
            for title in ("Medicine classes", "Medicines", "Combination products", "Names never confused")
        ),
    ]
    groups = [_group(title, old, new, inline=inline) for title, old, new, inline in pairs]
    return [group for group in groups if group.anything]


def _group(title: str, before: Cards, now: Cards, *, inline: bool) -> Group:
    changed = [Changed(card, tuple(_differences(before[name], card))) for name, card in now.items() if name in before]
    return Group(
        title=title,
        added=tuple(card for name, card in now.items() if name not in before),
        removed=tuple(card for name, card in before.items() if name not in now),
        changed=tuple(change for change in changed if change.differences),
        inline=inline,
    )


def _differences(before: Card, now: Card) -> Iterator[Difference]:
    for label in dict.fromkeys(row.label for row in (*now.rows, *before.rows)):
        old, new = before.row(label), now.row(label)
        if new is not None and new.same_as(old):
            continue
        pair = _shown(old, new)
        if pair[0] != pair[1]:
            yield Difference(label, *pair)


def _shown(old: Row | None, new: Row | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Lines of both sides; of a long row only those that differ. Rows whose words are the same are told apart by
    what they stand for."""
    before, now = (row.lines if row else () for row in (old, new))
    if before == now:
        return tuple(row.exact if row else () for row in (old, new))  # type: ignore[return-value]
    if max(len(before), len(now)) > _SHOWN_WHOLE and set(before) != set(now):
        pair = tuple(line for line in before if line not in now), tuple(line for line in now if line not in before)
        is_long = max(map(len, pair)) > _MOST_EXAMPLES and new is not None and new.kind == "examples"
        return _other_results(*pair) if is_long else pair
    return before, now


def _other_results(before: tuple[str, ...], now: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Of many examples only those whose result is another for the same facts, and how many more there are."""
    old, new = (dict(line.rsplit(" → ", 1) for line in lines) for lines in (before, now))
    same = [facts for facts in old if facts in new]
    left, came = len(before) - len(same), len(now) - len(same)
    return (
        (*(f"{facts} → {old[facts]}" for facts in same), f"{left} examples with facts that are no longer used"),
        (*(f"{facts} → {new[facts]}" for facts in same), f"{came} examples with new facts, listed with the rule"),
    )


def _documents(content: Content) -> Cards:
    questionnaire, rule_set = content.questionnaire, content.rule_set
    return {
        "questions": _card(
            "questions",
            "The questionnaire",
            {
                "Version": questionnaire.version,
                "Title": questionnaire.title["en"],
                "Youngest age asked": with_unit(questionnaire.minimum_age_years, "years"),
            },
        ),
        "rules": _card("rules", "The rule set", {"Version": rule_set.version, "Title": rule_set.title["en"]}),
    }


def _card(anchor: str, title: str, rows: Mapping[str, str], name: str = "") -> Card:
    return Card(anchor, name, title, tuple(row for label, text in rows.items() for row in text_row(label, text)))


def _sections(names: Names, shared: Collection[str]) -> Cards:
    """With the order of the pages that both versions have: what was added or removed is said elsewhere."""
    found = {}
    for view, section in zip(sections(names), names.questionnaire.sections, strict=True):
        pages = [item for item in section.items if item.link_id in shared]
        order = tuple(item.text["en"] for item in pages)
        identity = tuple(item.link_id for item in pages)
        found[section.code] = Card(
            view.head.anchor,
            section.code,
            view.head.title,
            (*view.head.rows, Row("Pages in order", "text", "", order, identity)),
        )
    return found


def _questions(names: Names) -> Cards:
    return {
        item.link_id: _placed(question_card(item, names), item, section, page)
        for section in names.questionnaire.sections
        for page in section.items
        for item in (page, *page.items)
    }


def _placed(card: Card, item: Item, section: Section, page: Item) -> Card:
    """The card with its title, marks and place as rows, so that they are compared too."""
    own = "a page of its own" if page is item else f"the page “{page.text['en']}”"
    rows = (
        Row("Question" if item.asks else "Title", "text", card.title, (card.title,)),
        *text_row("Marked", ", ".join(card.marks)),
        Row("Stands on", "text", "", (f"{own}, in “{section.title['en']}”",), (section.code, page.link_id)),
        *card.rows,
    )
    return Card(card.anchor, card.name, card.title, rows, number=card.number)


def _instruments(names: Names) -> Cards:
    return {card.name: card for view in sections(names) for card in view.instruments}


def _rules(names: Names) -> Cards:
    return {
        card.name: Card(
            card.anchor,
            card.name,
            card.title,
            (*text_row("Title", card.title), *text_row("Category", category.title), *card.rows),
        )
        for category in categories(names)
        for card in category.cards
    }


def _constants(content: Content) -> Cards:
    return {
        name: _card(
            f"constant-{name}",
            constant.meaning["en"],
            {
                "Value": with_unit(constant.value, constant.unit),
                "Meaning": constant.meaning["en"],
                "Source": constant.source,
            },
            name,
        )
        for name, constant in content.rule_set.constants.items()
    }


def _sources(content: Content) -> Cards:
    return {
        key: _card(
            f"source-{key}",
            source.title,
            {"Title": source.title, "Address": source.url, "Evidence": EVIDENCE[source.evidence]},
            key,
        )
        for key, source in content.rule_set.sources.items()
    }


def _medicines(content: Content) -> dict[str, Cards]:
    found = medicines(content.rule_set, content.rules_tree)
    return {
        "Medicine classes": _by_name(
            _card(f"class-{c['code']}", c["label"], {"Label": c["label"]}, c["code"]) for c in found["classes"]
        ),
        "Medicines": _by_name(
            _card(
                "medicines",
                m["name"],
                {"Other names": m["others"], "Classes": ", ".join(m["classes"]) or "none"},
                m["name"],
            )
            for m in found["medicines"]
        ),
        "Combination products": _by_name(
            _card("combinations", c["brand"], {"Ingredients": c["ingredients"]}, c["brand"])
            for c in found["combinations"]
        ),
        "Names never confused": _by_name(_card("pairs", pair, {}, pair) for pair in found["pairs"]),
    }


def _by_name(cards: Iterable[Card]) -> Cards:
    return {card.name: card for card in cards}


def same_content(before: Content, now: Content) -> bool:
    def identity(content: Content) -> tuple[Any, ...]:
        return canonical_form(content.questionnaire_tree), canonical_form(content.rules_tree)

    return identity(before) == identity(now)
