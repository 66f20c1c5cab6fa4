from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import CharField, Func, Q
from django.db.models.functions import Cast

from clinic_site.accounts.models import User


class StaffBackend(ModelBackend):
    """Email and password.

    The user comes with their roles in one statement, read anew for every request, so that leaving takes effect at
    once.
    """

    def get_user(self, user_id: Any) -> User | None:
        pair = Func(
            Cast("memberships__clinic_id", CharField()), "memberships__role", template="ARRAY[%(expressions)s]::text[]"
        )
        users = User.objects.annotate(granted_rows=ArrayAgg(pair, filter=Q(memberships__isnull=False), default=[]))
        user = users.filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None
