"""Roles, what they may do, and which page asks for what, read from `roles.yaml`."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
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


ANYONE, PATIENT, HALF_SIGNED, SIGNED_IN = AUDIENCES = ("anyone", "patient", "half-signed", "signed-in")


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


def needs_fresh_factor(route: str) -> bool:
    """Whether a form sent to this route needs a second factor that was used just now."""
    return any(fnmatchcase(route, named) for named in fresh_factor())


@cache
def fresh_factor() -> list[str]:
    """Routes, or `prefix*` of several."""
    return _document()["fresh_factor"]


@cache
def passkey_roles() -> frozenset[str]:
    """Roles that sign in with a passkey. Raises ValueError for a role that does not exist."""
    named = frozenset(_document()["passkey_roles"])
    if named - set(roles()):
        raise ValueError(f"roles.yaml: passkey_roles names unknown roles: {', '.join(sorted(named - set(roles())))}")
    return named


def role_choices() -> list[tuple[str, str]]:
    return [(role.code, role.label) for role in roles().values()]


@cache
def _document() -> dict:
    return yaml.safe_load(Path(__file__).with_name("roles.yaml").read_text(encoding="utf-8"))
