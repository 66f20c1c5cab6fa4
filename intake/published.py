"""Published questionnaires by version, built once for each process: a published version never changes."""

import json
import uuid
from functools import lru_cache

from clinic_site.publishing.documents import content_hash
from intake.models import QuestionnaireResponse, QuestionnaireVersion
from intake.questionnaire_reader import questionnaire_from_tree
from intake.questionnaires import Questionnaire


class NothingPublished(Exception):
    """No questionnaire that can be trusted is published: run `manage.py publish_content`."""


@lru_cache(maxsize=32)
def questionnaire_version(version_id: uuid.UUID) -> Questionnaire:
    """The questionnaire of a version. Raises NothingPublished when what is stored is not what was published."""
    row = QuestionnaireVersion.objects.only("canonical", "sha256").get(pk=version_id)
    tree = json.loads(row.canonical)
    if content_hash(tree) != row.sha256:
        raise NothingPublished(f"The content of questionnaire version {version_id} does not match its checksum.")
    return questionnaire_from_tree(tree)


def questionnaire_of(response: QuestionnaireResponse) -> Questionnaire:
    return questionnaire_version(response.questionnaire_id)


def current_version() -> QuestionnaireVersion:
    version = QuestionnaireVersion.objects.filter(status="published").order_by("-published_at").first()
    if version is None:
        raise NothingPublished
    return version
