import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from intake.questionnaire_reader import read_questionnaire
from screening.engine import assess
from screening.fact_files import FactError, facts_from_file, without_implausible
from screening.facts import derive
from screening.rules import RuleSet
from screening.vocabulary import NOT_APPLICABLE, only_from_intake, vocabulary


class Command(BaseCommand):
    """Runs the shipped rules over facts in a file. Needs no database.

    A fact file names no clinic and holds no more than the published facts, so what else an intake asks is not
    applicable there unless the file says it.
    """

    help = "Reads one object of facts, or a list of them, and prints what the shipped rules flag, as JSON."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--facts", required=True, metavar="FILE.json")

    def handle(self, *, facts: str, **options: Any) -> None:
        people = _read(facts)
        questionnaire, rule_set = read_questionnaire(), RuleSet.from_folder()
        known = vocabulary(questionnaire, rule_set.lexicon)
        not_asked = only_from_intake(known, rule_set.lexicon)
        results = []
        for number, values in enumerate(people, 1):
            try:
                given = facts_from_file(values, known)
            except FactError as error:
                raise CommandError(f"{facts}: entry {number}: {error}", returncode=2) from error
            person = derive(without_implausible(given, questionnaire), rule_set.lexicon)
            person_values = {
                **{name: NOT_APPLICABLE for name in not_asked if name not in person.states},
                **person.values,
            }
            result = assess(rule_set, person_values).to_json()
            results.append({**result, "not_known": dict(sorted(person.states.items()))})
        self.stdout.write(json.dumps(results, ensure_ascii=False, indent=2))


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names differ. Raises ValueError for a name that stands twice: one of the two would be lost."""
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _value in pairs]
        raise ValueError(f"the name {next(n for n in names if names.count(n) > 1)} stands twice")
    return values


def _read(path: str) -> list[Any]:
    try:
        content = json.loads(
            Path(path).read_text(encoding="utf-8"), parse_constant=lambda _name: None, object_pairs_hook=_once_each
        )
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(
            f"{path}: can not be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}", returncode=2
        ) from error
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{path}: is not valid JSON: {error}", returncode=2) from error
    return content if isinstance(content, list) else [content]
