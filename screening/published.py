"""Published rule sets by version, built once for each process: a published version never changes."""

import json
import uuid
from functools import lru_cache

from clinic_site.records.composed import Composed
from screening.models import RuleSetVersion
from screening.rules import RuleSet


class NoRuleSet(Exception):
    """No rule set is published, or its content does not match its checksum."""


@lru_cache(maxsize=32)
def rule_set_version(version_id: uuid.UUID) -> RuleSet:
    """The rule set of a version. Raises NoRuleSet when what is stored is not what was published."""
    row = RuleSetVersion.objects.only("canonical", "sha256").get(pk=version_id)
    rule_set = RuleSet.from_tree(json.loads(row.canonical))
    if rule_set.sha256 != row.sha256:
        raise NoRuleSet(f"The content of rule set version {version_id} does not match its checksum.")
    return rule_set


def current_rule_set() -> tuple[uuid.UUID, RuleSet]:
    version = _NEWEST.first()
    if version is None:
        raise NoRuleSet("No rule set is published: run manage.py publish_content.")
    return version.id, rule_set_version(version.id)


_NEWEST = Composed(RuleSetVersion.objects.filter(status="published").only("id").order_by("-published_at")[:1])
