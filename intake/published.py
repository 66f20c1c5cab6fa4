"""Published questionnaires by version, built once for each process: a published version never changes."""

import json
import uuid
from functools import lru_cache

from intake.models import QuestionnaireResponse, QuestionnaireVersion
from intake.questionnaires import Questionnaire


class NothingPublished(Exception):
    """No questionnaire has been published yet: run `manage.py publish_content`."""


@lru_cache(maxsize=32)
def questionnaire_version(version_id: uuid.UUID) -> Questionnaire:
    row = QuestionnaireVersion.objects.only("canonical").get(pk=version_id)
    return Questionnaire.from_tree(json.loads(row.canonical))


def questionnaire_of(response: QuestionnaireResponse) -> Questionnaire:
    return questionnaire_version(response.questionnaire_id)


def current_version() -> QuestionnaireVersion:
    version = QuestionnaireVersion.objects.filter(status="published").order_by("-published_at").first()
    if version is None:
        raise NothingPublished
    return version
