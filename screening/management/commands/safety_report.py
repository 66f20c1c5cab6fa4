from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from clinic_site.publishing.documents import ContentError
from intake.questionnaire_reader import read_questionnaire
from screening.demo import AnswersRefused
from screening.rules import RuleSet
from screening.safety.equivalents import read_equivalents
from screening.safety.report import PAGE, SafetyReport, put_on_page
from screening.safety.vignettes import SHIPPED


class Command(BaseCommand):
    """Fails when a vignette does and, for the shipped ones, when a rule, band or policy is expected of nobody and when
    nothing notices a broken rule. Needs no database."""

    help = "Runs the safety vignettes and rules broken on purpose, and prints what was flagged, missed and noticed."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--vignettes", type=Path, default=SHIPPED, metavar="FOLDER", help="people of your own")
        parser.add_argument(
            "--page", action="store_true", help="writes the tables of the shipped ones into docs/safety.md"
        )

    def handle(self, *, vignettes: Path, page: bool, **options: Any) -> None:
        try:
            report = SafetyReport.of(read_questionnaire(), RuleSet.from_folder(), vignettes, read_equivalents())
        except (ContentError, AnswersRefused) as error:
            raise CommandError(f"The vignettes can not be run:\n{error}", returncode=2) from error
        if vignettes != SHIPPED:
            self._print(report.people(), report.wrong_people())
            return
        text = report.text()
        if page:
            PAGE.write_text(put_on_page(PAGE.read_text(encoding="utf-8"), text), encoding="utf-8")
        self._print(text, report.problems())
        self.stdout.write(report.summary())

    def _print(self, text: str, problems: list[str]) -> None:
        self.stdout.write(text)
        if problems:
            raise CommandError("\n".join(problems), returncode=1)
