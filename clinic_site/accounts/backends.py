from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import check_password
from django.http import HttpRequest

from clinic_site.accounts import throttle
from clinic_site.accounts.models import Membership, User
from clinic_site.accounts.passwords import nobodys_hash

_COLUMNS = ", ".join(f"u.{field.column}" for field in User._meta.concrete_fields)
# Written out, because it runs for every request of staff and composing it costs more than the database needs for it.
_WITH_ROLES = f"""
    SELECT {_COLUMNS}, coalesce(array_agg(ARRAY[m.clinic_id::text, m.role]) FILTER (WHERE m.id IS NOT NULL), '{{}}')
        AS granted_rows
    FROM {User._meta.db_table} u LEFT JOIN {Membership._meta.db_table} m ON m.user_id = u.id
    WHERE u.id = %s GROUP BY u.id
"""  # noqa: S608 - names of columns and tables, no input


class StaffBackend(ModelBackend):
    """Email and password.

    The user comes with their roles in one statement, read anew for every request, so that leaving takes effect at
    once.
    """

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:  # type: ignore[override]
        """The person, when the password is right and may be tried. For an unknown address the hasher works as long."""
        email, password = credentials.get("username"), credentials.get("password")
        if not email or not password or not throttle.may_try_password(email):
            return None
        user = User.objects.filter(email=email).first()
        # Django would make a new hash for an unknown address, which takes a little less than looking at one.
        is_right = user.check_password(password) if user is not None else check_password(password, nobodys_hash())
        if user is None or not is_right or not self.user_can_authenticate(user):
            return None
        throttle.forget_password_tries(email)
        return user

    def get_user(self, user_id: Any) -> User | None:
        user = next(iter(User.objects.raw(_WITH_ROLES, [user_id])), None)
        return user if user is not None and self.user_can_authenticate(user) else None
