"""What a view costs that was tuned by hand: the least that Django asks for the same protections.

Each view is signed in, locks what it changes, passes Django's middleware (sessions, CSRF, headers) and speaks to the
database in plain SQL with one statement a table; its page is one flat template without an include, a tag library or
a form class, and shows as many fields as ours. It knows nothing of rules or branching, and composes no query. It is
what our pages are compared with, in the same run.
"""

import json
import os
import random
import uuid
import zlib
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db import connection, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template import Context, Engine
from django.test.client import Client, ClientHandler
from django.urls import path

from clinic_site.accounts.models import User
from clinic_site.records.identifiers import uuid7
from intake.questionnaire_reader import SHIPPED, read_questionnaire
from screening.benchmark.signed_in import sign_in

TABLES = """
CREATE TABLE reference_response (id uuid PRIMARY KEY, owner uuid, revision int, status text, body bytea);
CREATE TABLE reference_section (response uuid, number int, body bytea, PRIMARY KEY (response, number));
CREATE TABLE reference_case (
    id uuid PRIMARY KEY, response uuid UNIQUE, status text, severity int, opened_at timestamptz, reference text
);
CREATE INDEX reference_case_queue ON reference_case (severity, opened_at, id);
CREATE TABLE reference_finding (id uuid PRIMARY KEY, parent uuid, rule text, tier text, caused_by text[]);
CREATE INDEX reference_finding_of ON reference_finding (parent);
CREATE TABLE reference_audit (id uuid PRIMARY KEY, at timestamptz, actor uuid, action text, entity uuid);
"""
# The texts of the shipped questions: one, repeated 120 times, would be packed into next to nothing. The first 120 are
# answered; the others do not apply, and the page says so of each, as ours does.
_TEXTS = [item.text["en"] for item in read_questionnaire(SHIPPED).questions.values()]
QUESTIONS = [f"question_{number}" for number in range(120)]
NOT_ASKED = [(f"question_{number}", text) for number, text in enumerate(_TEXTS) if number >= len(QUESTIONS)]
ANSWERS = {
    name: {"shown": "No", "value": "no", "question": text, "at": "Nov 23, 5:00 PM"}
    for name, text in zip(QUESTIONS, _TEXTS, strict=False)
}
_KEY = AESGCM(bytes(32))
_engine = Engine()
_HEAD = (
    "<!DOCTYPE html><html lang=en><head><meta charset=utf-8><title>{{ title }}</title>"
    "<link rel=stylesheet href=/static/site.css></head><body><main><h1>{{ title }}</h1>"
)
_PAGE = _engine.from_string(
    _HEAD + "<form method=post><input type=hidden name=csrfmiddlewaretoken value={{ token }}>{% for name in names %}"
    "<fieldset><legend>Has this ever happened to you?</legend>{% for code, label in options %}<div><input type=radio"
    ' id="{{ name }}-{{ code }}" name="{{ name }}" value="{{ code }}"{% if code == "no" %} checked{% endif %}><label'
    ' for="{{ name }}-{{ code }}">{{ label }}</label></div>{% endfor %}</fieldset>{% endfor %}<button>Save</button>'
)
_QUEUE = _engine.from_string(
    _HEAD + "<table>{% for reference, status, severity, opened in rows %}<tr><td><a href=/case/{{ reference }}/>"
    '{{ reference }}</a><td>{{ severity }}<td>{{ status }}<td>{{ opened|date:"M j, g:i A" }}</tr>{% endfor %}</table>'
)
_CASE = _engine.from_string(
    _HEAD + "{% for rule, tier, causes in findings %}<article class=flag--{{ tier }}><h3>{{ rule }}</h3><ul>"
    "{% for cause in causes %}<li><a href=#{{ cause }}>{{ cause }}</a> <b>{{ tier }}</b></li>{% endfor %}</ul>"
    "<p>{{ step }}</p><p>{% for source in sources %}<a href={{ source }}>{{ source }}</a>{% endfor %}</p></article>"
    "{% endfor %}<dl>{% for name, answer in answers %}<div id={{ name }} class=said--{{ answer.value }}>"
    "<dt>{{ answer.question }}</dt><dd><b>{{ answer.shown }}</b></dd><dd>{{ answer.at }}</dd></div>{% endfor %}</dl>"
    "<p>{% for name, text in not_asked %}<span id={{ name }}>{{ text }}</span>{% endfor %}</p>"
)
_OPTIONS = [("yes", "Yes"), ("no", "No"), ("not_sure", "Not sure"), ("prefer_not_to_say", "Prefer not to say")]


def seal(document: Any) -> bytes:
    nonce = os.urandom(12)
    return nonce + _KEY.encrypt(nonce, zlib.compress(json.dumps(document).encode()), None)


def _opened(sealed: Any) -> Any:
    return json.loads(zlib.decompress(_KEY.decrypt(bytes(sealed[:12]), bytes(sealed[12:]), None)))


def _audit(cursor: Any, request: HttpRequest, action: str, entity: uuid.UUID | None) -> None:
    cursor.execute(
        "INSERT INTO reference_audit VALUES (%s, now(), %s, %s, %s)", [uuid7(), request.user.pk, action, entity]
    )


@login_required
def question_page(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Ten questions of one response. Three statements with the session and the user."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT revision FROM reference_response WHERE id = %s AND owner = %s", [pk, request.user.pk])
        if cursor.fetchone() is None:
            raise Http404
    token = request.META.get("CSRF_COOKIE", "")
    page = {"title": "Questions", "names": QUESTIONS[:10], "options": _OPTIONS, "token": token}
    return HttpResponse(_PAGE.render(Context(page)))


@login_required
def save_section(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Ten answers, checked and kept as one sealed section: one durable statement."""
    answers = {name: _checked(request, name) for name in QUESTIONS[:10]}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO reference_section SELECT id, 1, %s FROM reference_response WHERE id = %s AND owner = %s"
            " ON CONFLICT (response, number) DO UPDATE SET body = excluded.body",
            [seal(answers), pk, request.user.pk],
        )
    return HttpResponseRedirect(f"/page/{pk}/")


def _checked(request: HttpRequest, name: str) -> str:
    value = request.POST.get(name, "")
    if value not in ("yes", "no", "not_sure", "prefer_not_to_say"):
        raise ValueError(name)
    return value


@login_required
def submit(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """120 answers checked and sealed, a case, ten findings and the audit: one transaction, a statement a table."""
    answers = {name: {**ANSWERS[name], "value": _checked(request, name)} for name in QUESTIONS}
    findings = [name for name, answer in answers.items() if answer["value"] == "yes"][:10]
    case = uuid7()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT status FROM reference_response WHERE id = %s AND owner = %s FOR UPDATE", [pk, request.user.pk]
        )
        if cursor.fetchone() is None:
            raise Http404
        cursor.execute(
            "UPDATE reference_response SET status = 'completed', body = %s WHERE id = %s", [seal(answers), pk]
        )
        cursor.execute(
            "INSERT INTO reference_case VALUES (%s, %s, 'waiting', 3, now(), %s)", [case, pk, str(case)[-9:]]
        )
        rows = [value for name in findings for value in (uuid7(), case, name, "relative", [name])]
        places = ", ".join(["(%s, %s, %s, %s, %s)"] * len(findings))
        cursor.execute(f"INSERT INTO reference_finding VALUES {places}", rows)  # noqa: S608 - placeholders only
        _audit(cursor, request, "submitted", pk)
    return HttpResponseRedirect("/done/")


@login_required
def queue(request: HttpRequest) -> HttpResponse:
    """25 open cases in order, a capped count, and the entry in the audit: five statements with session and user."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT reference, status, severity, opened_at FROM reference_case"
            " ORDER BY severity, opened_at, id LIMIT 26"
        )
        rows = cursor.fetchall()
        cursor.execute("SELECT count(*) FROM (SELECT 1 FROM reference_case LIMIT 1001) AS capped")
        cursor.fetchone()
        _audit(cursor, request, "queue.read", None)
    return HttpResponse(_QUEUE.render(Context({"title": "Queue", "rows": rows[:25]})))


@login_required
def case_page(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """A response opened, its 120 answers, what did not apply, its findings, and the audit: five statements."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.id, r.body FROM reference_case c JOIN reference_response r ON r.id = c.response WHERE r.id = %s",
            [pk],
        )
        case, body = cursor.fetchone()
        cursor.execute("SELECT rule, tier, caused_by FROM reference_finding WHERE parent = %s", [case])
        findings = cursor.fetchall()
        _audit(cursor, request, "case.read", pk)
    shown = {"findings": findings, "answers": _opened(body).items(), "not_asked": NOT_ASKED}
    shown |= {"step": "What to do next.", "sources": ["a", "b"]}
    return HttpResponse(_CASE.render(Context({"title": "Case", **shown})))


# Named as ours are, so that the middleware asks of each what it asks of ours.
urlpatterns = [
    path("page/<uuid:pk>/", question_page, name="intake:page"),
    path("save/<uuid:pk>/", save_section, name="intake:page"),
    path("submit/<uuid:pk>/", submit, name="intake:submit"),
    path("queue/", queue, name="screening:queue"),
    path("case/<uuid:pk>/", case_page, name="screening:case"),
]


class _Handler(ClientHandler):
    """Serves the addresses of this module and no others."""

    def get_response(self, request: HttpRequest) -> Any:
        request.urlconf = __name__
        return super().get_response(request)


class ReferenceBrowser(Client):
    """A signed-in browser in front of the views of this module."""

    def __init__(self) -> None:
        super().__init__(HTTP_HOST="127.0.0.1", enforce_csrf_checks=False)
        self.handler = _Handler(enforce_csrf_checks=True)

    def post_form(self, address: str, fields: dict[str, str]) -> Any:
        """Posts with the token that a form would carry, so that CSRF is checked as for anybody."""
        self.cookies[settings.CSRF_COOKIE_NAME] = token = "0" * 32
        return self.post(address, {**fields, "csrfmiddlewaretoken": token})


class TunedClinic:
    """The tables of this module, filled, and the operations on them."""

    def __init__(self, user: User) -> None:
        self.user, self.browser = user, ReferenceBrowser()
        sign_in(self.browser, user)
        with connection.cursor() as cursor:
            cursor.execute(TABLES)
        self.draft = self.drafts(1)[0]
        self.cases: list[uuid.UUID] = []

    def drafts(self, count: int) -> list[uuid.UUID]:
        made = [uuid7() for _ in range(count)]
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO reference_response VALUES (%s, %s, 0, 'draft', %s)",
                [(pk, self.user.pk, seal(ANSWERS)) for pk in made],
            )
        return made

    def grow_to(self, count: int) -> None:
        """As many cases as ours, each with a sealed document and three findings."""
        made = self.drafts(count - len(self.cases))
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO reference_case VALUES (%s, %s, 'waiting', 3, now(), %s)",
                [(pk, pk, str(pk)[-9:]) for pk in made],
            )
            cursor.executemany(
                "INSERT INTO reference_finding VALUES (%s, %s, 'a.rule', 'relative', '{a_fact}')",
                [(uuid7(), pk) for pk in made for _ in range(3)],
            )
        self.cases += made

    def question_page(self) -> None:
        self._expect(200, self.browser.get(f"/page/{self.draft}/"))

    def save_section(self) -> None:
        self._expect(302, self.browser.post_form(f"/save/{self.draft}/", dict.fromkeys(QUESTIONS[:10], "no")))

    def submit(self, draft: uuid.UUID) -> None:
        answers = dict.fromkeys(QUESTIONS, "no") | dict.fromkeys(QUESTIONS[:10], "yes")
        self._expect(302, self.browser.post_form(f"/submit/{draft}/", answers))

    def queue(self) -> None:
        self._expect(200, self.browser.get("/queue/"))

    def case_page(self) -> None:
        self._expect(200, self.browser.get(f"/case/{random.choice(self.cases)}/"))  # noqa: S311 - any will do

    @staticmethod
    def _expect(status: int, answer: Any) -> None:
        if answer.status_code != status:
            raise RuntimeError(f"{answer.request['PATH_INFO']} answered {answer.status_code}")
