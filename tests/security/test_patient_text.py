"""What a patient typed is shown as text, wherever it is shown, and does nothing there."""

from html.parser import HTMLParser

import pytest

from screening.models import Case
from tests.patients import PatientBrowser

pytestmark = pytest.mark.django_db

SCRIPT = "<script>alert(1)</script>"
ATTRIBUTE = "\" autofocus onfocus=alert(1) x='"
TEMPLATE = "{{ 7|add:7 }}{% now 'Y' %}{% debug %}"
HEBREW = "דבורים"
RIGHT_TO_LEFT = f"\u202e{HEBREW}\u2066"
HOSTILE = {
    "legal_given_name": {"": SCRIPT},
    "legal_family_name": {"": ATTRIBUTE},
    "chosen_name": {"": RIGHT_TO_LEFT},
    "pronouns": {"": TEMPLATE},
    "current_location": {"": f"{RIGHT_TO_LEFT} {SCRIPT}"},
    "medicines": {
        ".name": [f"{SCRIPT}{TEMPLATE}"],
        ".dose": [ATTRIBUTE],
        ".frequency": [RIGHT_TO_LEFT],
        ".reason": [""],
    },
    "other_allergies": {"": f"{SCRIPT}\n{TEMPLATE}\n{RIGHT_TO_LEFT}\n{ATTRIBUTE}"},
    "anything_else": {"": f"</b></dd>{SCRIPT} javascript:alert(1)"},
}
VOID = {"meta", "link", "input", "br", "img", "hr"}


class Reader(HTMLParser):
    """Reads a page as a browser does: its elements, and each text with the elements around it."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.open, self.elements, self.texts = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        self.texts.append((data, list(self.open)))

    @property
    def text(self):
        return "".join(data for data, _around in self.texts)


@pytest.fixture
def patient(published, clinic):
    return PatientBrowser(clinic, HOSTILE).fill_in()


def pages_of_the_patient(patient):
    client, root = patient.client, f"/intake/{patient.public_id}/"
    yield client.get(f"{root}check/")
    for link_id in HOSTILE:
        yield client.get(patient.url(link_id))


@pytest.fixture
def pages_of_staff(patient, staff, signed_in):
    assert patient.submit().status_code == 303
    reference = Case.objects.get().reference
    clinician, desk = signed_in(staff("clinician")), signed_in(staff("front-desk"))
    clinician.post(f"/review/{reference}/claim/")
    search = {"given_name": SCRIPT, "family_name": ATTRIBUTE, "date_of_birth": "1985-04-27"}
    return {
        "case": clinician.get(f"/review/{reference}/"),
        "contact": desk.get(f"/review/{reference}/"),
        "queue": clinician.get("/review/"),
        "found": desk.post("/review/find/", search),
    }


def harmless(response):
    """What on the page a hostile text would have changed."""
    page = Reader(response.content.decode())
    handlers = [(tag, name) for tag, attrs in page.elements for name in attrs if name.startswith("on")]
    scripts = [attrs for tag, attrs in page.elements if tag == "script" and set(attrs) != {"src", "defer"}]
    addresses = [attrs["href"] for _t, attrs in page.elements if (attrs.get("href") or "").startswith("javascript")]
    styles = [tag for tag, attrs in page.elements if tag == "style" or "style" in attrs]
    return handlers + scripts + addresses + styles


def unfenced(response):
    """Texts that are read from the right without an element that keeps it to themselves."""
    return [
        data.strip()
        for data, around in Reader(response.content.decode()).texts
        if HEBREW in data and not any("dir" in attrs or tag in ("bdi", "textarea") for tag, attrs in around[2:])
    ]


def test_markup_typed_by_a_patient_is_inert_on_their_own_pages(patient):
    assert [harmless(page) for page in pages_of_the_patient(patient)] == [[]] * (len(HOSTILE) + 1)


def test_markup_typed_by_a_patient_is_inert_on_every_page_of_staff(pages_of_staff):
    assert {name: harmless(page) for name, page in pages_of_staff.items()} == dict.fromkeys(pages_of_staff, [])


def test_a_clinician_reads_the_patient_s_text_as_it_was_typed(pages_of_staff):
    text = Reader(pages_of_staff["case"].content.decode()).text
    for typed in (SCRIPT, ATTRIBUTE, TEMPLATE, HEBREW):
        assert typed in text


def test_the_front_desk_reads_the_name_as_it_was_typed(pages_of_staff):
    text = Reader(pages_of_staff["contact"].content.decode()).text
    assert f"{SCRIPT} {ATTRIBUTE}" in text


def test_a_turned_direction_ends_with_the_patient_s_own_words(patient, pages_of_staff):
    assert {name: unfenced(page) for name, page in pages_of_staff.items()} == dict.fromkeys(pages_of_staff, [])
    assert sum(HEBREW in page.content.decode() for page in pages_of_staff.values()) >= 2


def test_a_turned_direction_ends_with_the_answer_on_the_check_page(patient):
    page = patient.client.get(f"/intake/{patient.public_id}/check/")
    assert HEBREW in page.content.decode()
    assert unfenced(page) == []


def test_signs_that_would_turn_the_words_of_others_are_taken_out(patient, pages_of_staff):
    pages = [*pages_of_the_patient(patient), *pages_of_staff.values()]
    assert not any(sign in page.content.decode() for page in pages for sign in "\u202e\u2066")
