"""What each kind of audit entry means, read from `events.yaml`."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml


@dataclass(frozen=True)
class Kind:
    """`patient` is what the person it is about may read of it; empty when it is not theirs to see."""

    action: str
    says: str
    kind: str
    data: tuple[str, ...] = ()
    patient: str = ""


@cache
def catalogue() -> dict[str, Kind]:
    entries = yaml.safe_load(Path(__file__).with_name("events.yaml").read_text(encoding="utf-8"))
    return {
        action: Kind(action, entry["says"], entry["kind"], tuple(entry.get("data", ())), entry.get("patient", ""))
        for action, entry in entries.items()
    }


def kind_of(action: str) -> Kind:
    """The entry of `action`. One that nobody named yet is a change without data: it is still written."""
    return catalogue().get(action) or Kind(action, action, "change")


@cache
def actions_of(*kinds: str) -> tuple[str, ...]:
    return tuple(action for action, entry in catalogue().items() if entry.kind in kinds)
