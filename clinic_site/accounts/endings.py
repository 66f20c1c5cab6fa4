from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.utils import timezone

from clinic_site.accounts.models import User


def end_sessions(person: User) -> int:
    """Ends every session of the person. Returns how many."""
    alive = Session.objects.filter(expire_date__gt=timezone.now())
    theirs = [row.pk for row in alive if row.get_decoded().get(SESSION_KEY) == str(person.pk)]
    return Session.objects.filter(pk__in=theirs).delete()[0]


def remove_factors(person: User) -> int:
    """Removes every second factor. Returns how many."""
    return 0
