"""The options that a connection may carry, per transport: the declared set that `options` is checked against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from outbound.choices import Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One switch; `kind` is bool or str, `choices` limits a text."""

    name: str
    kind: type[bool | str]
    default: bool | str
    transports: frozenset[Transport]
    help: str
    label: str
    choices: tuple[str, ...] = ()


_REST = frozenset({Transport.REST})
_EMAIL = frozenset({Transport.EMAIL})
DECLARED: dict[str, Option] = {
    option.name: option
    for option in (
        Option(
            name="health_path",
            label="Health path",
            kind=str,
            default="",
            transports=_REST,
            help="Path that the connection test asks with GET; empty: the base address itself.",
        ),
        Option(
            name="enroll_path",
            label="Enroll path",
            kind=str,
            default="",
            transports=_REST,
            help="Path of program enrollments below the base address; empty: the path of the 23A service.",
        ),
        Option(
            name="participation_path",
            label="Participation path",
            kind=str,
            default="",
            transports=_REST,
            help="Path of event participation below the base address; empty: the path of the 23A service.",
        ),
        Option(
            name="device_score_path",
            label="Device score path",
            kind=str,
            default="",
            transports=_REST,
            help="Path of device score files below the base address; empty: /device-score.",
        ),
        Option(
            name="refuse_invalid_scores",
            label="Refuse invalid score files",
            kind=bool,
            default=False,
            transports=_REST,
            help="Do not send a score file that breaks the format; otherwise it goes as it is, with a warning.",
        ),
        Option(
            name="send_enrollment_source",
            label="Send enrollment source",
            kind=bool,
            default=False,
            transports=_REST,
            help="Send the enrollment source with each enrollment (targets of release 24C and later).",
        ),
        Option(
            name="derms_sends_enroll_ack",
            label="DERMS sends the enroll ack",
            kind=bool,
            default=False,
            transports=_REST,
            help="DERMS calls sendEnrollAck by itself (releases 24B and later): its answer to a sync queues none.",
        ),
        Option(
            name="starttls",
            label="STARTTLS",
            kind=str,
            default="when_offered",
            choices=("required", "when_offered", "never"),
            transports=_EMAIL,
            help="Encrypt with STARTTLS. Credentials go over an unencrypted line only with 'never'.",
        ),
        Option(
            name="implicit_tls",
            label="Implicit TLS",
            kind=bool,
            default=False,
            transports=_EMAIL,
            help="TLS from the first byte (usually port 465).",
        ),
    )
}


def misfits(transport: str, options: Any) -> list[tuple[str, str]]:
    """Give (option, what is wrong) for everything that does not fit the declared set; empty when all is well."""
    if not isinstance(options, Mapping):
        return [("", "The options are an object of names and values.")]
    found: list[tuple[str, str]] = []
    for name, value in options.items():
        option = DECLARED.get(name)
        if option is None:
            known = ", ".join(known for known, each in DECLARED.items() if transport in each.transports) or "none"
            found.append((str(name), f"{name} is not a known option; known for {transport}: {known}."))
        elif transport not in option.transports:
            found.append((name, f"{name} is not an option of {transport} connections."))
        elif not isinstance(value, option.kind):
            kind = "true or false" if option.kind is bool else "a text"
            found.append((name, f"{name} takes {kind}."))
        elif option.choices and value not in option.choices:
            found.append((name, f"{name} is one of {', '.join(option.choices)}."))
    return found


def value(options: Mapping[str, Any], name: str) -> Any:
    """Give an option's value, its declared default when it is not set."""
    return options.get(name, DECLARED[name].default)
