import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from screening.medicines import Lexicon, Reading
from screening.rules import RuleSet

_SHOWN = 100


class Command(BaseCommand):
    """Needs no database: it reads with the shipped medicine list."""

    help = "Shows how lines that a person typed about their medicines are read."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("typed", nargs="*", metavar='"what they typed"', help='or "-" for lines on standard input')

    def handle(self, *, typed: list[str], **options: Any) -> None:
        lines = [line for line in _lines(typed) if line.strip()]
        if not lines:
            raise CommandError('nothing to read: give what was typed, or "-" for lines on standard input', returncode=2)
        lexicon = RuleSet.from_folder().lexicon
        readings = [lexicon.read(line) for line in lines]
        for reading in readings:
            self.stdout.write(_shown(reading.line))
            for label, texts in _rows(reading, lexicon):
                for text in texts:
                    self.stdout.write(f"  {label:<14} {text}")
                    label = ""
            self.stdout.write("")
        self.stdout.write(_summary(readings))


def _lines(typed: list[str]) -> Iterator[str]:
    for argument in typed:
        if argument == "-":
            # Bytes, so that what is not UTF-8 is read as a sign nobody knows and not as an error.
            yield from sys.stdin.buffer.read().decode("utf-8", "replace").splitlines()
        else:
            yield argument.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _rows(reading: Reading, lexicon: Lexicon) -> Iterator[tuple[str, list[str]]]:
    classes = sorted(lexicon.classes_of((*reading.exact, *reading.suggested)))
    facts = [f'takes_{code} = "yes"' for code in classes]
    if not reading.recognised:
        facts.append('medicine_unrecognized = "yes"')
    doubtful = [f"{text}: a person has to check this" for text in _described(reading.suggested, lexicon)]
    yield "named exactly", _described(reading.exact, lexicon) or ["-"]
    yield "by spelling", doubtful or ["-"]
    yield "left unread", [_shown(text) for text in reading.unread] or ["-"]
    yield "facts", facts or ["none"]
    yield "recognised", ["yes" if reading.recognised else "no, the case stays open until a person has checked"]


def _described(generics: tuple[str, ...], lexicon: Lexicon) -> list[str]:
    """Each medicine with its classes in words."""
    return [
        f"{name} ({'; '.join(lexicon.classes[code] for code in sorted(lexicon.classes_of([name]))) or 'no class'})"
        for name in generics
    ]


def _summary(readings: list[Reading]) -> str:
    doubtful = sum(not reading.recognised for reading in readings)
    of = f"{len(readings)} line{'s' if len(readings) > 1 else ''}"
    if doubtful:
        return f'{of}, {doubtful} not recognised: no class is answered "no" for this list.'
    return f'{of}, all recognised: every class that is not named above is answered "no".'


def _shown(text: str) -> str:
    """On one line, without signs that steer a terminal, and shortened."""
    plain = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text.strip())
    return plain if len(plain) <= _SHOWN else f"{plain[:_SHOWN]}… ({len(plain):,} characters)"
