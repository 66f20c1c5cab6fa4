"""What the database itself refuses about roles, whoever asks: the forms, the shell, or a mistake in the program.

The roles that manage people and those that see patients are read from `roles.yaml`; when that file moves a role from
one side to the other, `makemigrations` writes the triggers anew.
"""

import pgtrigger

from clinic_site.accounts.permissions import roles


def managing_roles() -> list[str]:
    return sorted(code for code, role in roles().items() if "admin.manage" in role.may)


def clinical_roles() -> list[str]:
    return sorted(code for code, role in roles().items() if "case.list" in role.may)


def _sql(codes: list[str]) -> str:
    return "(" + ", ".join(f"'{code}'" for code in codes) + ")"


_REFUSED = "RAISE EXCEPTION '{}' USING ERRCODE = 'check_violation';"


def membership_triggers() -> list[pgtrigger.Trigger]:
    managing, clinical = _sql(managing_roles()), _sql(clinical_roles())
    return [
        # Refused for every row, so that the program's own role is not even granted the right (database/privileges.py).
        pgtrigger.Protect(
            name="no_update", operation=pgtrigger.Update, condition=pgtrigger.Condition("((true) AND (true))")
        ),
        pgtrigger.Trigger(
            name="a_role_apart",
            when=pgtrigger.Before,
            operation=pgtrigger.Insert,
            # The person is locked first, so that of two grants that race the second sees the first.
            func=f"""
                PERFORM 1 FROM accounts_user WHERE id = NEW.user_id FOR NO KEY UPDATE;
                IF EXISTS (
                    SELECT FROM accounts_membership held WHERE held.user_id = NEW.user_id
                    AND ((NEW.role IN {managing} AND held.role IN {clinical})
                      OR (NEW.role IN {clinical} AND held.role IN {managing}))
                ) THEN
                    {_REFUSED.format("Nobody manages people and sees patients at once.")}
                END IF;
                RETURN NEW;
            """,
        ),
        pgtrigger.Trigger(
            name="b_granted_by_two",
            when=pgtrigger.Before,
            operation=pgtrigger.Insert,
            func=f"""
                IF NEW.origin = 'request' THEN
                    UPDATE accounts_accesschange SET effected_at = now()
                    WHERE id = NEW.granted_by_id AND kind = 'role' AND outcome = 'approved' AND effected_at IS NULL
                    AND person_id = NEW.user_id AND clinic_id = NEW.clinic_id AND role = NEW.role;
                    IF NOT FOUND THEN
                        {_REFUSED.format("No approved request asks for this role.")}
                    END IF;
                END IF;
                IF NEW.origin = 'founder' AND (NEW.role NOT IN {managing} OR EXISTS (
                    SELECT FROM accounts_membership WHERE clinic_id = NEW.clinic_id
                )) THEN
                    {_REFUSED.format("Only the first administrator of a new clinic needs nobody else.")}
                END IF;
                RETURN NEW;
            """,  # noqa: S608 - role codes of our own file
        ),
    ]


def change_triggers() -> list[pgtrigger.Trigger]:
    """A request is decided once and takes effect once; what it asks for never changes."""
    asked = ("id", "kind", "person_id", "clinic_id", "role", "words", "new_email", "asked_by_id", "asked_at")
    before, after = (", ".join(f"{row}.{name}" for name in asked) for row in ("OLD", "NEW"))
    decided_before, decided_after = (
        f"({row}.outcome, {row}.decided_by_id, {row}.decided_at)" for row in ("OLD", "NEW")
    )
    allowed = f"""
        ({before}) IS NOT DISTINCT FROM ({after}) AND (
            (OLD.outcome = '' AND NEW.effected_at IS NULL)
            OR (OLD.outcome = 'approved' AND OLD.effected_at IS NULL
                AND {decided_before} IS NOT DISTINCT FROM {decided_after})
        )
    """
    return [
        pgtrigger.Protect(
            name="no_update", operation=pgtrigger.Update, condition=pgtrigger.Condition(f"(NOT ({allowed}))")
        ),
        pgtrigger.Protect(name="no_delete", operation=pgtrigger.Delete, condition=pgtrigger.Condition("(true)")),
        pgtrigger.Trigger(
            name="by_administrators",
            when=pgtrigger.Before,
            operation=pgtrigger.Insert | pgtrigger.Update,
            declare=[("actor", "uuid")],
            func=f"""
                IF TG_OP = 'INSERT' THEN
                    IF NEW.outcome <> '' THEN
                        {_REFUSED.format("A request is not decided when it is made.")}
                    END IF;
                    actor := NEW.asked_by_id;
                ELSIF NEW.outcome IS NOT DISTINCT FROM OLD.outcome THEN
                    RETURN NEW;
                ELSE
                    actor := NEW.decided_by_id;
                END IF;
                IF NOT EXISTS (
                    SELECT FROM accounts_membership held JOIN accounts_user who ON who.id = held.user_id
                    WHERE held.user_id = actor AND held.clinic_id = NEW.clinic_id AND who.is_active
                    AND held.role IN {_sql(managing_roles())}
                ) THEN
                    {_REFUSED.format("Only an administrator of the clinic asks and decides.")}
                END IF;
                RETURN NEW;
            """,
        ),
    ]
