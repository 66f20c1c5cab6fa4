from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from clinic_site.publishing.documents import ContentError, parse_source, read_source
from clinic_site.publishing.services import publish_version
from intake import questionnaires
from intake.models import QuestionnaireVersion
from screening import rules
from screening.models import RuleSetVersion
from screening.shipped import checked_content


class Command(BaseCommand):
    help = "Checks the shipped questionnaire and rules and publishes them as immutable versions, once."

    def handle(self, **options: Any) -> None:
        try:
            questionnaire, rule_set = checked_content()
        except ContentError as error:
            raise CommandError(f"{error}\nNothing was published.") from error
        with transaction.atomic():
            for model, document_id, label, folder in (
                (QuestionnaireVersion, questionnaire.document_id, questionnaire.version, questionnaires.SHIPPED),
                (RuleSetVersion, rule_set.id, rule_set.version, rules.SHIPPED),
            ):
                source = read_source(folder)
                version, is_new = publish_version(
                    model, document_id=document_id, label=label, source=source, tree=parse_source(source)
                )
                self.stdout.write(
                    f"{'Published' if is_new else 'Already published:'} {version}, sha256 {version.sha256[:12]}…"
                )
