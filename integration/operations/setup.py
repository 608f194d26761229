"""What an installation needs before its first message: roles, shipped defaults, schedules, an account."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.db import transaction

import assets.operations.defaults
import lookups.operations
import outbound.operations.configuration
import vee.operations.configuration
from integration import roles
from integration.choices import DocumentSource
from integration.environment import VAR_DIR
from integration.operations import configuration
from integration.operations.flows import install_flows
from integration.operations.sandbox_keys import known_host_key, signing_key_file
from integration.operations.schedules import install_schedules
from outbound.models import Connection


DEFAULT_USERNAME = "admin"
OWN_USERNAME = "tieline"
_LOOPBACK = "127.0.0.1"


class UnknownPermission(Exception):
    """A shipped role names a permission that no app defines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The superuser that was created; `generated_password` is empty when the password was given."""

    username: str
    generated_password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupReport:
    """What `setup` did; `account` is None when there was a superuser already."""

    account: Account | None
    schedules: list[str]
    connections: list[str]
    configuration: list[Any]


def setup(
    *,
    at: datetime,
    username: str = "",
    password: str = "",
    email: str = "",
    config: Path | None = None,
    sandbox_ports: dict[str, int] | None = None,
) -> SetupReport:
    """
    Bring an installation to its shipped state; run as often as wanted, what a site has set stays.

    `config` is the document of TIELINE_CONFIG. With `sandbox_ports` (of dacs, derms, mail, and of drop and objects
    where they run) connections to the simulated peers are made where none of that name exists.

    :raises UnknownPermission: when a shipped role names a right that no app defines.
    :raises UnableToApplyConfiguration: when the document is refused; nothing of it is applied then.
    """
    install_roles()
    ensure_own_account()
    install_flows(at=at)
    lookups.operations.install_defaults(at=at)
    outbound.operations.configuration.install_defaults(at=at)
    vee.operations.configuration.install_defaults(at=at)
    assets.operations.defaults.install_defaults(at=at)
    schedules = install_schedules()
    account = ensure_superuser(username=username, password=password, email=email)
    applied = (
        configuration.apply_file(path=config, by=None, at=at, source=DocumentSource.START) if config is not None else []
    )
    connections = connect_sandbox(ports=sandbox_ports, at=at) if sandbox_ports is not None else []
    return SetupReport(account=account, schedules=schedules, connections=connections, configuration=applied)


def install_roles() -> None:
    """
    Make the shipped roles as groups and give them at least their rights.

    :raises UnknownPermission: naming the rights that no app defines; nothing is changed then.
    """
    known = {
        f"{permission.content_type.app_label}.{permission.codename}": permission
        for permission in Permission.objects.select_related("content_type")
    }
    unknown = sorted({right for rights in roles.SHIPPED.values() for right in rights} - known.keys())
    if unknown:
        raise UnknownPermission(f"The shipped roles name rights that no app defines: {', '.join(unknown)}.")
    with transaction.atomic():
        for name, rights in roles.SHIPPED.items():
            group, _ = Group.objects.get_or_create(name=name)
            group.permissions.add(*(known[right] for right in rights))


def ensure_superuser(*, username: str, password: str, email: str) -> Account | None:
    """
    Create the first superuser: as named, or with a generated password when none is given.

    Nothing happens when the account exists (its password is a person's by now), or when no password is given
    and there is a superuser already.
    """
    users = get_user_model().objects
    name = username or DEFAULT_USERNAME
    with transaction.atomic():
        if users.filter(username=name).exists() or (not password and users.filter(is_superuser=True).exists()):
            return None
        generated = "" if password else secrets.token_urlsafe(15)
        users.create_superuser(username=name, email=email, password=password or generated)
    return Account(username=name, generated_password=generated)


def ensure_own_account() -> None:
    """
    Make the account under which connections to Tieline itself call (`outbound.transports.in_process`).

    It has the role Peer system and no password: nobody can log in with it.
    """
    users = get_user_model().objects
    with transaction.atomic():
        account, created = users.get_or_create(username=OWN_USERNAME)
        if created:
            account.set_unusable_password()
            account.save()
            account.groups.add(Group.objects.get(name=roles.PEER_SYSTEM))


def connect_sandbox(*, ports: dict[str, int], at: datetime) -> list[str]:
    """Make the connections to the simulated peers that do not exist yet, give their names."""
    wanted: dict[str, dict[str, Any]] = {
        "DACS": {"transport": "rest", "base_url": f"http://{_LOOPBACK}:{ports['dacs']}", "read_timeout": 5},
        "DERMS": {"transport": "rest", "base_url": f"http://{_LOOPBACK}:{ports['derms']}/nms-drms/rest/v1"},
        "MAIL": {"transport": "email", "host": _LOOPBACK, "port": ports["mail"]},
    }
    keys = VAR_DIR / "sandbox"
    if "drop" in ports:
        wanted["DACS_SFTP"] = {
            "transport": "sftp",
            "host": _LOOPBACK,
            "port": ports["drop"],
            "directory": "/drop",
            "username": "dacs",
            "password_env": "SANDBOX_PASSWORD",
            "known_host_key": known_host_key(keys),
        }
    if "objects" in ports:
        wanted["DACS_OS"] = {
            "transport": "object_storage",
            "base_url": f"http://{_LOOPBACK}:{ports['objects']}",
            "namespace": "sandbox",
            "directory": "DACS_DERMS_DEVICE_SCORE",
            "key_id": "tenancy/user/fingerprint",
            "private_key_file": str(signing_key_file(keys)),
        }
    existing = set(Connection.objects.filter(name__in=wanted).values_list("name", flat=True))
    missing = {name: values for name, values in wanted.items() if name not in existing}
    if missing:
        # The peers take any credentials from this machine; only the connection asks for some.
        environ = {"SANDBOX_PASSWORD": "sandbox"}
        outbound.operations.configuration.apply_connections(section=missing, by=None, at=at, environ=environ)
    return sorted(missing)
