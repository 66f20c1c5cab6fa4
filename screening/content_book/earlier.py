"""The version that the book is compared with: from a folder, or as it was published."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import DatabaseError

from clinic_site.publishing.documents import ContentError
from clinic_site.publishing.models import DocumentVersion, Status
from intake.models import QuestionnaireVersion
from screening.content_book.content import Content
from screening.models import RuleSetVersion

# A checkout of the repository, or a folder with both documents side by side.
_LAYOUTS = (("intake/content/questionnaire", "screening/content/rules"), ("questionnaire", "rules"))
Tree = dict[str, Any]


class NotFound(Exception):
    """What was asked for with `--since` is not there."""


@dataclass(frozen=True, eq=False)
class Earlier:
    """`content` is None when there is nothing to compare with; `words` say what it is, or why there is none."""

    content: Content | None
    words: str


def from_folder(folder: Path) -> Earlier:
    for questions, rule_set in _LAYOUTS:
        if (folder / questions).is_dir() and (folder / rule_set).is_dir():
            content = Content.from_folders(folder / questions, folder / rule_set)
            return Earlier(*_readable(content, f"version {_versions(content)}, as it stands in the given folder"))
    wanted = " or ".join(f"{questions}/ and {rule_set}/" for questions, rule_set in _LAYOUTS)
    raise NotFound(f"{folder} holds no content: it needs {wanted}")


def from_database(content: Content, version: str = "") -> Earlier:
    """What was published before `content`, or the version with this label. Raises NotFound for an unknown label."""
    try:
        if version:
            found = [_labelled(model, version) for model in (QuestionnaireVersion, RuleSetVersion)]
        else:
            found = _before(content)
    except DatabaseError as error:
        if version:
            raise NotFound(f"version {version} can not be looked up: the database can not be read") from error
        return Earlier(None, "the database can not be read")
    if not any(found):
        if version:
            raise NotFound(f"no document was published as version {version}")
        return Earlier(None, "the database holds no other version")
    questions, rule_set = (json.loads(row.canonical) if row else None for row in found)
    earlier = Content(questions or content.questionnaire_tree, rule_set or content.rules_tree)
    missing = "".join(
        f"; no such version of the {what} was published, so those are compared with themselves"
        for what, row in zip(("questions", "rules"), found, strict=True)
        if row is None
    )
    return Earlier(*_readable(earlier, f"version {_versions(earlier)}, as it was published{missing}"))


def _readable(content: Content, words: str) -> tuple[Content | None, str]:
    """Old content may not be readable by this program; then the book says so and compares nothing."""
    try:
        _documents = content.questionnaire, content.rule_set
    except ContentError as error:
        return None, f"{words}, can not be read by this program ({error.problems[0]})"
    return content, words


def _versions(content: Content) -> str:
    labels = [
        str(tree.get(header, {}).get("version", "without a label"))
        for tree, header in ((content.questionnaire_tree, "questionnaire.yaml"), (content.rules_tree, "rule_set.yaml"))
    ]
    return labels[0] if labels[0] == labels[1] else f"{labels[0]} of the questions and {labels[1]} of the rules"


def _labelled(model: type[DocumentVersion], label: str) -> DocumentVersion | None:
    return model._default_manager.exclude(status=Status.DRAFT).filter(label=label).order_by("-number").first()


def _before(content: Content) -> list[DocumentVersion | None]:
    """What is published, when either document differs from it. Else what was published before that, one by one."""
    hashes = [(QuestionnaireVersion, content.questionnaire_sha256), (RuleSetVersion, content.rule_set.sha256)]
    published = [model._default_manager.filter(status=Status.PUBLISHED).first() for model, _sha256 in hashes]
    if any(row and row.sha256 != sha256 for row, (_model, sha256) in zip(published, hashes, strict=True)):
        return published
    return [
        model._default_manager.filter(status=Status.RETIRED).exclude(sha256=sha256).order_by("-published_at").first()
        for model, sha256 in hashes
    ]
