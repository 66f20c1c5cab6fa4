"""What a browser is told with every answer, and which requests are turned away before a page reads them."""

import json
import re

import pytest
from django.conf import settings
from django.test import Client

from clinic_site.middleware import METHODS
from tests.architecture.source import ROOT

POLICY = {
    "default-src": "'none'",
    "script-src": "'self' 'nonce'",
    "style-src": "'self' 'nonce'",
    "img-src": "'self'",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
    "object-src": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
    "report-uri": "/browser-report/",
    "report-to": "browser",
}
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Reporting-Endpoints": 'browser="/browser-report/"',
}
NONCE = re.compile(r"'nonce-([A-Za-z0-9+/=]{22,})'")


def fail(*_arguments, **_named):
    raise RuntimeError("a mistake of ours")


# One answer of every kind that needs no database.
ANSWERS = {
    "page": lambda: Client().get("/help-now/"),
    "page, head only": lambda: Client().head("/help-now/"),
    "sign-in": lambda: Client().get("/sign-in/"),
    "redirect": lambda: Client().get("/help-now"),
    "to sign-in": lambda: Client().get("/admin/login/"),
    "file": lambda: Client().get("/static/site.css"),
    "file that is not there": lambda: Client().get("/static/nothing.css"),
    "health": lambda: Client().get("/livez"),
    "report": lambda: Client().get("/browser-report/"),
    "foreign host": lambda: Client().get("/", headers={"host": "elsewhere.example"}),
    "no token": lambda: Client(enforce_csrf_checks=True).post("/sign-in/"),
    "foreign form": lambda: Client().post("/sign-in/", headers={"sec-fetch-site": "cross-site"}),
    "no page": lambda: Client().get("/nothing/"),
    "method": lambda: Client().put("/help-now/"),
    "too large": lambda: Client().post("/sign-in/", {"a": "x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)}),
    "no form": lambda: Client().post("/sign-in/", "{}", content_type="application/json"),
}


def policy_of(answer):
    """{directive: sources}, with the nonce by its name."""
    parts = (part.strip().partition(" ") for part in answer["Content-Security-Policy"].split(";"))
    return {name: NONCE.sub("'nonce'", sources) for name, _space, sources in parts}


@pytest.mark.parametrize("kind", ANSWERS)
def test_every_answer_carries_the_whole_policy_and_every_protecting_header(kind):
    answer = ANSWERS[kind]()
    assert policy_of(answer) == POLICY | ({"trusted-types": "default"} if kind == "to sign-in" else {})
    assert {name: answer.get(name) for name in HEADERS} == HEADERS
    assert "camera=()" in answer["Permissions-Policy"]
    assert "*" not in answer["Permissions-Policy"]
    assert [
        name for name in answer.headers if name in ("Server", "X-Powered-By") or name.startswith("Access-Control")
    ] == []


@pytest.mark.parametrize("kind", sorted(set(ANSWERS) - {"file"}))
def test_no_answer_but_a_file_is_kept(kind):
    answer = ANSWERS[kind]()
    assert "no-store" in answer["Cache-Control"]
    assert "Cookie" in answer["Vary"]


@pytest.mark.parametrize("kind", ANSWERS)
def test_every_answer_with_words_says_how_they_are_written(kind):
    answer = ANSWERS[kind]()
    assert re.fullmatch(r"text/\w+; charset=\"?utf-8\"?", answer.get("Content-Type", "text/html; charset=utf-8"))


def test_a_failure_of_ours_carries_the_policy_too(monkeypatch):
    monkeypatch.setattr("intake.views.render", fail)
    answer = Client(raise_request_exception=False).get("/help-now/")
    assert answer.status_code == 500
    assert policy_of(answer) == POLICY
    assert {name: answer.get(name) for name in HEADERS} == HEADERS


def test_the_nonce_is_long_and_new_in_each_answer():
    client = Client()
    nonces = {NONCE.search(client.get("/help-now/")["Content-Security-Policy"]).group(1) for _ in range(100)}
    assert len(nonces) == 100
    assert min(map(len, nonces)) >= 22  # 128 bits in base64


def test_the_style_sheets_load_nothing_that_the_policy_would_stop():
    """A picture within a style sheet (data:) would need a hole in the policy."""
    sheets = sorted((ROOT / "clinic_site" / "static").rglob("*.css"))
    assert len(sheets) >= 2
    for sheet in sheets:
        loaded = re.findall(r"url\(([^)]*)\)|@import\s+([^;]*)", sheet.read_text(encoding="utf-8"))
        assert [u for pair in loaded for u in pair if u.strip("\"'").startswith(("data:", "http", "//"))] == [], sheet
        for address, _import in loaded:
            assert (sheet.parent / address.strip("\"'")).exists(), (sheet, address)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "TRACK", "PROPFIND"])
@pytest.mark.parametrize("path", ["/help-now/", "/static/site.css", "/sign-in/", "/review/", "/nothing/"])
def test_a_method_that_no_page_uses_is_refused_with_a_page_of_ours(path, method):
    answer = Client().generic(method, path)
    assert answer.status_code == 405
    assert "This page can not be opened this way" in answer.content.decode()
    assert answer["Allow"] == "GET, HEAD, POST"


def test_a_method_that_this_page_does_not_know_is_refused_with_a_page_of_ours():
    answer = Client().get("/browser-report/")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert "988" in answer.content.decode()
    assert set(METHODS) == {"GET", "HEAD", "POST"}


@pytest.mark.parametrize("header", ["x-http-method-override", "x-http-method", "x-method-override"])
def test_a_header_does_not_change_the_method(header):
    assert Client().get("/help-now/", headers={header: "DELETE"}).status_code == 200
    assert Client().get("/browser-report/", headers={header: "POST"}).status_code == 405


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense"])
@pytest.mark.parametrize("path", ["/sign-in/", "/sign-out/", "/at/riverside/", "/intake/abc/1/", "/review/x/claim/"])
def test_a_form_sent_from_another_site_is_refused_before_any_page_reads_it(site, path):
    assert Client().post(path, headers={"sec-fetch-site": site}).status_code == 403


def test_a_link_from_another_site_opens():
    assert Client().get("/help-now/", headers={"sec-fetch-site": "cross-site"}).status_code == 200


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", "http://testserver.elsewhere.example"])
def test_a_form_with_its_token_but_a_foreign_origin_is_refused(origin):
    client = Client(enforce_csrf_checks=True)
    token = client.get("/sign-in/").context["csrf_token"]
    form = {"username": "a@clinic.example", "password": "x", "csrfmiddlewaretoken": str(token)}
    assert client.post("/sign-in/", form, headers={"origin": origin}).status_code == 403


class TestHosts:
    """HDR-04: what a client says about the host never ends up in a link."""

    @pytest.mark.parametrize(
        "host",
        [
            "elsewhere.example",
            "localhost.elsewhere.example",
            "localhost@elsewhere.example",
            "localhost:80:80",
            "",
            "a b",
        ],
    )
    def test_a_foreign_host_is_refused(self, settings, host):
        settings.ALLOWED_HOSTS = ["localhost"]
        answer = Client().get("/help-now/", headers={"host": host})
        assert answer.status_code == 400
        assert host not in answer.content.decode() or not host.strip()

    @pytest.mark.parametrize(
        "name", ["X-Forwarded-Host", "X-Host", "X-Original-Host", "Forwarded", "X-Forwarded-Server"]
    )
    def test_a_header_beside_the_host_changes_no_link(self, name):
        value = "host=elsewhere.example" if name == "Forwarded" else "elsewhere.example"
        answer = Client().get("/admin/login/", headers={name: value})
        assert answer["Location"].startswith("/sign-in/")
        assert "elsewhere" not in str(answer.headers) + answer.content.decode()

    def test_a_redirect_to_tls_goes_to_our_own_host(self, settings):
        settings.SECURE_SSL_REDIRECT, settings.ALLOWED_HOSTS = True, ["clinic.example"]
        answer = Client().get(
            "/help-now/?a=1", headers={"host": "clinic.example", "x-forwarded-host": "elsewhere.example"}
        )
        assert answer["Location"] == "https://clinic.example/help-now/?a=1"

    def test_a_client_can_not_say_of_itself_that_it_came_over_tls(self, settings):
        settings.SECURE_SSL_REDIRECT, settings.TRUSTED_PROXIES = True, []
        assert Client().get("/help-now/", headers={"x-forwarded-proto": "https"}).status_code == 301
        settings.TRUSTED_PROXIES = ["127.0.0.1"]
        assert Client().get("/help-now/", headers={"x-forwarded-proto": "https"}).status_code == 200

    def test_over_tls_the_browser_is_told_to_stay_there(self, settings):
        settings.SECURE_HSTS_SECONDS, settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = 31536000, True
        for path in ("/help-now/", "/static/site.css", "/nothing/"):
            told = Client().get(path, secure=True)["Strict-Transport-Security"]
            assert told.startswith("max-age=31536000; includeSubDomains")


FOREIGN = [
    "//elsewhere.example",
    "https:elsewhere.example",
    "https:/elsewhere.example",
    "https://elsewhere.example/",
    "\\\\elsewhere.example",
    "/\\elsewhere.example",
    "\t//elsewhere.example",
    "/\t/elsewhere.example",
    "\n//elsewhere.example",
    " //elsewhere.example",
    "///elsewhere.example",
    "http://localhost@elsewhere.example/",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "/%09/elsewhere.example",
]


@pytest.mark.django_db
@pytest.mark.parametrize("target", FOREIGN)
def test_nobody_is_led_away_after_signing_in(staff, signed_in, target):
    """Whoever is signed in already is sent on at once, to where `next` says if that is a page of ours."""
    client = signed_in(staff("clinician"))
    for answer in (client.get("/sign-in/", {"next": target}), client.get("/admin/login/", {"next": target})):
        led_to = answer.get("Location", "/")
        assert led_to.startswith("/")
        assert not re.match(r"[/\\]\s*[/\\]", led_to)


def report(body, **headers):
    return Client().post("/browser-report/", json.dumps(body), content_type="application/csp-report", headers=headers)


@pytest.mark.django_db
class TestReports:
    def test_a_report_is_told_by_directive_and_kind_of_page_and_by_nothing_else(self, caplog):
        secret = "/intake/public-id-of-a-patient/7/"
        old = {"document-uri": f"http://testserver{secret}?q=x", "effective-directive": "script-src-elem"}
        new = {
            "documentURL": f"http://testserver{secret}",
            "effectiveDirective": "img-src",
            "sample": "typed by a patient",
        }
        assert (
            report(
                {"csp-report": {**old, "blocked-uri": "https://elsewhere.example/x", "referrer": secret}}
            ).status_code
            == 204
        )
        assert report([{"type": "csp-violation", "body": new, "url": secret}]).status_code == 204
        assert [r.getMessage() for r in caplog.records] == [
            "Policy hurt: script-src-elem on intake:page",
            "Policy hurt: img-src on intake:page",
        ]

    @pytest.mark.parametrize(
        "body",
        [
            b"", b"{", b"null", b"7", b"[]", b"[[[]]]", b'{"csp-report": 7}', b'{"csp-report": {}, "body": []}', b"\xff\xfe",
            b"[" * 15000, b'{"body": {"documentURL": {"a": 1}, "effectiveDirective": ["x"]}}', b'{"body": {"a": "' + b"x" * 20000 + b'"}}',
        ],
    )  # fmt: skip
    def test_what_is_no_report_is_answered_alike_and_not_repeated(self, caplog, body):
        answer = Client().post("/browser-report/", body, content_type="application/reports+json")
        assert (answer.status_code, answer.content) == (204, b"")
        assert {r.getMessage() for r in caplog.records} <= {"Policy hurt: another directive on an unknown page"}

    def test_no_line_of_the_log_can_be_made_up(self, caplog):
        report({"csp-report": {"effective-directive": "x\nCRITICAL all is lost", "document-uri": "http://[bad\n"}})
        assert [r.getMessage() for r in caplog.records] == ["Policy hurt: another directive on an unknown page"]

    def test_one_network_can_not_fill_the_log(self, caplog):
        for _ in range(70):
            report({"csp-report": {"effective-directive": "img-src"}}, **{"x-forwarded-for": "203.0.113.9"})
        assert len(caplog.records) == 60
