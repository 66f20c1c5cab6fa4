"""What must hold before the program starts; each failure names the setting to mend."""

from fnmatch import fnmatchcase
from typing import Any

from django.conf import settings
from django.core.checks import Error, register
from django.dispatch import Signal
from django.urls import URLResolver, get_resolver

from clinic_site.accounts import signals as people_signals
from clinic_site.accounts.permissions import asked_for, fresh_factor, passkey_roles, roles, routes
from clinic_site.limits.addresses import proxies
from intake import signals


@register(deploy=True)
def mail_goes_somewhere(**_: Any) -> list[Error]:
    if settings.MAIL_IS_SENT:
        return []
    return [Error("EMAIL_URL is not set: alerts would be printed and counted as sent.", id="clinic.E005")]


@register(deploy=True)
def the_heads_of_the_trail_are_kept(**_: Any) -> list[Error]:
    if settings.AUDIT_HEADS_FILE:
        return []
    return [Error("AUDIT_HEADS_FILE is not set: nobody would see the end of the trail cut off.", id="clinic.E015")]


@register()
def proxies_are_networks(**_: Any) -> list[Error]:
    try:
        proxies(settings.TRUSTED_PROXIES)
    except ValueError as error:
        return [Error(f"TRUSTED_PROXIES: {error}.", id="clinic.E009")]
    return []


@register(deploy=True)
def proxies_are_named(**_: Any) -> list[Error]:
    """Behind a proxy that nobody named, all patients together would be one network to the limits."""
    if settings.TRUSTED_PROXIES:
        return []
    return [
        Error(
            "TRUSTED_PROXIES is not set: name the address of your proxy, `unix`, or `none` when there is none.",
            id="clinic.E010",
        )
    ]


@register()
def each_signal_has_one_receiver(**_: Any) -> list[Error]:
    named: dict[str, Signal] = {
        "intake.signals.page_saved": signals.page_saved,
        "intake.signals.answers_reviewed": signals.answers_reviewed,
        "intake.signals.response_submitted": signals.response_submitted,
        "clinic_site.accounts.signals.role_ended": people_signals.role_ended,
    }
    return [
        Error(f"{name} must have exactly one receiver, and has {len(signal.receivers)}.", id="clinic.E003")
        for name, signal in named.items()
        if len(signal.receivers) != 1
    ]


@register()
def roles_are_sound(**_: Any) -> list[Error]:
    try:
        roles()
        routes()
        passkey_roles()
    except (KeyError, ValueError) as error:
        return [Error(f"clinic_site/accounts/roles.yaml: {error}", id="clinic.E004")]
    return []


@register()
def every_page_says_whom_it_serves(**_: Any) -> list[Error]:
    """No page is reached before `roles.yaml` names its route, and no name there may outlive its page."""
    names = set(route_names())
    errors = [
        Error(
            f"The route {name} is not named in clinic_site/accounts/roles.yaml, so nobody may open it.",
            id="clinic.E006",
        )
        for name in sorted(names)
        if asked_for(name) is None
    ]
    gone = {name for name in routes() if not name.endswith(":*")} - names
    gone |= {named for named in fresh_factor() if not any(fnmatchcase(name, named) for name in names)}
    return errors + [
        Error(f"roles.yaml names the route {name}, which does not exist.", id="clinic.E006") for name in sorted(gone)
    ]


def route_names(patterns: Any = None, namespace: str = "") -> list[str]:
    """`namespace:name` of every pattern, however deep; a pattern without a name by its route."""
    found = []
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            found += route_names(pattern.url_patterns, inner)
        else:
            found.append(f"{namespace}{pattern.name or pattern.pattern}")
    return found
