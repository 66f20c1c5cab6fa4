"""Nothing outside a patient's page says what the clinic treats: not its title, not its address, not its cookies."""

import html
import re

import pytest

from intake.completeness import asked_pages
from tests.conftest import shipped_questionnaire
from tests.patients import PatientBrowser

pytestmark = pytest.mark.django_db

TOPICS = re.compile(
    r"ketamine|suicid|psych|mental|alcohol|drug|substance|addict|opioid|withdraw|pregnan|reproduct|heart|brain|blood|"
    r"medic|allerg|weapon|firearm|harm|depress|trauma|emergency|safety|consent|treatment",
    re.IGNORECASE,
)
NEUTRAL_ADDRESS = re.compile(
    r"/(?:at/[a-z-]+|help-now|sign-in|intake/[A-Za-z0-9_-]+(?:/(?:\d+|check|submit|done|call|help(?:/thanks)?))?)/\Z"
)
# Everything that opens a gate without raising an alarm, so that the conditional pages are walked too.
MUCH_TO_TELL = {
    "preferred_language": {"": "other"},
    "preferred_language_other": {"": "Welsh"},
    "emergency_contact_may_know": {"": "yes"},
    "wished_dead_past_few_weeks": {"": "yes"},
    "suicide_attempt_ever": {"": "yes"},
    "last_suicide_attempt_date": {".year": "2001"},
    "stopped_heavy_alcohol_or_benzo_past_3_days": {"": "yes"},
    "psychosis_ever_diagnosed": {"": "yes"},
    "last_psychosis_date": {".year": "2003"},
    "heart_attack_or_stroke_ever": {"": "yes"},
    "last_heart_attack_or_stroke_date": {".year": "2004"},
    "can_become_pregnant": {"": "yes"},
    "blood_pressure": {".systolic": "182", ".diastolic": "90"},
}


def title_of(answer):
    return html.unescape(re.search(r"<title>(.*?)</title>", answer.content.decode(), re.DOTALL).group(1).strip())


@pytest.fixture
def walked(published, clinic):
    """(address, title) of every page that a patient can come to, good and in error."""
    patient = PatientBrowser(clinic, MUCH_TO_TELL)
    client, root = patient.client, f"/intake/{patient.public_id}/"
    patient.fill_in()
    seen = [(url, client.get(url)) for url in ("/at/riverside/", "/help-now/", root, f"{root}check/", f"{root}help/")]
    pages = asked_pages(shipped_questionnaire(), patient.response.document())
    seen += [(f"{root}{page.number}/", client.get(f"{root}{page.number}/")) for page in pages]
    for page in pages:
        shown = client.get(f"{root}{page.number}/")
        foreign = {"ticket": shown.context["ticket"], "foreign": "x"}
        seen.append((f"{root}{page.number}/", client.post(f"{root}{page.number}/", foreign)))
    assert {answer.status_code for _url, answer in seen[: len(pages) + 5]} == {200}
    return [(url, title_of(answer)) for url, answer in seen]


@pytest.fixture
def walked_links(published, clinic):
    """Every link within the pages that are sent blank, and within the page that shows what is left to do."""
    patient = PatientBrowser(clinic)
    client, root = patient.client, f"/intake/{patient.public_id}/"
    found = re.findall(r'href="(#[^"]*)"', client.get(f"{root}check/").content.decode())
    for page in shipped_questionnaire().pages:
        shown = client.get(f"{root}{page.number}/", follow=True)
        ticket = shown.context.get("ticket") if shown.context else None
        if ticket:
            sent = client.post(f"{root}{page.number}/", {"ticket": ticket})
            found += re.findall(r'href="(#[^"]*)"', sent.content.decode())
    return found


def test_no_title_names_a_topic(walked):
    sections = {section.title["en"].lower() for section in shipped_questionnaire().sections}
    named = [(url, title) for url, title in walked if TOPICS.search(title) or title.lower() in sections]
    assert named == []
    assert not any(section in title.lower() for section in sections for _url, title in walked)


def test_no_title_is_missing_and_those_of_questions_say_only_where_one_is(walked):
    assert all(title for _url, title in walked)
    of_questions = [title for url, title in walked if re.search(r"/\d+/\Z", url)]
    assert [title for title in of_questions if not re.fullmatch(r"(?:Error: )?Section \d+ of \d+", title)] == []


def test_the_title_of_a_page_with_an_error_begins_with_the_word(walked):
    number = (len(walked) - 5) // 2
    assert [title for _url, title in walked[-number:] if not title.startswith("Error: ")] == []


def test_no_address_names_a_topic(walked):
    own = re.compile(r"/intake/[A-Za-z0-9_-]+/")
    assert [url for url, _title in walked if TOPICS.search(own.sub("/intake/", url))] == []
    assert [url for url, _title in walked if not NEUTRAL_ADDRESS.match(url)] == []


def test_the_pages_for_leaving_and_coming_back_are_neutral_too(published, clinic):
    patient = PatientBrowser(clinic)
    own = f"/intake/{patient.public_id}/"
    places = ["/at/riverside/continue/", "/at/riverside/continue/open/", f"{own}return/", f"{own}continue/"]
    seen = [(url, patient.client.get(url)) for url in places]
    seen += [(url, patient.client.post(url, {"second": "x"})) for url in places[:3]]
    seen += [("/leave/", patient.client.post("/leave/")), (own, patient.client.get(own))]
    assert [url for url, answer in seen if not title_of(answer) or TOPICS.search(title_of(answer))] == []
    assert [url for url, _answer in seen if TOPICS.search(url.replace(patient.public_id, ""))] == []


def test_no_link_within_a_page_names_what_it_leads_to(walked_links):
    """A link followed within a page stands in the browser's history like any other address."""
    assert len(walked_links) > 30
    assert [link for link in walked_links if not re.fullmatch(r"#(?:q\d+|main|send)", link)] == []


def test_where_a_saved_page_leads_is_neutral_too(published, clinic):
    patient = PatientBrowser(clinic, {"suicidal_thoughts_right_now": {"": "yes"}, "suicide_attempt_ever": {"": "yes"}})
    patient.fill_in(until="suicidal_thoughts_right_now")
    led = patient.save("suicidal_thoughts_right_now")["Location"]
    assert NEUTRAL_ADDRESS.match(led)
    assert led.endswith("/help/")


def test_no_cookie_names_a_topic_or_holds_an_answer(published, clinic):
    client = PatientBrowser(clinic).fill_in().client
    cookies = {name: cookie.value for name, cookie in client.cookies.items()}
    assert "Sample" not in str(cookies)
    assert [name for name in cookies if TOPICS.search(name)] == []


@pytest.mark.parametrize("role", ["clinician", "front-desk"])
def test_no_title_of_a_staff_page_names_the_patient(published, clinic, staff, signed_in, role):
    """Titles stand in the history of a shared computer."""
    PatientBrowser(clinic).fill_in().submit()
    client = signed_in(staff(role))
    queue = client.get("/review/")
    case = client.get(f"/review/{queue.context['cases'][0]['reference']}/")
    assert case.status_code == 200
    assert "Sample" not in title_of(case)
    assert [title for title in map(title_of, (queue, case)) if TOPICS.search(title)] == []
