"""What `manage.py benchmark` measures: the operations people wait for, each beside a view tuned by hand.

Absolute times say little on a shared machine; the ratios to the references, the growth with the number of cases and the
counts of statements and WAL do. An operation and its reference take turns, so that both meet the same noise.
"""

import datetime
import statistics
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from http.cookies import SimpleCookie
from itertools import islice
from typing import Any

from django.db import connection, models, transaction
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from clinic_site.accounts.models import Membership, User
from clinic_site.clinics.models import Clinic
from clinic_site.encryption.models import DataKey
from clinic_site.records.identifiers import public_id, reference, uuid7
from intake.access import Ticket, set_pass
from intake.models import Patient, QuestionnaireResponse
from intake.published import questionnaire_of
from screening.assessments import screen_response, seal_facts
from screening.benchmark.reference import TunedClinic
from screening.benchmark.signed_in import sign_in
from screening.benchmark.spent import Spent, spent_by
from screening.benchmark.trail import without_audit
from screening.demo.answers import complete_answers
from screening.demo.filling import answer_draft, fill_in
from screening.models import Assessment, Case, CaseEvent, DetectedIssue
from screening.published import current_rule_set
from screening.queue import queue_page
from screening.verification import verified

_BATCH = 2000
_MOST_VERIFIED = 3000
# Rounds that do not count: a server in use has planned its statements and knows its templates.
_WARM_UP = 10
_FRAMES = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT", "ROLLBACK")


@dataclass(frozen=True)
class Measured:
    """One operation: median milliseconds by the clock and of CPU (this process and its database's), SQL statements,
    kilobytes of WAL; `ratio` of the CPU to a reference's, with its bar."""

    name: str
    milliseconds: float
    cpu_milliseconds: float
    statements: int
    wal_kb: float
    ratio: float | None = None
    bar: float | None = None


class Bench:
    """A clinic with cases in an empty database, and the operations to time on it."""

    def __init__(self, *, rounds: int) -> None:
        self.rounds = rounds
        self.clinic = Clinic.objects.create(
            name="Benchmark Clinic",
            slug="benchmark",
            phone="(212) 555-0100",
            alert_email="nobody@example.com",
            licensed_states=["ny"],
            crisis_text="Call us.",
        )
        self.user = self.member("clinician")
        self.staff, self.browser = Client(HTTP_HOST="127.0.0.1"), Client(HTTP_HOST="127.0.0.1")
        self.passes: dict[uuid.UUID, SimpleCookie] = {}
        sign_in(self.staff, self.user)
        answers = complete_answers(aneurysm_or_avm="yes", parent_sibling_or_child_psychosis="not_sure")
        self.answers = answers
        self.template = fill_in(self.clinic, answers)
        self.tuned = TunedClinic(self.user)

    def member(self, role: str) -> User:
        user = User.objects.create(email=f"{role}@bench.example", name=f"Bench {role}")
        Membership.objects.create(user=user, clinic=self.clinic, role=role, origin=Membership.Origin.SHELL)
        return user

    def grow_to(self, count: int) -> None:
        """Copies the case until there are `count`, each with a data key and a sealed answer document of its own.

        The reference grows with them.
        """
        missing = count - Case.objects.count()
        for start in range(0, missing, _BATCH):
            self._copy_batch(min(_BATCH, missing - start))
        self.tuned.grow_to(Case.objects.count())
        # Both: a vacuum that starts by itself while something is measured writes into the same log.
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")

    def _copy_batch(self, count: int) -> None:
        document, case = self.template.document(), Case.objects.get(response=self.template)
        assessment, issues = case.assessments.get(), list(case.issues.order_by("position"))
        kept = self.template.data_key.unseal(assessment.facts, row=assessment, label="assessment.facts")
        events, patient = list(case.events.all()), self.template.patient
        rows: dict[type[models.Model], list[models.Model]] = {
            model: [] for model in (DataKey, QuestionnaireResponse, Patient, Case, Assessment, DetectedIssue, CaseEvent)
        }
        now = timezone.now()
        for number in range(count):
            key = DataKey.generate(self.clinic)
            key.created_at = now
            response = _twin(
                self.template,
                data_key=key,
                public_id=public_id(),
                reference=reference(),
                answers=b"",
                later_answers=b"",
            )
            response.seal_document(document)
            opened = now - datetime.timedelta(seconds=number)
            own = _twin(case, response=response, reference=response.reference, opened_at=opened)
            run = _twin(assessment, case=own)
            flags = [_twin(issue, case=own, assessment=run) for issue in issues]
            seal_facts(run, flags, kept, response=response)
            rows[DataKey].append(key)
            rows[QuestionnaireResponse].append(response)
            rows[Patient].append(_twin(patient, response=response))
            rows[Case].append(own)
            rows[Assessment].append(run)
            rows[DetectedIssue] += flags
            rows[CaseEvent] += [_twin(event, case=own) for event in events]
        for model, instances in rows.items():
            _copy(model, instances)

    def measure(self) -> list[Measured]:
        drafts = [answer_draft(self.clinic, self.answers) for _ in range(self.rounds + _WARM_UP + 2)]
        for draft in drafts:
            self._give_pass(draft)
        cases = iter(list(Case.objects.order_by("?").values_list("reference", flat=True)[: self.rounds + _WARM_UP + 2]))
        deep = self._deep_cursor()
        submits, tuned_submits = iter(drafts), iter(self.tuned.drafts(self.rounds + _WARM_UP + 2))
        tuned = self.tuned
        return [
            self._row("rules for a full intake, explained", self._rules),
            *self._pair("question page", lambda: self._question(drafts[0]), tuned.question_page, bar=1.5),
            *self._pair("save a page", lambda: self._save(drafts[0]), tuned.save_section, bar=1.4),
            *self._pair(
                "submit", lambda: self._submit(next(submits)), lambda: tuned.submit(next(tuned_submits)), bar=1.5
            ),
            *self._pair("queue page", lambda: self._ok(self.staff.get("/review/")), tuned.queue, bar=1.5),
            *self._pair(
                "queue page, deep", lambda: self._ok(self.staff.get(f"/review/?after={deep}")), tuned.queue, bar=1.5
            ),
            *self._pair(
                "case page", lambda: self._ok(self.staff.get(f"/review/{next(cases)}/")), tuned.case_page, bar=1.6
            ),
            *self._audited_and_not(),
        ]

    def verified_a_second(self) -> float:
        """How many stored assessments run again in a second, each read, opened and compared."""
        started = time.perf_counter()
        checked = list(islice(verified(), _MOST_VERIFIED))
        for one in checked:
            if one.problem:
                raise RuntimeError(f"{one.reference}: {one.problem}")
        return len(checked) / (time.perf_counter() - started)

    def _row(self, name: str, operation: Callable[[], Any]) -> Measured:
        statements = self._statements(operation)
        [spent] = self._time(operation)
        return Measured(name, spent.milliseconds, spent.cpu_milliseconds, statements, spent.wal_kb)

    def _pair(
        self, name: str, operation: Callable[[], Any], reference: Callable[[], Any], *, bar: float
    ) -> tuple[Measured, Measured]:
        """An operation and what it is compared with. The ratio is of their medians."""
        statements, of_reference = self._statements(operation), self._statements(reference)
        own, tuned = self._time(operation, reference)
        ratio = own.cpu_milliseconds / tuned.cpu_milliseconds
        return (
            Measured(name, own.milliseconds, own.cpu_milliseconds, statements, own.wal_kb, ratio, bar),
            Measured(
                "  the same, tuned by hand", tuned.milliseconds, tuned.cpu_milliseconds, of_reference, tuned.wal_kb
            ),
        )

    def _audited_and_not(self) -> tuple[Measured, Measured]:
        """The same case page, once more beside itself without its entry in the trail."""
        [case] = Case.objects.order_by("?").values_list("reference", flat=True)[:1]

        def page() -> None:
            self._ok(self.staff.get(f"/review/{case}/"))

        def unaudited() -> None:
            with without_audit():
                page()

        own, other = self._pair("case page, audited", page, unaudited, bar=1.2)
        return own, replace(other, name="  the same, not audited")

    @staticmethod
    def _statements(operation: Callable[[], Any]) -> int:
        with CaptureQueriesContext(connection) as captured:
            operation()
        return sum(not query["sql"].startswith(_FRAMES) for query in captured.captured_queries)

    def _time(self, *operations: Callable[[], Any]) -> list[Spent]:
        """The medians of each, taking turns. They leave out the full pages that follow a checkpoint."""
        samples: list[list[Spent]] = [[] for _ in operations]
        for _ in range(_WARM_UP + self.rounds):
            for operation, taken in zip(operations, samples, strict=True):
                taken.append(spent_by(operation))
        return [
            Spent(*(statistics.median(values) for values in zip(*taken[_WARM_UP:], strict=True))) for taken in samples
        ]

    def _give_pass(self, draft: QuestionnaireResponse) -> None:
        """Lets a browser open a draft. One client serves them all, because a new one loads the middleware."""
        token = draft.new_access_token()
        QuestionnaireResponse.objects.filter(pk=draft.pk).update(access_digest=draft.access_digest)
        answer = HttpResponse()
        set_pass(answer, draft, token)
        self.passes[draft.pk] = answer.cookies

    def _come_as(self, draft: QuestionnaireResponse) -> None:
        """As the browser that holds this draft and no other."""
        self.browser.cookies.clear()
        self.browser.cookies.update(self.passes[draft.pk])

    def _rules(self) -> None:
        response = self.template
        screen_response(response, questionnaire_of(response), response.document(), rule_set=current_rule_set())

    def _question(self, draft: QuestionnaireResponse) -> None:
        self._come_as(draft)
        number = questionnaire_of(draft).page_of["aneurysm_or_avm"].number
        self._ok(self.browser.get(f"/intake/{draft.public_id}/{number}/"))

    def _save(self, draft: QuestionnaireResponse) -> None:
        self._come_as(draft)
        number = questionnaire_of(draft).page_of["aneurysm_or_avm"].number
        ticket = Ticket(draft.public_id, number, 10_000).sign()
        url = f"/intake/{draft.public_id}/{number}/"
        self._ok(self.browser.post(url, {"ticket": ticket, "aneurysm_or_avm": "yes"}))

    def _submit(self, draft: QuestionnaireResponse) -> None:
        self._come_as(draft)
        url = reverse("intake:submit", args=[draft.public_id])
        self._ok(self.browser.post(url, {"idempotency_key": str(uuid.uuid4())}))

    def _deep_cursor(self) -> str:
        """A place 40 pages into the queue, or as far as there are pages."""
        cursor = ""
        for _ in range(40):
            cursor = queue_page(self.user, view="open", after=cursor).next_cursor or cursor
        return cursor

    @staticmethod
    def _ok(answer: Any) -> None:
        if answer.status_code not in (200, 303):
            raise RuntimeError(f"{answer.request['PATH_INFO']} answered {answer.status_code}")


def _twin(row: Any, **changes: Any) -> Any:
    """An unsaved copy with a key of its own."""
    values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    twin = type(row)(**values)
    twin.pk = uuid7()
    for name, value in changes.items():
        setattr(twin, name, value)
    return twin


def _copy(model: type[models.Model], rows: Iterable[models.Model]) -> None:
    """By way of a table without row-level security, into which PostgreSQL does not COPY."""
    fields = [field for field in model._meta.concrete_fields if not field.generated]
    table, columns = model._meta.db_table, ", ".join(f'"{field.column}"' for field in fields)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE copied ON COMMIT DROP AS SELECT {columns} FROM {table} WHERE false")  # noqa: S608
        with cursor.cursor.copy(f"COPY copied ({columns}) FROM STDIN") as copy:
            for row in rows:
                values = (getattr(row, field.attname) for field in fields)
                copy.write_row([bytes(value) if isinstance(value, memoryview) else value for value in values])
        cursor.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM copied")  # noqa: S608
