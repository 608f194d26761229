"""What people look for in the audit trail, which grows for years: found by indexes, however long it is."""

from __future__ import annotations

from django.db.models import Q

from foundation.models import AuditEntry
from foundation.searching import found_by


LATEST = 5_000
"""Among so many of the latest entries a part of a text is enough; reading them takes some milliseconds."""

_TEXTS = ("by", "name", "reason")


def audit_entries(text: str) -> Q:
    """
    Give the condition for entries of whose account, record or reason a text is the start, whatever the case; one query.

    Of the latest entries, it may be any part of them.
    """
    wanted = text.strip()
    rows = AuditEntry.objects.all()
    parts = Q()
    for field in _TEXTS:
        parts |= Q(**{f"{field}__icontains": wanted})
    # As a number: what is asked in the same statement the database may ask last, of all rows that hold the text.
    before = rows.order_by("-pk").values_list("pk", flat=True)[LATEST : LATEST + 1].first() or 0
    latest = rows.filter(pk__gt=before).filter(parts)
    return found_by(latest, *(rows.filter(**{f"{field}__istartswith": wanted}) for field in _TEXTS))
