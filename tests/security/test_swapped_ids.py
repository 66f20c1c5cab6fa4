"""Every id that a page hands out, exchanged for somebody else's: it opens nothing, tells nothing and changes nothing."""

import difflib
import re
import uuid

import pytest
from django.core import signing

from intake.access import Ticket, pass_cookie
from screening.models import Case, Decision, Disposition
from tests.security.harvest import forms_of
from tests.security.seed import marks_in, rows_of, undone, world
from tests.security.walk import addresses, as_path, missing_values, names_an_object, values_of

REASON = "A reason of more than fifteen characters."
MALFORMED = ("%00", "..", "%2e%2e%2f", "'%20OR%20'1'='1", "a" * 300, "-1", "null", "%F0%9F%92%89")


@pytest.fixture(scope="module")
def seeded(django_db_setup, django_db_blocker):
    with world(django_db_blocker) as made:
        yield made


pytestmark = pytest.mark.usefixtures("seeded", "db")


class Spy:
    """Sends requests, and after each one looks whether it showed or touched anything of somebody else's."""

    def __init__(self, seeded, browser, own, others):
        self.seeded, self.browser, self.own, self.others = seeded, browser, own, others
        self.sent, self.wrong = 0, []

    def send(self, method, path, fields=None, *, may_open=False, headers=None):
        before = rows_of(self.seeded.there.clinic)
        with undone():
            answer = getattr(self.browser, method)(path, fields or {}, headers=headers)
            touched = [table for table, digest in rows_of(self.seeded.there.clinic).items() if digest != before[table]]
        self.sent += 1
        text = answer.content.decode(errors="replace")
        seen = {mark for mark in marks_in(text) if mark[1] and mark[1:] != self.own}
        opened = answer.status_code < 400 and not may_open
        if seen or touched or opened or answer.status_code >= 500:
            self.wrong.append((method, path, fields, answer.status_code, sorted(seen), touched))
        return answer


def ids_of(side, who):
    """By kind, what addresses and forms say about one person."""
    person = side.people[who]
    issue = person.case.issues.first()
    return {
        "reference": person.response.reference,
        "public_id": person.response.public_id,
        "issue": str(issue.id),
        "case": str(person.case.id),
        "response": str(person.response.id),
        "clinic": str(side.clinic.id),
        "slug": side.clinic.slug,
    }


def staff_forms(seeded, who, user):
    """Every form on the pages of one case and of the lists, with the page that it stands on."""
    browser, root = seeded.browser(user), f"/review/{seeded.here.people[who].case.reference}/"
    pages = [root, f"{root}open/", *(f"{root}record/{kind}/" for kind in ("identity", "blood-pressure", "cssrs"))]
    with undone():
        shown = [browser.get(page) for page in (*pages, "/review/find/")]
    return [form for page in shown if page.status_code == 200 for form in forms_of(page)]


@pytest.mark.parametrize(("actor", "who"), [("clinician", "taken"), ("colleague", "waiting"), ("front-desk", "taken")])
def test_no_id_in_a_form_of_staff_reaches_into_another_clinic(seeded, actor, who):
    own, foreign = ids_of(seeded.here, who), ids_of(seeded.there, who)
    random = {kind: str(uuid.uuid4()) for kind in own} | {"reference": "AAAA-AAAA"}
    spy = Spy(seeded, seeded.browser(seeded.here.staff[actor]), ("here", who), foreign)
    forms = staff_forms(seeded, who, seeded.here.staff[actor])
    for form in forms:
        for kind, value in own.items():
            swaps = [foreign[kind], random[kind], *MALFORMED, *(v for k, v in foreign.items() if k != kind)]
            if value in form.action:
                for other in swaps:
                    spy.send("post", form.action.replace(value, other), form.fields)
                    spy.send("get", form.action.replace(value, other))
            for name, held in form.fields.items():
                if value in held:
                    for other in swaps:
                        spy.send("post", form.action, form.exchanged(name, held.replace(value, other)))
    assert spy.wrong == []
    assert spy.sent > 30
    assert forms


def test_a_hash_of_another_screen_signs_nothing(seeded):
    """Two people who answered alike: what was on the screen for one is not signed for the other."""
    owner = seeded.here.staff["clinician"]
    browser, asked = seeded.browser(owner), seeded.here.people["asked"].case
    other = seeded.there.people["asked"].case
    with undone():
        shown = browser.get(f"/review/{asked.reference}/").context["decision_form"].initial["shown_sha256"]
        theirs = seeded.browser(seeded.there.staff["clinician"]).get(f"/review/{other.reference}/")
        foreign = theirs.context["decision_form"].initial["shown_sha256"]
        before = Decision.objects.count()
        form = {"outcome": "proceed-to-evaluation", "words": "Looked at everything."}
        taken = seeded.here.people["taken"].case.reference
        assert (
            browser.post(f"/review/{asked.reference}/decision/", {**form, "shown_sha256": foreign}).status_code == 409
        )
        assert browser.post(f"/review/{taken}/decision/", {**form, "shown_sha256": shown}).status_code == 409
        assert Decision.objects.count() == before


def test_a_tab_of_one_case_can_not_act_on_another(seeded):
    """The form's address names its case, and a flag of one case is none of another's."""
    browser = seeded.browser(seeded.here.staff["clinician"])
    one, other = seeded.here.people["taken"].case, seeded.here.people["asked"].case
    with undone():
        first = forms_of(browser.get(f"/review/{one.reference}/"))
        browser.get(f"/review/{other.reference}/")
        before = Disposition.objects.count()
        assert all(one.reference in form.action for form in first)
        for form in first:
            moved = browser.post(form.action.replace(one.reference, other.reference), form.fields)
            assert moved.status_code in (302, 409) if form.action.endswith(("claim/", "release/")) else 409
        assert Disposition.objects.count() == before


def test_a_place_in_the_queue_of_another_clinic_leads_to_the_own_queue(seeded):
    case = seeded.there.people["waiting"].case
    cursor = signing.dumps([case.severity, case.opened_at.isoformat(), str(case.id)], salt="queue")
    browser = seeded.browser(seeded.here.staff["clinician"])
    own = set(Case.objects.filter(clinic=seeded.here.clinic).values_list("reference", flat=True))
    with undone():
        for view in ("open", "mine", "done"):
            rows = browser.get("/review/", {"view": view, "after": cursor}).context["cases"]
            assert {row["reference"] for row in rows} <= own


# ── patients ───────────────────────────────────────────────────────────────────────────────────────────────────────


def patient_forms(person):
    browser, root = person.browser(), f"/intake/{person.response.public_id}/"
    with undone():
        shown = [browser.get(f"{root}{part}") for part in ("", "1/", "2/", "check/", "help/", "done/")]
    forms = [form for page in shown if page.status_code == 200 for form in forms_of(page)]
    return [form for form in forms if person.response.public_id in form.action]


# Open to everybody, with the same words for everybody: a stranger in danger is not turned away.
OPEN_TO_ALL = re.compile(r"/help/(thanks/)?$")


def test_no_id_in_a_form_of_a_patient_reaches_another_patient(seeded):
    person = seeded.here.people["draft"]
    others = [seeded.there.people["draft"], seeded.here.people["unfinished"], seeded.here.people["waiting"]]
    spy = Spy(seeded, person.browser(), ("here", "draft"), others)
    forms, own = patient_forms(person), person.response.public_id
    for form in forms:
        swaps = [*(other.response.public_id for other in others), "A" * 22, person.response.reference, *MALFORMED]
        for other in swaps:
            path = form.action.replace(own, other)
            assert path != form.action
            spy.send("post", path, form.fields, may_open=bool(OPEN_TO_ALL.search(path)))
            spy.send("get", path, may_open=bool(OPEN_TO_ALL.search(path)))
    assert spy.wrong == []
    assert len(forms) >= 3


def test_the_ticket_of_one_patient_s_page_saves_nothing_for_another(seeded):
    one, other = seeded.here.people["draft"], seeded.there.people["draft"]
    spy = Spy(seeded, one.browser(), ("here", "draft"), other)
    for number in (1, 2):
        for ticket_of, sent_to in ((one, other), (other, one)):
            ticket = Ticket(ticket_of.response.public_id, number, 0).sign()
            before = rows_of(seeded.here.clinic)
            with undone():
                spy.send("post", f"/intake/{sent_to.response.public_id}/{number}/", {"ticket": ticket})
                assert rows_of(seeded.here.clinic) == before
    assert spy.wrong == []


def test_the_pass_of_one_draft_does_not_open_another(seeded):
    person, others = seeded.here.people["draft"], (seeded.there.people["draft"], seeded.here.people["waiting"])
    for other in others:
        browser = person.browser()
        browser.cookies[pass_cookie(other.response.public_id)] = person.opened_now()
        spy = Spy(seeded, browser, ("here", "draft"), other)
        for part in ("", "1/", "check/", "done/", "call/"):
            spy.send("get", f"/intake/{other.response.public_id}/{part}")
        assert spy.wrong == []


def test_a_signed_in_member_of_staff_opens_no_draft_of_a_patient(seeded):
    for role, user in seeded.here.staff.items():
        browser = seeded.browser(user)
        for side in (seeded.here, seeded.there):
            answer = browser.get(f"/intake/{side.people['draft'].response.public_id}/check/")
            assert answer.status_code == 404, role
            assert {mark for mark in marks_in(answer.content.decode()) if mark[1]} == set()


def test_a_pass_is_no_session_of_staff(seeded):
    person = seeded.here.people["taken"]
    answer = person.browser().get(f"/review/{person.case.reference}/")
    assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/sign-in/")


# ── somebody else's looks like nobody's ────────────────────────────────────────────────────────────────────────────


def neutral(answer, values):
    text = answer.content.decode()
    for name in ("public_id", "reference", "issue_id"):
        text = text.replace(str(values[name]), "…")
    return re.sub(r'name="(csrfmiddlewaretoken|carried)" value="[^"]+"|nonce="[^"]+"', "", text)


@pytest.mark.parametrize("actor", ["nobody", "front-desk", "clinician", "medical-director"])
def test_what_is_somebody_else_s_looks_like_what_does_not_exist(seeded, actor, statements):
    """The same status, the same words and the same number of statements, so that neither text nor time tells."""
    user, told = seeded.here.staff.get(actor), []
    walked = [(n, r) for n, r in addresses() if names_an_object(r) and n.startswith(("intake:", "screening:"))]
    for name, route in walked:
        if "<slug:slug>" in route:
            continue  # clinics are public: their addresses are printed on leaflets
        for method in ("get", "post"):
            looks = []
            for values in (values_of(seeded.there, "taken", name), {**missing_values(), "issue_id": uuid.uuid4()}):
                fields = {"reason": REASON, "words": REASON, "outcome": "referred-elsewhere", "shown_sha256": "0" * 64}
                with undone(), statements() as seen:
                    answer = getattr(seeded.browser(user), method)(
                        as_path(route, values), fields if method == "post" else {}
                    )
                looks.append((answer.status_code, neutral(answer, values), len(seen.statements())))
            # The address of an intake holds 128 random bits, so that nobody can try one after the other. Whoever has it,
            # but not this browser's pass, is told whom to call: the words differ, what they open does not.
            compared = slice(1) if name.startswith("intake:") else slice(3)
            if looks[0][compared] != looks[1][compared]:
                differs = [line for line in difflib.ndiff(*(look[1].splitlines() for look in looks)) if line[0] in "+-"]
                told.append((name, method, [(look[0], look[2]) for look in looks], differs))
    assert told == []
    assert len(walked) >= 15


# ── actor, clinic and role come from the session alone ─────────────────────────────────────────────────────────────

CLAIMED = {
    "user": "1", "user_id": "1", "actor": "system", "role": "medical-director", "clinic": "hillside", "clinic_id": "1",
    "tenant": "hillside", "type": "admin", "is_staff": "1", "owner": "1", "by": "1", "signed_by": "1",
}  # fmt: skip


def test_nothing_in_a_request_makes_somebody_else_of_its_sender(seeded):
    clinic, director = seeded.there.clinic, seeded.there.staff["medical-director"]
    claimed = CLAIMED | {name: str(clinic.id) for name in ("clinic", "clinic_id", "tenant")}
    claimed |= {name: str(director.id) for name in ("user", "user_id", "owner", "by", "signed_by")}
    headers = {f"x-{name.replace('_', '-')}": value for name, value in claimed.items()}
    headers |= {"x-original-url": "/admin/", "x-rewrite-url": "/admin/", "x-remote-user": director.email}
    headers |= {"remote-user": director.email, "x-http-method-override": "DELETE"}
    taken = seeded.here.people["taken"].case.reference
    for actor in ("front-desk", "clinician", "colleague", "auditor", "administrator"):
        for path in (
            f"/review/{taken}/",
            "/review/",
            f"/review/{seeded.there.people['taken'].case.reference}/",
            "/admin/",
        ):
            browser = seeded.browser(seeded.here.staff[actor])
            with undone():
                plain = browser.get(path)
                dressed = browser.get(path, claimed, headers=headers)
            assert dressed.status_code == plain.status_code, (actor, path)
            assert marks_in(dressed.content.decode()) == marks_in(plain.content.decode())
