from typing import Any

from django.core.management.base import BaseCommand, CommandError

from clinic_site.publishing.documents import ContentError
from screening.shipped import checked_content


class Command(BaseCommand):
    help = "Checks the shipped questionnaire, rules and medicines by themselves and against each other. No database."
    requires_system_checks: list[str] = []

    def handle(self, **options: Any) -> None:
        try:
            questionnaire, rule_set = checked_content()
        except ContentError as error:
            count = len(error.problems)
            raise CommandError(f"{error}\n{count} problem{'s' if count > 1 else ''} found.") from error
        examples = sum(len(rule.examples) for rule in rule_set.rules)
        self.stdout.write(
            f"Clean: {len(questionnaire.questions)} questions on {len(questionnaire.pages)} pages,"
            f" {len(rule_set.rules)} rules with {examples} examples, {len(rule_set.lexicon.medicines)} medicines."
        )
