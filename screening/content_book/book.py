"""Puts the book together as one HTML file. The same content gives the same bytes: it holds no date of its making."""

from typing import Any

from django.template.loader import render_to_string

from screening.content_book.changes import changes, same_content
from screening.content_book.content import Content
from screening.content_book.earlier import Earlier
from screening.content_book.questions import sections
from screening.content_book.reference import facts, medicines, sources, thresholds
from screening.content_book.rule_cards import categories
from screening.presentation import TIER_LABELS
from screening.rules import TIERS


def book_html(content: Content, earlier: Earlier) -> str:
    return render_to_string("content_book/book.html", _context(content, earlier))


def _context(content: Content, earlier: Earlier) -> dict[str, Any]:
    questionnaire, rule_set = content.questionnaire, content.rule_set
    return {
        "questionnaire": questionnaire,
        "questionnaire_sha256": content.questionnaire_sha256,
        "rule_set": rule_set,
        "counts": {
            "pages": len(questionnaire.pages),
            "questions": len(questionnaire.questions),
            "rules": len(rule_set.rules),
            "examples": sum(len(rule.examples) for rule in rule_set.rules),
            "medicines": len(rule_set.lexicon.medicines),
        },
        "changes": _changes(content, earlier),
        "sections": sections(content.names),
        "categories": categories(content.names),
        "thresholds": thresholds(rule_set),
        "sources": sources(rule_set),
        "medicines": medicines(rule_set, content.rules_tree),
        "facts": facts(content.names),
        "tiers": [{"tier": tier, "label": TIER_LABELS[tier], "means": _MEANINGS[tier]} for tier in TIERS],
        "tier_labels": TIER_LABELS,
    }


_MEANINGS = {
    "emergency": "Somebody must be reached now. The very next page shows the person where to get help, and staff are"
    " alerted, while the intake is still being filled in.",
    "absolute": "Nothing is scheduled until a clinician has documented a decision, and a second clinician has agreed."
    " It does not mean rejected.",
    "relative": "A clinician weighs it and writes down how before the decision is signed.",
    "caution": "To be kept in mind. Signing does not wait for it.",
    "info": "Worth knowing. Signing waits only where the book says so.",
}


def _changes(content: Content, earlier: Earlier) -> dict[str, Any]:
    """`state`: none (nothing to compare with), same, or different."""
    if earlier.content is None:
        return {"state": "none", "words": earlier.words, "groups": []}
    if same_content(earlier.content, content):
        return {"state": "same", "words": earlier.words, "groups": []}
    return {"state": "different", "words": earlier.words, "groups": changes(earlier.content, content)}
