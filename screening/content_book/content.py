"""The two documents of a book, with what their files say."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from clinic_site.publishing.documents import content_hash, parse_source, read_source
from intake import questionnaire_reader
from intake.questionnaire_reader import questionnaire_from_tree
from intake.questionnaires import Questionnaire
from screening import rules
from screening.content_book.names import Names
from screening.rules import RuleSet


@dataclass(frozen=True, eq=False)
class Content:
    questionnaire_tree: Mapping[str, Any]
    rules_tree: Mapping[str, Any]

    @classmethod
    def from_folders(cls, questions: Path = questionnaire_reader.SHIPPED, rule_set: Path = rules.SHIPPED) -> "Content":
        return cls(parse_source(read_source(questions)), parse_source(read_source(rule_set)))

    @cached_property
    def questionnaire(self) -> Questionnaire:
        """Raises ContentError when the files do not make a questionnaire."""
        return questionnaire_from_tree(self.questionnaire_tree)

    @cached_property
    def rule_set(self) -> RuleSet:
        """Raises ContentError when the files do not make a rule set."""
        return RuleSet.from_tree(self.rules_tree)

    @cached_property
    def names(self) -> Names:
        return Names(self.questionnaire, self.rule_set)

    @cached_property
    def questionnaire_sha256(self) -> str:
        return content_hash(self.questionnaire_tree)
