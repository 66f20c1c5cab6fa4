"""Roles and what they may do, read from `roles.yaml`."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml


@dataclass(frozen=True)
class Role:
    code: str
    label: str
    may: frozenset[str]


@cache
def permissions() -> dict[str, str]:
    """Every permission with what it means."""
    return _document()["permissions"]


@cache
def roles() -> dict[str, Role]:
    """Every role by its code. Raises ValueError when one is given a permission that does not exist."""
    found = {}
    for code, entry in _document()["roles"].items():
        unknown = set(entry["may"]) - set(permissions())
        if unknown:
            raise ValueError(f"roles.yaml: role {code} has unknown permissions: {', '.join(sorted(unknown))}")
        found[code] = Role(code=code, label=entry["label"], may=frozenset(entry["may"]))
    return found


def role_choices() -> list[tuple[str, str]]:
    return [(role.code, role.label) for role in roles().values()]


@cache
def _document() -> dict:
    return yaml.safe_load(Path(__file__).with_name("roles.yaml").read_text(encoding="utf-8"))
