"""Where browsers tell that a page tried something its policy forbids."""

import json
import logging
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from clinic_site.limits.addresses import client_address, network_of
from clinic_site.limits.services import is_within

log = logging.getLogger(__name__)

_REPORTS_PER_HOUR = 60
_LONGEST_REPORT = 16 * 1024
_MOST_AT_ONCE = 5
_DIRECTIVES = frozenset(
    (
        "default-src", "script-src", "script-src-elem", "script-src-attr", "style-src", "style-src-elem",
        "style-src-attr", "img-src", "font-src", "connect-src", "form-action", "frame-ancestors", "base-uri",
        "object-src", "require-trusted-types-for", "trusted-types",
    )
)  # fmt: skip


@csrf_exempt
@require_POST
def take(request: HttpRequest) -> HttpResponse:
    """Logs which directive was hurt on which kind of page, and nothing else of what the browser sent.

    Addresses in a report hold a patient's public id, samples of code may hold what was typed. The answer is always
    the same, and more than 60 reports of one network in an hour are not read.
    """
    network = network_of(client_address(request))
    if is_within("browser-report", network, limit=_REPORTS_PER_HOUR, window=timedelta(hours=1)):
        for directive, kind in _read(request):
            log.warning("Policy hurt: %s on %s", directive, kind)
    return HttpResponse(status=204)


def _read(request: HttpRequest) -> list[tuple[str, str]]:
    """(directive, kind of page) of each report in the body; nothing for what is no report."""
    if len(request.body) > _LONGEST_REPORT:
        return []
    try:
        sent = json.loads(request.body)
    except (ValueError, RecursionError):
        return []
    reports = sent if isinstance(sent, list) else [sent]
    return [read for report in reports[:_MOST_AT_ONCE] if (read := _read_one(report))]


def _read_one(report: Any) -> tuple[str, str] | None:
    """Both forms: `{"csp-report": {…}}` of report-uri, `{"type": "csp-violation", "body": {…}}` of report-to."""
    body = (report.get("csp-report") or report.get("body")) if isinstance(report, dict) else None
    if not isinstance(body, dict):
        return None
    directive = body.get("effective-directive") or body.get("effectiveDirective") or body.get("violated-directive")
    page = body.get("document-uri") or body.get("documentURL")
    known = directive if isinstance(directive, str) and directive in _DIRECTIVES else "another directive"
    return known, _kind_of(page)


def _kind_of(address: Any) -> str:
    """The name of the route, which is the same for every patient."""
    if not isinstance(address, str):
        return "an unknown page"
    try:
        return resolve(urlsplit(address).path).view_name
    except (Resolver404, ValueError):
        return "an unknown page"
