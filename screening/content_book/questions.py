"""The questionnaire in words, section by section."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from intake.questionnaires import Instrument, Item, Option, Score, Screen, Section
from screening.content_book.cards import Card, Row, body_row, text_row
from screening.content_book.conditions import asking_condition
from screening.content_book.names import Names, plain_number, with_unit

SENSITIVITY = {
    "none": "Not marked as sensitive",
    "mental-health": "Mental-health information",
    "substance-use": "Substance-use information (42 CFR Part 2)",
}


@dataclass(frozen=True)
class SectionView:
    number: int
    head: Card
    instruments: tuple[Card, ...]
    pages: tuple[Card, ...]


def sections(names: Names) -> tuple[SectionView, ...]:
    return tuple(_section(number, section, names) for number, section in enumerate(names.questionnaire.sections, 1))


def _section(number: int, section: Section, names: Names) -> SectionView:
    head = Card(
        anchor=f"section-{section.code}",
        name=section.code,
        title=section.title["en"],
        number=str(number),
        rows=(
            *text_row("Title", section.title["en"]),
            *text_row("Sensitivity", SENSITIVITY.get(section.sensitivity, section.sensitivity)),
            *text_row("Introduction", section.intro.get("en", "")),
        ),
    )
    return SectionView(
        number=number,
        head=head,
        instruments=tuple(_instrument(instrument, names) for instrument in section.instruments),
        pages=tuple(question_card(item, names) for item in section.items),
    )


def _instrument(instrument: Instrument, names: Names) -> Card:
    rows = [
        *text_row("Words above each item", instrument.stem.get("en", "")),
        *text_row("Why we ask", instrument.why.get("en", "")),
        *text_row("License", instrument.licence),
        *text_row("Attribution", instrument.attribution),
        *text_row("Source", instrument.source),
        *text_row("LOINC", instrument.loinc),
        *text_row("Items", "Word for word. “I’d rather not answer this” stands beside each, outside the scale."),
    ]
    for score, before in zip(instrument.scores, (None, *instrument.scores), strict=False):
        rows.append(_score(score, names, source_again=before is None or before.source != score.source))
    for screen in instrument.screens:
        rows += text_row(names.label(screen.name), _cut_offs(screen, names))
    return Card(f"instrument-{instrument.code}", instrument.code, instrument.name["en"], tuple(rows))


def _score(score: Score, names: Names, *, source_again: bool) -> Row:
    if score.highest_of:
        how = "The highest of: " + ", ".join(names.label(name) for name in score.highest_of) + "."
    elif len(score.items) == 1:
        how = f"The points of item {names.numbers[score.items[0]]}."
    else:
        how = "The sum of items " + ", ".join(names.numbers[link_id] for link_id in score.items) + "."
    loinc = f" LOINC {score.loinc}." if score.loinc else ""
    bands = [f"{reach}: {label}" for reach, label in _ranges(score)]
    source = f"Source: {score.source}" if source_again else "Source: as above."
    value = {"how": how + loinc, "bands": " · ".join(bands), "source": source, "name": score.name}
    # Its items by name: their numbers move when a question is added before them.
    identity = (*score.items, *score.highest_of, score.loinc, *bands, score.source)
    return Row(score.title["en"], "score", value, (how + loinc, *bands, f"Source: {score.source}"), identity)


def _ranges(score: Score) -> list[tuple[str, str]]:
    """Each band with where it begins and ends; the last is open upwards."""
    starts = [start for start, _label in score.bands]
    reaches = []
    for start, following in zip_longest(starts, starts[1:]):
        first, last = plain_number(start), "" if following is None else plain_number(following - 1)
        reaches.append(f"{first} or more" if not last else first if first == last else f"{first} to {last}")
    return [(reach, label["en"]) for reach, (_start, label) in zip(reaches, score.bands, strict=True)]


def _cut_offs(screen: Screen, names: Names) -> str:
    others = "".join(
        f"; from {plain_number(cut_off)} on when “{names.label(question)}” is {names.answer(question, answer)}"
        for question, answer, cut_off in screen.other_cut_offs
    )
    cut_off = plain_number(screen.cut_off)
    return f"Yes from {cut_off} on, by {names.label(screen.score)}{others}. Source: {screen.source}"


def question_card(item: Item, names: Names) -> Card:
    return Card(
        anchor=f"q-{item.link_id}",
        name=item.link_id,
        title=item.text["en"],
        number=names.numbers[item.link_id],
        rows=tuple(_rows(item, names)),
        marks=tuple(_marks(item)),
        children=tuple(question_card(child, names) for child in item.items),
    )


def _marks(item: Item) -> Iterator[str]:
    if item.consent:
        yield "must be signed"
    if item.may_decline:
        yield "may be declined"
    if item.right_now:
        yield "about right now"


def _rows(item: Item, names: Names) -> Iterator[Row]:
    condition = asking_condition(item, names)
    if condition:
        exact = tuple(f"{c.question} {c.operator} {c.answer}" for c in item.enable_when)
        yield Row("Asked when", "condition", condition, (condition.in_one_line,), (condition.lead, *exact))
    yield from text_row("Help", item.help.get("en", ""))
    yield from text_row("Why we ask", item.why.get("en", ""))
    yield from body_row("Text" if item.type == "display" else "Summary shown", item.body.get("en", ""))
    yield from body_row("Full text", item.full_text.get("en", ""))
    yield from text_row("Sentence signed", item.statement.get("en", ""))
    yield from text_row("Or instead", item.decline_label.get("en", ""))
    if item.options:
        yield _options(item)
    elif item.asks:
        yield from text_row("Answer", answer_in_words(item))
    if item.instrument:
        instrument = names.questionnaire.instruments[item.instrument]
        if item.stem != instrument.stem:
            yield from text_row("Words above", item.stem.get("en", "") or "None for this item.")
        loinc = f", LOINC {item.loinc}" if item.loinc else ""
        yield from text_row("Published scale", f"{instrument.name['en']}{loinc}")
    yield from text_row("If blank", item.error.get("en", ""))
    yield from text_row("Short name", item.summary.get("en", ""))


def _options(item: Item) -> Row:
    options = tuple(_option_in_words(option) for option in item.options)
    # A few short ones, or too many for a list, such as the states.
    inline = sum(map(len, options)) < 130 or len(options) > 12
    lead = "One of:" if item.type == "choice" else "Any number of:"
    value = {"lead": lead, "options": options, "inline": inline, "left_open": _left_open(item)}
    identity = tuple(f"{option.code}: {words}" for option, words in zip(item.options, options, strict=True))
    lines = (lead, *options, _left_open(item))
    return Row("Answer", "options", value, lines, (lead, *identity, _left_open(item)))


def _option_in_words(option: Option) -> str:
    notes = [f"beside it: “{option.help['en']}”"] if option.help else []
    if option.score is not None:
        notes.append(with_unit(option.score, "points"))
    if option.exclusive:
        notes.append("alone only")
    if option.rest:
        notes.append("a no to each option left unticked")
    return option.label["en"] + (f" ({', '.join(notes)})" if notes else "")


def answer_in_words(item: Item) -> str:
    """What kind of answer is taken, with ranges and units."""
    sentence = _KINDS.get(item.type, "").format(longest=f"{item.max_length:,}")
    if item.type == "number":
        whole = "a whole number" if item.decimals == 0 else f"a number with up to {item.decimals} decimals"
        sentence = f"{whole.capitalize()} ({item.unit['en']}), expected {_range(item, 'value', '')}."
    elif item.type == "height":
        sentence = f"Feet and inches, or centimeters; expected {_range(item, 'value', 'cm')}."
    elif item.type == "weight":
        sentence = f"Pounds or kilograms; expected {_range(item, 'value', 'kg')}."
    elif item.type == "blood_pressure":
        top, bottom = _range(item, "systolic", "mmHg"), _range(item, "diastolic", "mmHg")
        sentence = f"Two numbers: the top one expected {top}, the bottom one {bottom}."
    elif item.type in ("date", "partial_date") and item.not_in_future:
        sentence = f"{sentence} Not in the future."
    elif item.type == "medicines":
        sentence = f"{sentence} Or: “{item.none_label['en']}”."
    elif item.type == "signature":
        sentence = f"{sentence} Version {item.version}."
    return f"{sentence} {_left_open(item)}".strip()


_KINDS = {
    "date": "A full date.",
    "partial_date": "A date; the year alone is enough.",
    "short_text": "Free text of one line, up to {longest} characters.",
    "long_text": "Free text, up to {longest} characters.",
    "medicines": "A list of medicines: name, dose, how often, what for.",
    "phone": "A phone number.",
    "email": "An email address.",
    "address": "A postal address.",
    "signature": "A tick and the full name, typed.",
}


def _range(item: Item, part: str, unit: str) -> str:
    span = item.ranges[part]
    return f"{plain_number(span.minimum)} to {with_unit(span.maximum, unit)}"


def _left_open(item: Item) -> str:
    if item.instrument:
        return "May be skipped with “I’d rather not answer this”."
    if item.clinical:
        return "“Not sure” and “Prefer not to say” are offered."
    if item.type == "signature":
        return ""
    return "Required." if item.required else "May be left blank."
