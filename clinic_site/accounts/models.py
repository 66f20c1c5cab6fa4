import uuid
from typing import Any, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from clinic_site.accounts.permissions import permissions, role_choices, roles
from clinic_site.accounts.separation import change_triggers, membership_triggers
from clinic_site.clinics.models import Clinic
from clinic_site.records.identifiers import uuid7
from clinic_site.records.rows import clinic_key


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

    class Meta:
        verbose_name = "person"
        verbose_name_plural = "people"

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


class AccessChange(models.Model):
    """A request that takes effect when a second administrator of the clinic agrees.

    Either one role for one person, or a new start of somebody's sign-in: a link to choose a new password and set up a
    second factor. Whom it is about neither asks nor decides; the database holds to that as well.
    """

    class Kind(models.TextChoices):
        ROLE = "role", "A role"
        SIGN_IN = "sign-in", "A new start of sign-in"

    class Outcome(models.TextChoices):
        OPEN = "", "Waits for a second administrator"
        APPROVED = "approved", "Approved"
        DECLINED = "declined", "Declined"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=10, choices=Kind)
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="access_changes")
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    role = models.CharField(max_length=30, choices=role_choices, blank=True)
    words = models.CharField("why, and how identity was checked", max_length=500, blank=True)
    new_email = models.EmailField("new email address", blank=True)
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True)
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    effected_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "request about access"
        verbose_name_plural = "requests about access"
        constraints = [
            clinic_key("accounts_accesschange"),
            models.CheckConstraint(condition=~Q(asked_by=F("person")), name="accounts_change_not_asked_for_oneself"),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=F("person")), name="accounts_change_not_decided_by_oneself"
            ),
            models.CheckConstraint(
                condition=~Q(outcome="approved") | ~Q(decided_by=F("asked_by")),
                name="accounts_change_approved_by_second",
            ),
            models.CheckConstraint(
                condition=Q(outcome="", decided_by=None, decided_at=None, effected_at=None)
                | (Q(outcome__in=["approved", "declined"], decided_by__isnull=False, decided_at__isnull=False)),
                name="accounts_change_decided_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(effected_at=None) | Q(outcome="approved"), name="accounts_change_effected_once_approved"
            ),
            models.CheckConstraint(
                condition=(Q(kind="role", new_email="") & ~Q(role="")) | (Q(kind="sign-in", role="") & ~Q(words="")),
                name="accounts_change_of_its_kind",
            ),
            models.UniqueConstraint(
                fields=["person", "clinic", "kind", "role"], condition=Q(outcome=""), name="accounts_change_asked_once"
            ),
        ]
        triggers = change_triggers()

    def __str__(self) -> str:
        what = self.get_role_display() if self.kind == self.Kind.ROLE else self.get_kind_display()
        return f"{what} for {self.person}"

    @property
    def is_open(self) -> bool:
        return self.outcome == self.Outcome.OPEN


class Membership(models.Model):
    """One role of one person in one clinic. Granted and taken away, never turned into another."""

    class Origin(models.TextChoices):
        REQUEST = "request", "asked for and approved by two administrators"
        SHELL = "shell", "from the shell of the server"
        FOUNDER = "founder", "added the clinic"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=30, choices=role_choices)
    origin = models.CharField(max_length=10, choices=Origin)
    granted_by = models.OneToOneField(AccessChange, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "clinic", "role"], name="accounts_membership_once"),
            models.CheckConstraint(
                condition=Q(origin="request", granted_by__isnull=False)
                | Q(origin__in=["shell", "founder"], granted_by=None),
                name="accounts_membership_has_an_origin",
            ),
        ]
        triggers = membership_triggers()

    def __str__(self) -> str:
        return f"{self.user} as {self.get_role_display()} at {self.clinic}"


class Invitation(models.Model):
    """A mailed link with which one person chooses a password, once. Only the token's digest is kept."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="invitations")
    digest = models.BinaryField(max_length=32, unique=True)
    sent_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person"], condition=Q(used_at=None, withdrawn_at=None), name="accounts_invitation_one_open"
            ),
            models.CheckConstraint(
                condition=Q(used_at=None) | Q(withdrawn_at=None), name="accounts_invitation_used_or_withdrawn"
            ),
        ]

    def __str__(self) -> str:
        return f"Invitation of {self.person}"


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
