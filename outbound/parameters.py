"""The parameters that exist: name, type, limits, default, help (`api.md` 1). Plain Python."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal


_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")


class UnableToReadParameter(ValueError):
    """The value does not fit the parameter's declared type or limits."""


class UnknownParameter(LookupError):
    """No parameter of this name is declared."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not a parameter; known are {', '.join(DECLARED)}.")
        self.name = name


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What a parameter is; `whole` ones are counts, the others seconds, which may be decimal."""

    name: str
    default: str
    minimum: Decimal
    maximum: Decimal
    whole: bool
    help: str

    def parse(self, text: object) -> Decimal | int:
        """
        Read a value.

        :raises UnableToReadParameter: when it is no number of this type, or out of its limits.
        """
        written = str(text).strip()
        if isinstance(text, bool) or not _NUMBER.fullmatch(written):
            raise UnableToReadParameter(f"{self.name} takes a number such as {self.default}, not {written[:40]!r}.")
        value = Decimal(written)
        if self.whole and value != value.to_integral_value():
            raise UnableToReadParameter(f"{self.name} takes a whole number, not {written}.")
        if not self.minimum <= value <= self.maximum:
            raise UnableToReadParameter(
                f"{self.name} lies between {self.minimum} and {self.maximum}, {written} does not."
            )
        return int(value) if self.whole else value

    def write(self, text: object) -> str:
        """
        Give a value in its stored form: 30.50 and 30.5 are the same.

        :raises UnableToReadParameter: as `parse` does.
        """
        return f"{Decimal(self.parse(text)).normalize():f}"


def _count(name: str, default: str, minimum: int, maximum: int, text: str) -> Declaration:
    return Declaration(
        name=name, default=default, minimum=Decimal(minimum), maximum=Decimal(maximum), whole=True, help=text
    )


def _seconds(name: str, default: str, maximum: int, text: str) -> Declaration:
    return Declaration(name=name, default=default, minimum=Decimal(0), maximum=Decimal(maximum), whole=False, help=text)


DECLARED: dict[str, Declaration] = {
    declaration.name: declaration
    for declaration in (
        _count("MAX_RETRIES", "3", 0, 100, "Retries after the first try of a remote fault; then the error list."),
        _seconds("RETRY_BASE_SECONDS", "30", 86_400, "Upper bound of the wait before the first retry; it doubles."),
        _seconds("RETRY_CAP_SECONDS", "900", 86_400, "Upper bound of the wait before any retry."),
        _count("BREAKER_FAILURES", "5", 1, 1_000, "Failures in a row that open a connection's circuit breaker."),
        _seconds(
            "BREAKER_RESET_SECONDS", "30", 86_400, "How long an open breaker waits before it lets one call probe."
        ),
        _count(
            "ERROR_ESCALATE_AFTER",
            "100",
            0,
            1_000_000,
            "Faults of an incident after which it is told urgently; 0: never.",
        ),
        _count("MAIL_RETENTION_DAYS", "90", 1, 36_500, "How many days sent mails are kept."),
        _count("INCIDENT_RETENTION_DAYS", "365", 1, 36_500, "How many days closed incidents are kept."),
        _count("IDEMPOTENCY_RETENTION_DAYS", "30", 1, 36_500, "How many days answers to an Idempotency-Key are kept."),
        _seconds(
            "FILE_SETTLE_SECONDS", "10", 3_600, "How long the size of a file must stand still before it is fetched."
        ),
        _seconds("ERROR_DIGEST_SECONDS", "900", 86_400, "Window of the error digest; 0 mails each incident at once."),
    )
}


def declaration(name: str) -> Declaration:
    """
    Give the declaration of a parameter.

    :raises UnknownParameter: when there is none of this name.
    """
    try:
        return DECLARED[name]
    except KeyError:
        raise UnknownParameter(name) from None
