"""Requests that no page of ours sends: each is refused with a page, none fails, and nothing is lost or changed by it."""

import json
import signal
from contextlib import contextmanager
from urllib.parse import unquote

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from clinic_site.clinics.admin import HoursField
from clinic_site.encryption.models import DataKey
from clinic_site.limits.bodies import LONGEST_BODY, MOST_FIELDS
from intake.answers import State
from intake.models import QuestionnaireResponse
from screening.medicine_words import kinds_of, words_of
from screening.models import Case, CaseEvent
from tests.patients import PatientBrowser
from tests.security.hostile_texts import HOSTILE

FORM = "application/x-www-form-urlencoded"
PAYLOADS = [
    "'", '"', "\\", ";", "--", "' OR '1'='1", "1; SELECT pg_sleep(9)", "' || pg_sleep(9) --", "1) OR 1=1--", "%", "_", "%00", "\x00",
    "\x00'", "../../etc/passwd", "..\\..\\", "/etc/passwd", "{{7*7}}", "{% debug %}", "${7*7}", "<script>", "\u202e", "\ud7ff", "\ufffe",
    "\r\nSet-Cookie: a=b", "%0d%0aSet-Cookie:a=b", "-1", "0", "99999999999999999999", "1e309", "NaN", "Infinity", "true", "null", "[]",
    "[object Object]", "é" * 300, "a" * 3000, " ", "١٢٣",
]  # fmt: skip


@pytest.fixture
def world(published, clinic, staff, signed_in):
    """A draft, a case, and whoever works on them."""
    sent = PatientBrowser(clinic, {"aneurysm_or_avm": {"": "yes"}}).fill_in()
    assert sent.submit().status_code == 303
    clinician = staff("clinician")
    root = f"/review/{Case.objects.get().reference}/"
    signed_in(clinician).post(f"{root}claim/")
    return {
        "draft": PatientBrowser(clinic),
        "case": root,
        "clinician": signed_in(clinician),
        "administrator": signed_in(staff("administrator")),
        "auditor": signed_in(staff("auditor")),
    }


def is_ours(answer):
    """A refusal with a page of ours, or an answer that is none."""
    said = answer.content.decode()
    return answer.status_code < 500 and "Traceback" not in said and "django.core" not in said


def test_no_parameter_of_an_address_makes_a_page_fail(world):
    asked = [
        (world["clinician"], "/review/", ("view", "after", "q", "sort")),
        (world["clinician"], world["case"], ("view", "next")),
        (Client(), "/sign-in/", ("next", "carried")),
        (world["draft"].client, f"/intake/{world['draft'].public_id}/1/", ("change", "language")),
        (world["administrator"], "/admin/accounts/user/", ("q", "o", "p", "is_active__exact", "pk__in", "password__startswith")),
        (world["auditor"], "/admin/audit/auditevent/", ("q", "o", "action", "at__gte", "detail__contains")),
        (world["administrator"], "/admin/jsi18n/", ("x",)),
    ]  # fmt: skip
    failed = []
    for client, path, names in asked:
        client.raise_request_exception = False
        for name in names:
            for payload in PAYLOADS:
                answer = client.get(path, {name: payload})
                if not is_ours(answer) or "Set-Cookie: a=b" in str(answer.headers):
                    failed.append((path, name, payload, answer.status_code))
    assert failed == []


@pytest.mark.parametrize("query", ["a=%00", "%00=a", "view=open&view=done", "a&a", "view=open&view=open"])
def test_a_nul_and_a_name_that_stands_twice_in_the_address_are_refused(query):
    answer = Client().get(f"/help-now/?{query}")
    assert answer.status_code == 400
    assert 'href="tel:988"' in answer.content.decode()


@pytest.mark.parametrize("name", ["__Host-staff", "staff", "__Host-intake-x", "intake-x", "csrf", "messages"])
@pytest.mark.parametrize(
    "value",
    [
        '"a\\000b"',
        "\x00",
        "a" * 3000,
        "''; DROP",
        '"\\355\\240\\200"',
        "\udce9".encode("utf-8", "surrogateescape").decode("latin-1"),
    ],
)
def test_no_cookie_makes_a_page_fail(db, name, value):
    for path in ("/sign-in/", "/review/", "/help-now/"):
        assert Client(raise_request_exception=False).get(path, headers={"cookie": f"{name}={value}"}).status_code < 500


class TestBodies:
    """Whatever is not a form of ours, sent to the page of a patient, to staff's and to the sign-in."""

    @pytest.fixture
    def pages(self, world):
        draft = world["draft"]
        return [
            (draft.client, draft.url("legal_given_name")),
            (draft.client, f"/intake/{draft.public_id}/submit/"),
            (draft.client, f"/intake/{draft.public_id}/help/"),
            (world["clinician"], "/review/find/"),
            (world["clinician"], f"{world['case']}decision/"),
            (world["clinician"], f"{world['case']}record/identity/"),
            (Client(), "/sign-in/"),
        ]

    def state(self):
        rows = QuestionnaireResponse.objects.order_by("id").values_list("revision", "answers", "status")
        return [tuple(map(bytes, (str(r).encode(), a, s.encode()))) for r, a, s in rows], CaseEvent.objects.count()

    @pytest.mark.parametrize(
        ("body", "kind"),
        [
            (b'{"a": 1}', "application/json"),
            (b"[" * 100_000, "application/json"),
            (b'{"a":' * 50_000, "application/json"),
            (b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>", "application/xml"),
            (b"a=b", "text/plain"),
            (b"a=b", ""),
            (b"a=b", "nonsense"),
            (b"a=b", "application/x-www-form-urlencoded; charset=utf-16"),
            (b"a=b", "multipart/form-data"),
            (b"a=b", "multipart/form-data; boundary="),
            (b"a=b", "multipart/form-data; boundary=" + "x" * 300),
            (b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb", "multipart/form-data; boundary=x"),
            (b"--x\r\nContent-Disposition: form-data; name=\"a\"; filename=\"b\"\r\n\r\nb\r\n--x--\r\n", "multipart/form-data; boundary=x"),
            (b"\xff\xfe\x00" * 100, FORM),
            (b"%" * 1000, FORM),
            (b"&" * 4000, FORM),
            (b"=" * 4000, FORM),
            (b"a" * 200_000, FORM),
        ],
    )  # fmt: skip
    def test_a_body_that_is_no_form_of_ours_is_refused_and_changes_nothing(self, pages, body, kind):
        before = self.state()
        for client, path in pages:
            client.raise_request_exception = False
            answer = client.post(path, body, content_type=kind)
            assert 200 <= answer.status_code < 500, (path, answer.status_code)
            assert answer.status_code >= 400 or path.endswith("/help/"), (path, answer.status_code)
            assert is_ours(answer), path
        after = self.state()
        # The page of a patient keeps nothing either: without its ticket it came from nowhere.
        assert after == before

    def test_no_page_takes_a_file(self, pages):
        for client, path in pages:
            file = SimpleUploadedFile("x.txt", b"x" * 1000, content_type="text/plain")
            assert client.post(path, {"file": file}).status_code == 400, path

    def test_every_page_but_that_of_a_patient_takes_256_kilobytes_and_200_fields(self, pages):
        def size_is_refused(client, path, body):
            answer = client.post(path, body, content_type=FORM)
            return answer.status_code == 413 or "We could not read" in answer.content.decode()

        long, many = "a=" + "x" * (LONGEST_BODY - 2), "&".join(f"f{n}=" for n in range(MOST_FIELDS))
        same = "&".join("a=" for _ in range(MOST_FIELDS))
        for client, path in pages[1:]:
            refused = {(body[:4], more): size_is_refused(client, path, body + more) for body, more in (
                (long, ""), (long, "x"), (many, ""), (many, "&b="), (same, ""), (same, "&a="),
            )}  # fmt: skip
            assert [key[1] for key, was in refused.items() if was] == ["x", "&b=", "&a="], path

    def test_a_page_of_a_patient_takes_more_up_to_the_last_one(self, pages):
        client, path = pages[0]
        most = settings.DATA_UPLOAD_MAX_NUMBER_FIELDS
        assert client.post(path, "&".join(f"f{n}=" for n in range(most + 1)), content_type=FORM).status_code == 400
        assert (
            "We could not read"
            in client.post(path, "&".join(f"f{n}=" for n in range(most + 1)), content_type=FORM).content.decode()
        )
        size = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        assert client.post(path, "a" * (size + 1), content_type=FORM).status_code == 413
        assert client.post(path, "a" * size, content_type=FORM).status_code != 413

    @pytest.mark.parametrize("length", ["-1", "x", "1e3", "١"])
    def test_a_length_that_is_no_number_is_refused(self, length):
        assert Client().post("/sign-in/", {"a": "b"}, CONTENT_LENGTH=length).status_code == 400


SUFFIXES = [
    "a.css",
    "a.js",
    ";a.css",
    "%2e",
    "%2f",
    "%2e%2e/",
    "..;/",
    "a.css/",
    "%00",
    "%0a",
    "\\",
    "/",
    "./",
    "?/a.css#",
    ".json",
    "~",
]


def test_no_ending_of_an_address_makes_a_page_look_like_a_file(world):
    """A shared cache that keeps `…/a.css` must never find a page of a person there."""
    draft = world["draft"]
    asked = [
        (world["clinician"], world["case"]),
        (world["clinician"], "/review/"),
        (draft.client, f"/intake/{draft.public_id}/check/"),
    ]
    shown = []
    for client, path in asked:
        for suffix in SUFFIXES:
            if suffix == "?/a.css#":
                continue
            for address in (path + suffix, path.rstrip("/") + suffix):
                answer = client.get(address)
                if unquote(address).rstrip("/") == path.rstrip("/") and "//" not in unquote(address):
                    continue  # the same address, spelled otherwise
                if answer.status_code not in (301, 400, 404) or "no-store" not in answer["Cache-Control"]:
                    shown.append((address, answer.status_code))
    assert shown == []


@pytest.mark.parametrize(
    "path", ["//elsewhere.example/help-now", "/\\elsewhere.example/help-now", "//elsewhere.example/%2e%2e/help-now"]
)
def test_an_address_that_begins_with_two_slashes_leads_nowhere_else(path):
    led_to = Client().get(path).get("Location", "/")
    assert led_to.startswith("/")
    assert not led_to.startswith(("//", "/\\"))


class TestTwice:
    def test_an_answer_that_comes_twice_is_asked_again_and_both_are_kept(self, world):
        draft = world["draft"]
        shown = draft.client.get(draft.url("other_allergies"))
        answer = draft.client.post(
            draft.url("other_allergies"), {"ticket": shown.context["ticket"], "other_allergies": ["bees", "nuts"]}
        )
        assert answer.status_code == 422
        assert draft.response.document().get("other_allergies").state is State.UNPARSEABLE

    def test_a_field_of_staff_that_comes_twice_is_asked_again(self, world):
        form = {"given_name": ["Sam", "Alex"], "family_name": "Sample", "date_of_birth": "1985-04-27"}
        answer = world["clinician"].post("/review/find/", form)
        assert answer.status_code == 422
        assert "This came more than once" in answer.content.decode()


def test_fields_that_the_page_does_not_ask_for_set_nothing(world):
    draft = world["draft"]
    before = (
        QuestionnaireResponse.objects.filter(public_id=draft.public_id)
        .values("status", "clinic_id", "access_digest", "started_at")
        .get()
    )
    extra = dict.fromkeys(("status", "clinic", "clinic_id", "reference", "submitted_at", "access_digest", "id"), "x")
    shown = draft.client.get(draft.url("other_allergies"))
    draft.client.post(
        draft.url("other_allergies"), {"ticket": shown.context["ticket"], "other_allergies": "bees", **extra}
    )
    after = QuestionnaireResponse.objects.filter(public_id=draft.public_id).values(*before).get()
    assert after == before


class TestLongTexts:
    """A hundred thousand signs, of the kinds that make careless patterns hang. The limit is on the processor's time."""

    LONG = [
        "a" * 100_000,
        " " * 99_999 + "x",
        "1" * 100_000,
        "a@" * 50_000,
        "a." * 50_000 + "@",
        "-" * 100_000,
        "(" * 100_000,
        "1 " * 50_000,
        "a\n" * 50_000,
        "q1h " * 25_000,
        "\u0301" * 100_000,
        "w/o" * 33_000,
        "1,1." * 25_000 + "!",
        "Monday 1:00" * 9_000,
        "“’‘" * 33_000,
    ]

    BOXES = {
        "other_allergies": "",
        "phone": "",
        "legal_given_name": "",
        "height": ".feet",
        "blood_pressure": ".systolic",
        "date_of_birth": ".year",
        "address": ".line1",
        "esign_consent": ".name",
        "medicines": ".name",
    }

    @contextmanager
    def seconds(self, most):
        def stop(*_):
            raise AssertionError(f"took more than {most} seconds of the processor")

        before = signal.signal(signal.SIGVTALRM, stop)
        signal.setitimer(signal.ITIMER_VIRTUAL, most)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            signal.signal(signal.SIGVTALRM, before)

    @pytest.mark.parametrize("number", range(len(LONG)))
    def test_every_box_of_the_questionnaire_refuses_it_quickly_and_shows_it_again(self, published, clinic, number):
        draft, long = PatientBrowser(clinic), self.LONG[number]
        for link_id, part in self.BOXES.items():
            shown = draft.client.get(draft.url(link_id))
            with self.seconds(10):
                answer = draft.client.post(
                    draft.url(link_id), {"ticket": shown.context["ticket"], f"{link_id}{part}": long}
                )
            # What is only blanks and a letter is short once they are taken off.
            assert answer.status_code in ((303, 422) if long.strip() == "x" else (422,)), link_id
        assert DataKey.objects.count() == 1

    @pytest.mark.parametrize("number", range(len(LONG)))
    def test_the_reading_of_medicines_and_of_opening_hours_is_not_held_up(self, number):
        with self.seconds(20):
            kinds_of(words_of(self.LONG[number][:20_000]), set())
            with pytest.raises(Exception, match="not understood|once"):
                HoursField().to_python(self.LONG[number] + " x")


def test_whatever_is_hostile_in_a_page_of_staff_is_kept_as_words(world):
    words = " ".join(HOSTILE)
    answer = world["clinician"].post(
        f"{world['case']}decision/", {"outcome": "nonsense", "words": words, "shown_sha256": "x"}
    )
    assert answer.status_code == 422
    assert "<x-mark>" not in answer.content.decode()
    assert json.dumps(answer.context["decision_form"].data["words"]).count("alert(1)") == words.count("alert(1)")
