from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from clinic_site.publishing.documents import ContentError, content_hash, parse_source, read_source
from clinic_site.publishing.models import DocumentVersion, Status
from clinic_site.publishing.services import publish_version
from intake import questionnaire_reader
from intake.models import QuestionnaireVersion
from intake.questionnaires import Questionnaire
from screening import rules
from screening.models import RuleSetVersion
from screening.rules import RuleSet
from screening.shipped import checked_content

_DOCUMENTS: tuple[tuple[type[DocumentVersion], Path], ...] = (
    (QuestionnaireVersion, questionnaire_reader.SHIPPED),
    (RuleSetVersion, rules.SHIPPED),
)


class Command(BaseCommand):
    help = "Checks the shipped questionnaire and rules and publishes them as immutable versions, once."

    def handle(self, **options: Any) -> None:
        try:
            sources = [read_source(folder) for _model, folder in _DOCUMENTS]
            trees = [parse_source(source) for source in sources]
            if all(_is_published(model, tree) for (model, _), tree in zip(_DOCUMENTS, trees, strict=True)):
                self.stdout.write("Already published: nothing has changed.")
                return
            documents: tuple[Questionnaire | RuleSet, ...] = checked_content()
        except ContentError as error:
            raise CommandError(f"{error}\nNothing was published.") from error
        with transaction.atomic():
            for (model, _folder), source, tree, document in zip(_DOCUMENTS, sources, trees, documents, strict=True):
                version, is_new = publish_version(
                    model, document_id=document.document_id, label=document.version, source=source, tree=tree
                )
                self.stdout.write(
                    f"{'Published' if is_new else 'Already published:'} {version}, {version.sha256[:12]}…"
                )


def _is_published(model: type[DocumentVersion], tree: Any) -> bool:
    return model._default_manager.filter(sha256=content_hash(tree), status=Status.PUBLISHED).exists()
