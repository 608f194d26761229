"""
The second factor of people in the admin: codes of an authenticator app, and codes on paper for when it is lost.

Devices, the check of codes and the waiting time after wrong ones are django-otp's; here is when they are asked for.
"""

from __future__ import annotations

import base64
import io
import secrets
from typing import Any

import qrcode
from django.conf import settings
from django.db import transaction
from django_otp import login as mark_verified
from django_otp import verify_token
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from qrcode.image.svg import SvgPathImage


PAPER_CODES = 8
_PAPER_CODE_LENGTH = 12
_APP_CODE_LENGTH = 6


def is_missing(request: Any) -> bool:
    """Whether the session of this request has given a password only, where a second factor is asked for."""
    user = request.user
    return bool(settings.SECOND_FACTOR_REQUIRED and user.is_authenticated and not user.is_verified())


def has_app(user: Any) -> bool:
    """Whether the account has an authenticator app that gave a right code once."""
    return TOTPDevice.objects.filter(user=user, confirmed=True).exists()


def app_to_set_up(user: Any) -> TOTPDevice:
    """Give the app that the account is about to set up; its key stays the same until a code of it was right."""
    device, _ = TOTPDevice.objects.get_or_create(user=user, confirmed=False, defaults={"name": "Authenticator app"})
    return device


def picture_of(device: TOTPDevice) -> str:
    """Give the address of the picture that an authenticator app reads, as a `data:` address."""
    out = io.BytesIO()
    qrcode.make(device.config_url, image_factory=SvgPathImage).save(out)
    return f"data:image/svg+xml;base64,{base64.b64encode(out.getvalue()).decode()}"


def key_of(device: TOTPDevice) -> str:
    """Give the key in groups of four, as a person types it."""
    key = base64.b32encode(device.bin_key).decode().rstrip("=")
    return " ".join(key[start : start + 4] for start in range(0, len(key), 4))


def set_up(request: Any, code: str) -> list[str] | None:
    """
    Take an app into use with its first code: give the codes on paper, or None when the code is wrong.

    The session counts as verified then, under a new key.
    """
    device = app_to_set_up(request.user)
    with transaction.atomic():
        if verify_token(request.user, device.persistent_id, _plain(code)) is None:
            return None
        TOTPDevice.objects.filter(pk=device.pk).update(confirmed=True)
        StaticDevice.objects.filter(user=request.user).delete()
        paper = StaticDevice.objects.create(user=request.user, name="Codes on paper")
        codes = [secrets.token_hex(_PAPER_CODE_LENGTH // 2) for _ in range(PAPER_CODES)]
        for each in codes:
            paper.token_set.create(token=each)
    _verified(request, device)
    return codes


def verify(request: Any, code: str) -> bool:
    """Check a code of the app, or one on paper, which is used up; the session counts as verified then."""
    plain = _plain(code)
    kind = TOTPDevice if len(plain) == _APP_CODE_LENGTH else StaticDevice
    for device in kind.objects.filter(user=request.user, confirmed=True).order_by("pk"):
        if verify_token(request.user, device.persistent_id, plain) is not None:
            _verified(request, device)
            return True
    return False


def _verified(request: Any, device: Any) -> None:
    # As at login: who knew the session's key before does not get what is verified from now on.
    request.session.cycle_key()
    mark_verified(request, device)


def _plain(code: str) -> str:
    return "".join(code.split()).lower()
