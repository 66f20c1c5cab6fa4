"""Every address of the program, from the resolver, with real values in it, and what each member of staff gets there.

`faults` compares what is answered with what `roles.yaml` says. A new page is walked without being named anywhere.
"""

import re
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.urls import URLPattern, get_resolver

from clinic_site.accounts.models import User
from clinic_site.accounts.permissions import ANYONE, HALF_SIGNED, PATIENT, SIGNED_IN, asked_for, roles
from clinic_site.records.identifiers import reference
from tests.security.seed import HALF_WAY, Side, World, marks_in, undone

STRANGERS = ("nobody", HALF_WAY)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
# Admin answers every method but POST as it answers GET, so that two say all.
ADMIN_METHODS = ("GET", "POST")
CONVERTED = re.compile(r"<(?:(\w+):)?(\w+)>")


def addresses(patterns: Any = None) -> list[tuple[str, str]]:
    """(name, route) of every pattern, however deep."""

    def walk(patterns: Any, route: str, namespace: str) -> Iterator[tuple[str, str]]:
        for pattern in patterns:
            own = route + str(pattern.pattern)
            if isinstance(pattern, URLPattern):
                yield f"{namespace}{pattern.name}", own
            else:
                inner = f"{pattern.namespace}:" if pattern.namespace else namespace
                yield from walk(pattern.url_patterns, own, inner)

    return sorted(set(walk(get_resolver().url_patterns if patterns is None else patterns, "/", "")))


def as_path(route: str, values: dict[str, Any]) -> str:
    """The route with real values: what exists must be refused too, not only what does not."""
    route = re.sub(r"\^|\$|\\Z|\(\?P<url>[^)]*\)", "", route)
    route = re.sub(r"\(\?P<app_label>([^)|]+)[^)]*\)", r"\1", route)
    return CONVERTED.sub(lambda match: str(values.get(match.group(2), uuid.uuid4())), route)


def names_an_object(route: str) -> bool:
    return bool(CONVERTED.search(route))


def values_of(side: Side, who: str, name: str) -> dict[str, Any]:
    """What stands for each part of an address that is about this person."""
    person = side.people[who]
    issue = person.case.issues.first() if person.case else None
    return {
        "slug": side.clinic.slug,
        "public_id": person.response.public_id,
        "number": 1,
        "reference": person.response.reference,
        "issue_id": issue.id if issue else uuid.uuid4(),
        "kind": "identity",
        "object_id": _object_id(name, side),
        "content_type_id": 1,
    }


def missing_values() -> dict[str, Any]:
    return {
        "slug": "no-such-clinic",
        "public_id": "A" * 22,
        "number": 1,
        "reference": reference(),
        "kind": "identity",
        "content_type_id": 1,
    }


def _object_id(name: str, side: Side) -> Any:
    """The key of a row of this clinic of the model that an admin page shows."""
    for model in admin.site._registry:
        if name.startswith(f"admin:{model._meta.app_label}_{model._meta.model_name}_"):
            rows = model._default_manager.all()
            if any(field.name == "clinic" for field in model._meta.fields):
                rows = rows.filter(clinic=side.clinic)
            if model._meta.label == "clinics.Clinic":
                rows = rows.filter(pk=side.clinic.pk)
            if model is User:
                rows = rows.filter(memberships__clinic=side.clinic)
            return rows.values_list("pk", flat=True).first() or uuid.uuid4()
    return uuid.uuid4()


@dataclass(frozen=True)
class Cell:
    """One request of the walk and what came of it. `target`: whose the object in the address is, or nothing."""

    name: str
    method: str
    actor: str
    target: str
    path: str
    answer: Any

    @property
    def outcome(self) -> str:
        code, location = self.answer.status_code, self.answer.get("Location", "")
        if code == 401 or (code == 302 and location.startswith(("/sign-in/", "/admin/login/"))):
            return "sign-in"
        named = {403: "refused", 404: "not found", 405: "no such method", 400: "bad request"}
        return named.get(code, "broken" if code >= 500 else "reached")

    @property
    def text(self) -> str:
        return "" if getattr(self.answer, "streaming", False) else self.answer.content.decode(errors="replace")


def cells(world: World, actor: str, patterns: Any = None) -> Iterator[Cell]:
    """Every address × method as one member of staff of the clinic here, HALF_WAY or as `nobody`. What it does is undone."""
    for name, route in addresses(patterns):
        for target in ("here", "there", "missing") if names_an_object(route) else ("",):
            values = (
                missing_values() if target == "missing" else values_of(getattr(world, target or "here"), "taken", name)
            )
            path = as_path(route, values)
            for method in ADMIN_METHODS if name.startswith("admin:") else METHODS:
                with undone():
                    answer = world.browser_of(actor).generic(method, path)
                    yield Cell(name, method, actor, target, path, answer)


def expected(cell: Cell) -> set[str]:
    """What may come of a request, by `roles.yaml`. Whether the method fits, the view says after that."""
    asked, may = asked_for(cell.name), _may(cell.actor)
    if cell.method not in ("GET", "HEAD", "POST"):
        # Refused before anybody is asked who they are; where a page takes it all the same, the rest holds.
        return {"no such method"}
    if asked in (ANYONE, PATIENT):
        # Whoever is signed in and has no part in admin is refused at its door as well.
        at_the_door = {"sign-in", "refused"} if cell.name.startswith("admin:") else {"sign-in"}
        return {"reached", "not found", "no such method", "bad request", *at_the_door}
    if asked is None:
        return {"refused"}
    if cell.actor in STRANGERS:
        # A name in an address that can not be one is no page at all, before anybody is asked who they are.
        return {"sign-in", "not found"} if asked in (HALF_SIGNED, SIGNED_IN) else {"sign-in"}
    if asked in (HALF_SIGNED, SIGNED_IN):
        # One's own factors and sessions: a key in the address that is not among them is not found.
        return {"reached", "not found", "no such method", "bad request"}
    if asked not in may:
        return {"refused"}
    if cell.name.startswith("admin:"):
        # Each page of admin asks for a permission of its own as well, and leads away from what it does not find.
        return {"reached", "refused", "not found", "no such method", "bad request"}
    return {"not found" if cell.target in ("there", "missing") else "reached", "no such method"}


def shown_too_much(cell: Cell) -> set[Any]:
    """Marks of the other clinic, of a patient to whoever may not reach them, of answers to who may read none."""
    may = _may(cell.actor)
    kinds = {"contact"} if "case.contact" in may else set()
    kinds |= {"contact", "answer", "note", "decision"} if "case.read" in may else set()
    marks = {found for found in marks_in(cell.text) if found[1]}
    return {found for found in marks if found[1] != "here" or found[0] not in kinds}


def faults(walked: Iterable[Cell]) -> list[str]:
    found = []
    for cell in walked:
        where = f"{cell.actor}: {cell.method} {cell.name} ({cell.target or 'no object'})"
        if cell.outcome not in expected(cell):
            found.append(f"{where}: {cell.outcome} {cell.answer.status_code}")
        if shown_too_much(cell):
            found.append(f"{where}: shows {sorted(shown_too_much(cell))}")
    return found


def _may(actor: str) -> frozenset[str]:
    if actor in STRANGERS:
        return frozenset()
    return roles()["clinician" if actor == "colleague" else actor].may
