"""Sessions of staff: rows that say whose they are, since when, and when they were last used.

Both ends are enforced where a session is read, so for every path: fifteen minutes without a page being opened, twelve
hours in all. The cookie's value is not in the database, only its digest.
"""

import uuid
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone

from clinic_site.accounts.models import StaffSession, User

IDLE = timedelta(minutes=15)
LONGEST = timedelta(hours=12)
MOST_AT_ONCE = 3
# A mark for every page would be a write for every read. A session may so end up to this much early, never late.
_MARK_EVERY = timedelta(seconds=30)


def digest_of(session_key: str) -> str:
    return sha256(session_key.encode()).hexdigest()


class SessionStore(SessionBase):
    """Django's session, kept in `StaffSession`."""

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        self.row: StaffSession | None = None

    @classmethod
    def get_model_class(cls) -> type[StaffSession]:
        return StaffSession

    def load(self) -> dict[str, Any]:
        now = timezone.now()
        self.row = StaffSession.objects.filter(
            digest=digest_of(self.session_key or ""), ends_at__gt=now, seen_at__gt=now - IDLE
        ).first()
        if self.row is None:
            self._session_key = None
            return {}
        return self.decode(self.row.data)

    def exists(self, session_key: str) -> bool:
        return StaffSession.objects.filter(digest=digest_of(session_key)).exists()

    def create(self) -> None:
        while True:
            self._session_key = self._get_new_session_key()  # type: ignore[attr-defined]
            try:
                self.save(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return

    def save(self, must_create: bool = False) -> None:
        if self.session_key is None:
            self.create()
            return
        data = self._get_session(no_load=must_create)  # type: ignore[attr-defined]
        began_at = self._began_at(data)
        values = {
            "data": self.encode(data),
            "user_id": data.get(SESSION_KEY),
            "device": data.get("device", ""),
            "began_at": began_at,
            "ends_at": began_at + LONGEST,
        }
        digest = digest_of(self.session_key)
        if not must_create:
            if not StaffSession.objects.filter(digest=digest).update(**values):
                raise UpdateError
            return
        try:
            with transaction.atomic():
                self.row = StaffSession.objects.create(digest=digest, seen_at=timezone.now(), **values)
        except IntegrityError as error:
            raise CreateError from error

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key:
            StaffSession.objects.filter(digest=digest_of(key)).delete()

    @classmethod
    def clear_expired(cls) -> None:
        now = timezone.now()
        StaffSession.objects.filter(ends_at__lte=now).delete()
        StaffSession.objects.filter(seen_at__lte=now - IDLE).delete()

    def _began_at(self, data: dict[str, Any]) -> datetime:
        """Twelve hours count from signing in, whatever the session was renamed to since."""
        if "signed_in_at" in data:
            return datetime.fromtimestamp(data["signed_in_at"], UTC)
        return self.row.began_at if self.row else timezone.now()


def clear_ended() -> int:
    """For the worker: removes what has ended. 0, because there is no more to do at once."""
    SessionStore.clear_expired()
    return 0


def mark_activity(request: HttpRequest) -> None:
    """A person opened a page or sent a form. What a script asks for by itself does not count."""
    row: StaffSession | None = getattr(request.session, "row", None)
    if row is None or request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate":
        return
    now = timezone.now()
    if now - row.seen_at >= _MARK_EVERY:
        StaffSession.objects.filter(pk=row.pk).update(seen_at=now)


def end_sessions(user: User, *, but: SessionBase | None = None) -> int:
    """Ends all of a person's sessions, or all but this one. Returns how many."""
    rows = StaffSession.objects.filter(user=user)
    if but is not None and but.session_key:
        rows = rows.exclude(digest=digest_of(but.session_key))
    return rows.delete()[0]


def end_session(user: User, session_id: uuid.UUID) -> bool:
    return bool(StaffSession.objects.filter(user=user, pk=session_id).delete()[0])


def keep_newest(user: User) -> int:
    """Ends the oldest beyond three. The person is locked by the caller. Returns how many ended."""
    newest = StaffSession.objects.filter(user=user).order_by("-began_at", "-pk").values_list("pk", flat=True)
    return StaffSession.objects.filter(pk__in=list(newest[MOST_AT_ONCE:])).delete()[0]


def device_of(request: HttpRequest) -> str:
    """The browser in words that its owner knows again, such as "Firefox on Windows"."""
    agent = request.headers.get("User-Agent", "")
    browsers = {"Edg": "Edge", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
    systems = ("Windows", "Android", "iPhone", "iPad", "Macintosh", "Linux")
    browser = next((name for mark, name in browsers.items() if mark in agent), "A browser")
    system = next((name for name in systems if name in agent), "")
    return f"{browser} on {system}" if system else browser
