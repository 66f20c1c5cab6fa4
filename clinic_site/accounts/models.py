import uuid
from typing import Any, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils import timezone

from clinic_site.accounts.permissions import permissions, role_choices, roles
from clinic_site.clinics.models import Clinic
from clinic_site.records.identifiers import uuid7


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.full_clean(exclude=["password"])
        user.save()
        return user


class User(AbstractBaseUser):
    """A member of staff.

    Patients have no account. What a user may do comes from their memberships alone: there is no superuser.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField("email address", unique=True)
    name = models.CharField(max_length=120, help_text="As it stands under a signature, for example Dr. Ada Example.")
    is_active = models.BooleanField("may sign in", default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    def __str__(self) -> str:
        return self.name

    def granted(self) -> list[tuple[uuid.UUID, str]]:
        """(clinic, role) pairs in force.

        Signing in fills `granted_rows` in the statement that loads the user; otherwise it costs one more.
        """
        rows = getattr(self, "granted_rows", None)
        if rows is None:
            rows = [[str(clinic), role] for clinic, role in self.memberships.values_list("clinic_id", "role")]
            vars(self)["granted_rows"] = rows
        return [(uuid.UUID(clinic), role) for clinic, role in rows]

    def clinics_with(self, permission: str) -> set[uuid.UUID]:
        """The clinics in which this user holds `permission`. Raises KeyError for a permission that does not exist."""
        permissions()[permission]
        if not self.is_active:
            return set()
        known = roles()
        return {clinic for clinic, role in self.granted() if role in known and permission in known[role].may}

    def may(self, permission: str, clinic_id: uuid.UUID | None = None) -> bool:
        """Whether the user holds `permission` in that clinic, or in any when none is named."""
        clinics = self.clinics_with(permission)
        return bool(clinics) if clinic_id is None else clinic_id in clinics

    @property
    def is_staff(self) -> bool:
        """Whether Django admin opens at all."""
        return self.may("admin.access")

    def has_perm(self, perm: str, obj: models.Model | None = None) -> bool:
        """Django admin asks this for what has no ModelAdmin of its own; those decide by `may`."""
        return False

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_staff


class Membership(models.Model):
    """One role of one person in one clinic."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=30, choices=role_choices)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "clinic", "role"], name="accounts_membership_once")]

    def __str__(self) -> str:
        return f"{self.user} as {self.get_role_display()} at {self.clinic}"


class ClinicScoped(models.QuerySet):
    """Rows of clinics. Views start from `for_user`; an architecture test refuses anything else there."""

    def for_user(self, user: User, permission: str) -> Self:
        return self.filter(clinic_id__in=user.clinics_with(permission))


class StaffSession(models.Model):
    """One session: before signing in, half-way, or of a person."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="sessions")
    data = models.TextField(editable=False)
    device = models.CharField(max_length=60, blank=True)
    began_at = models.DateTimeField()
    seen_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.device or 'A session'} since {self.began_at:%H:%M}"


class PasswordRequest(models.Model):
    """Somebody asked for a link to set a new password. The worker finds out whether there is such an account."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField()
    site = models.CharField(max_length=300)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"Asked at {self.created_at:%H:%M}"
