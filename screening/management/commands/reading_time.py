from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from intake.completeness import asked_pages
from intake.questionnaire_reader import read_questionnaire
from intake.reading_time import WORDS_PER_MINUTE, Reading, reading
from screening.demo.answers import complete_answers
from screening.demo.filling import answered

BARS = {"clean path": 15, "every page there is": 25}


class Command(BaseCommand):
    """Needs no database. The clean path is that of the demo's person with nothing to declare."""

    help = "Prints how long a careful reader takes for the shipped intake, section by section and in all."
    requires_system_checks: list[str] = []

    def handle(self, **options: Any) -> None:
        questionnaire = read_questionnaire()
        document = answered(questionnaire, complete_answers(), now=timezone.now())
        clean = asked_pages(questionnaire, document)
        paths = dict(zip(BARS, (clean, questionnaire.pages), strict=True))
        self.stdout.write(f"{'words by section':<34}{'clean path':>12}{'every page':>12}")
        for section in questionnaire.sections:
            counts = [
                reading((p for p in pages if p.section is section), language="en").shown for pages in paths.values()
            ]
            self.stdout.write(f"{section.code:<34}{counts[0]:>12}{counts[1]:>12}")
        self.stdout.write("")
        for name, pages in paths.items():
            self.stdout.write(_line(name, reading(pages, language="en"), BARS[name]))


def _line(name: str, read: Reading, bar: int) -> str:
    apart = (read.why + read.full_text) / WORDS_PER_MINUTE
    return (
        f"{name}: {read.pages} pages, {read.shown:,} words, {read.minutes:.1f} minutes at {WORDS_PER_MINUTE} words"
        f" a minute (bar: {bar}); with every reason and full text opened too, {read.minutes + apart:.1f} minutes"
    )
