"""The demo's own API account: it has what a head end and a DERMS need, no password, and a token for one run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import transaction
from rest_framework.authtoken.models import Token

from integration import roles


USERNAME = "demo"


@contextlib.contextmanager
def demo_token() -> Iterator[str]:
    """Give a token of the demo account that is valid while the block runs."""
    with transaction.atomic():
        user, created = get_user_model().objects.get_or_create(username=USERNAME)
        if created:
            user.set_unusable_password()
            user.save(update_fields=["password"])
        names = (roles.PEER_SYSTEM, roles.INTEGRATION_ADMINISTRATOR, roles.VEE_SUPERVISOR)
        user.groups.set(Group.objects.filter(name__in=names))
        Token.objects.filter(user=user).delete()
        token = Token.objects.create(user=user)
    try:
        yield token.key
    finally:
        token.delete()
