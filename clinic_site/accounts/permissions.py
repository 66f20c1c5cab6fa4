"""Roles, what they may do, and which page asks for what, read from `roles.yaml`."""

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


ANYONE, PATIENT, SIGNED_IN = AUDIENCES = ("anyone", "patient", "signed-in")


@cache
def routes() -> dict[str, str]:
    """For every named route a permission or one of AUDIENCES. Raises ValueError for anything else."""
    found = _document()["routes"]
    unknown = set(found.values()) - set(permissions()) - set(AUDIENCES)
    if unknown:
        raise ValueError(f"roles.yaml: routes name unknown permissions: {', '.join(sorted(unknown))}")
    return found


def asked_for(route: str) -> str | None:
    """What the page of this route (`namespace:name`) asks for, or None when nobody declared it."""
    namespace, colon, _name = route.partition(":")
    return routes().get(route) or routes().get(f"{namespace}:*" if colon else route)


def role_choices() -> list[tuple[str, str]]:
    return [(role.code, role.label) for role in roles().values()]


@cache
def _document() -> dict:
    return yaml.safe_load(Path(__file__).with_name("roles.yaml").read_text(encoding="utf-8"))
