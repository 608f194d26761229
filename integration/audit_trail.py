"""
What goes to the audit trail: changes of configuration, of lookups, of accounts and their rights; logins, lockouts, and
who looked at personal data.

Configuration is what keeps a history, except master data and customers, of which there are millions: their histories
are their evidence. Values of secrets are in no history, and of accounts only what is named here is written down.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from axes.signals import user_locked_out
from django.contrib.auth.models import Group, User
from django.contrib.auth.signals import user_logged_in
from django.db.models import Model
from django.db.models.signals import m2m_changed, post_delete, post_save
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice
from rest_framework.authtoken.models import Token
from simple_history.models import HistoricalRecords
from simple_history.signals import post_create_historical_record

from foundation import audit
from lookups.models import LookupVersion


NOT_CONFIGURATION = frozenset(
    {
        *("vee.servicepoint", "vee.device", "vee.measuringcomponent", "vee.outage", "vee.usagesubscription"),
        *("assets.contact", "assets.devicelocation", "assets.controllabledevice", "assets.programsubscription"),
    }
)
_ACTIONS = {"+": "CREATE", "~": "CHANGE", "-": "DELETE"}
_OF_ACCOUNTS = ("username", "email", "is_active", "is_staff", "is_superuser")


def connect() -> None:
    """Listen to what is to be noted; called once at start."""
    post_create_historical_record.connect(_configuration_changed, dispatch_uid="audit.configuration")
    post_save.connect(_lookup_saved, sender=LookupVersion, dispatch_uid="audit.lookup")
    for model in (User, Group, Token, TOTPDevice):
        post_save.connect(_account_saved, sender=model, dispatch_uid=f"audit.save.{model.__name__}")
        post_delete.connect(_account_deleted, sender=model, dispatch_uid=f"audit.delete.{model.__name__}")
    for through in (User.groups.through, User.user_permissions.through, Group.permissions.through):
        m2m_changed.connect(_rights_changed, sender=through, dispatch_uid=f"audit.rights.{through.__name__}")
    user_logged_in.connect(_logged_in, dispatch_uid="audit.login")
    user_locked_out.connect(_locked_out, dispatch_uid="audit.lockout")


def payloads_shown(*, run_id: Any, by: Any, at: dt.datetime) -> None:
    """Note that somebody looked at the payloads of a run with the personal data in them."""
    audit.note(
        component="integration.payload", record=run_id, name=str(run_id), action="READ", at=at, by=by.get_username()
    )


def _configuration_changed(sender: Any, instance: Any, history_instance: Any, **kwargs: Any) -> None:
    component = instance._meta.label_lower
    if component in NOT_CONFIGURATION:
        return
    user = history_instance.history_user
    audit.note(
        component=component,
        record=instance.pk,
        name=str(instance),
        action=_ACTIONS[history_instance.history_type],
        at=history_instance.history_date,
        by=user.get_username() if user else "",
        reason=history_instance.history_change_reason or "",
        changes=_changes(history_instance),
    )


def _changes(history: Any) -> dict[str, tuple[Any, Any]]:
    """Give what differs from the row of the history before; of a new or a deleted record all of it."""
    names = [field.attname for field in history.tracked_fields]
    new = {name: getattr(history, name) for name in names}
    if history.history_type == "+":
        return {name: (None, value) for name, value in new.items()}
    if history.history_type == "-":
        return {name: (value, None) for name, value in new.items()}
    before = history.prev_record
    old = {name: getattr(before, name, None) for name in names}
    return {name: (old[name], new[name]) for name in names if old[name] != new[name]}


def _lookup_saved(sender: Any, instance: LookupVersion, created: bool, **kwargs: Any) -> None:
    if created:
        audit.note(
            component="lookups.lookup",
            record=instance.lookup_id,
            name=f"{instance.lookup.name} version {instance.number}",
            action="CHANGE",
            at=instance.at,
            by=instance.by_name,
            reason=instance.note,
            changes={"rows": (None, instance.rows), "aliases": (None, instance.aliases)},
        )


def _account_saved(
    sender: type[Model], instance: Any, created: bool, update_fields: Iterable[str] | None = None, **kwargs: Any
) -> None:
    # Each login moves last_login, each code the counters of an app.
    if not created and (sender is TOTPDevice or set(update_fields or ()) == {"last_login"}):
        return
    _note_account(instance, "CREATE" if created else "CHANGE")


def _account_deleted(sender: type[Model], instance: Any, **kwargs: Any) -> None:
    _note_account(instance, "DELETE")


def _note_account(instance: Any, action: str) -> None:
    shown = {name: getattr(instance, name) for name in _OF_ACCOUNTS} if isinstance(instance, User) else {}
    audit.note(
        component=instance._meta.label_lower,
        record="" if isinstance(instance, Token) else instance.pk or "",
        name=_name_of(instance),
        action=action,
        at=timezone.now(),
        by=_who(),
        changes={name: (None, value) for name, value in shown.items()},
    )


def _rights_changed(
    sender: Any, instance: Any, action: str, reverse: bool, model: type[Model], pk_set: set[Any] | None, **kwargs: Any
) -> None:
    if action not in ("post_add", "post_remove", "post_clear") or (not pk_set and action != "post_clear"):
        return
    labels = sorted(str(each) for each in model._default_manager.filter(pk__in=pk_set or ()))
    given = action == "post_add"
    audit.note(
        component=instance._meta.label_lower,
        record=instance.pk,
        name=_name_of(instance),
        action="RIGHTS",
        at=timezone.now(),
        by=_who(),
        changes=dict.fromkeys(labels or ["all"], (None, "given") if given else ("given", None)),
    )


def _logged_in(sender: Any, user: Any, **kwargs: Any) -> None:
    audit.note(
        component=user._meta.label_lower,
        record=user.pk,
        name=user.get_username(),
        action="LOGIN",
        at=timezone.now(),
        by=user.get_username(),
    )


def _locked_out(sender: Any, username: str, ip_address: str | None, **kwargs: Any) -> None:
    audit.note(
        component="auth.user",
        name=username,
        action="LOCKOUT",
        at=timezone.now(),
        reason=f"too many wrong logins from {ip_address}",
    )


def _name_of(instance: Any) -> str:
    # The text of a token is its key.
    return str(instance.user) if isinstance(instance, Token | TOTPDevice) else str(instance)


def _who() -> str:
    request = getattr(HistoricalRecords.context, "request", None)
    user = getattr(request, "user", None)
    return user.get_username() if user is not None and user.is_authenticated else ""
