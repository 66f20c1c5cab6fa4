from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from clinic_site.accounts.models import User
from clinic_site.audit.services import audit_event, record
from clinic_site.publishing.documents import content_hash
from clinic_site.publishing.models import DocumentVersion, Status

V = TypeVar("V", bound=DocumentVersion)


@transaction.atomic
def publish_version(
    model: type[V], *, document_id: str, label: str, source: dict[str, str], tree: Any, user: User | None = None
) -> tuple[V, bool]:
    """Publishes checked content and retires what was published before.

    (version, False) when exactly this content already is.
    """
    versions = model._default_manager.select_for_update().filter(document_id=document_id)
    current = versions.filter(status=Status.PUBLISHED).first()
    if current is not None and current.sha256 == content_hash(tree):
        return current, False
    if current is not None:
        current.status = Status.RETIRED
        current.save(update_fields=["status"])
    earlier = versions.filter(sha256=content_hash(tree)).first()
    version = earlier or model(document_id=document_id, label=label)
    if earlier is None:
        version.fill(source, tree)
        version.number = (versions.aggregate(last=Max("number"))["last"] or 0) + 1
        version.published_at, version.published_by = timezone.now(), user
    version.status = Status.PUBLISHED
    version.save()
    record([audit_event("content.published", clinic_id=None, entity=version, user=user, sha256=version.sha256)])
    return version, True
