"""Configurations: documents as hypothesis draws them over every section, and installations that are fresh."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.db import transaction
from hypothesis import strategies as st

from integration.operations import configuration
from tests.factories import certificates


AT = dt.datetime(2026, 3, 2, 10, tzinfo=dt.UTC)
RIGHTS = ("lookups.view_lookup", "vee.view_todo", "integration.view_flow", "outbound.change_connection")
RULES: tuple[dict[str, Any], ...] = (
    {"rule": "uom_check", "severity": "TERMINATE"},
    {"rule": "interval_spike_check", "parameters": {"tolerance": 1.8, "mode": "PER_24H"}},
    {"rule": "interval_spike_check", "parameters": {"tolerance": Decimal("123456789012345.123456789012")}},
    {"rule": "interval_interpolation_estimation", "severity": "INFO", "parameters": {"max_hours": 2}},
    {"rule": "exception_handler", "exception_type": "HELD", "parameters": {"exception_types": ["SPIKE"]}},
)
ELIGIBILITY = (
    [],
    [{"source": "characteristic.rate", "comparison": "=", "value": "R1", "if_true": "APPLY_RULE",
      "if_false": "SKIP_RULE", "if_insufficient": "SKIP_RULE"}],
)  # fmt: skip
FLOWS = ("enrollment_request", "device_score", "event_outcome")
SCHEDULED = ("device_score", "ouai_enrollment_ack")

codes = st.from_regex(r"[A-Z][A-Z0-9-]{0,8}", fullmatch=True)
names = st.from_regex(r"[A-Za-z][A-Za-z0-9_.-]{0,12}", fullmatch=True)
# What YAML could take for something else, and what people paste.
_DIFFICULT = st.sampled_from(
    ["", "yes", "null", "~", "012", "1e5", "12:30:00", "2024-01-01", "# no comment", "a: b", "- x", "'", '"', "*a",
     "&a", "two\nlines", "two\r\nlines", "\n", " x ", "tab\there", "ü → 😀", "\u2028", "\x85  ", "{a: 1}", "!tag", "%",
     "@", "<<", "="]
)  # fmt: skip
_PRINTED = st.text(st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)
texts = st.one_of(_DIFFICULT, _PRINTED)
decimals = st.decimals(min_value="0.1", max_value=60, places=2)
dates = st.dates(min_value=dt.date(2000, 1, 1), max_value=dt.date(2040, 12, 31))


@functools.cache
def authorities() -> tuple[str, ...]:
    """Give two authorities as PEM; they are made once."""
    return tuple(certificates.pem(certificates.authority()).decode() for _ in range(2))


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a document that an empty installation takes: every section, each with a few records that refer to others."""
    roles = draw(_mapping(names, st.fixed_dictionaries({"rights": st.lists(st.sampled_from(RIGHTS), unique=True)})))
    trusts = draw(_mapping(names, st.builds(lambda chain: {"chain": chain}, st.sampled_from(authorities()))))
    connections = draw(_mapping(names, _connection(tuple(trusts))))
    senders = draw(_mapping(names, _sender(tuple(connections))))
    todo_types = draw(_mapping(codes, st.fixed_dictionaries({"description": texts, "role": _one_of(roles)})))
    exception_types = draw(_mapping(codes, _exception_type(tuple(todo_types), tuple(roles))))
    groups = draw(st.lists(codes, max_size=3, unique=True))
    reference = {"connection": _one_of(connections), "sender": _one_of(senders)}
    return {
        "roles": roles,
        "certificates": trusts,
        "connections": connections,
        "parameters": draw(_parameters()),
        "message_senders": senders,
        "external_systems": draw(_mapping(names, _system(reference))),
        "outbound_message_types": draw(_mapping(names, _message_type(reference["sender"]))),
        "lookups": draw(_lookups()),
        "flows": draw(st.dictionaries(st.sampled_from(FLOWS), _flow(), max_size=3)),
        "flow_schedules": draw(st.dictionaries(st.sampled_from(SCHEDULED), _schedule(), max_size=2)),
        "background_tasks": draw(_mapping(names, _task())),
        "todo_types": todo_types,
        "exception_types": exception_types,
        "retry_policies": draw(st.dictionaries(st.sampled_from(["INITIAL_LOAD", "ESTIMATION"]), _policy(), max_size=2)),
        "holidays": draw(
            _mapping(codes, st.lists(_holiday(), min_size=1, max_size=3, unique_by=lambda day: day["date"]))
        ),
        "vee_groups": [draw(_group(code)) for code in groups],
        "factors": [draw(_factor(code, tuple(groups))) for code in draw(st.lists(codes, max_size=2, unique=True))],
        "measuring_component_types": [
            draw(_component_type(code, tuple(groups))) for code in draw(st.lists(codes, max_size=2, unique=True))
        ],
        "column_profiles": [draw(_profile(code)) for code in draw(st.lists(codes, max_size=2, unique=True))],
    }


@contextlib.contextmanager
def fresh() -> Iterator[None]:
    """Whatever happens inside is taken back: the installation is as it was."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def apply(document: Any) -> configuration.Comparison:
    """Apply a document, given as a mapping or as text."""
    read = configuration.read_text(document) if isinstance(document, str) else document
    return configuration.apply_document(document=read, by=None, at=AT)


def _mapping(keys: Any, values: Any) -> Any:
    return st.dictionaries(keys, values, max_size=3)


def _one_of(records: Any) -> Any:
    return st.sampled_from([None, *records])


def _connection(trusts: tuple[str, ...]) -> Any:
    common = {
        "description": texts,
        "enabled": st.booleans(),
        "connect_timeout": decimals,
        "read_timeout": decimals,
        "max_concurrency": st.integers(1, 200),
        "rate_limit_per_second": st.none() | st.decimals(min_value="0.001", max_value=1000, places=3),
        "trust_certificate": _one_of(trusts),
        "zone": st.sampled_from(["", "plant-1"]),
    }
    rest = {
        "transport": st.just("rest"),
        "base_url": st.sampled_from(["http://127.0.0.1:9001/a", "https://127.0.0.2"]),
        "target_release": st.sampled_from(["", "23A"]),
        "options": st.sampled_from([{}, {"health_path": "/up", "send_enrollment_source": True}]),
        "username": st.sampled_from(["", "hub"]),
    }
    drop = {
        "transport": st.just("sftp"),
        "host": st.just("127.0.0.1"),
        "port": st.none() | st.integers(1, 65_535),
        "known_host_key": st.just("ssh-ed25519 AAAA"),
        "directory": st.sampled_from(["/", "/drop"]),
    }
    return st.fixed_dictionaries({**common, **rest}) | st.fixed_dictionaries({**common, **drop})


def _parameters() -> Any:
    whole = st.dictionaries(st.sampled_from(["MAX_RETRIES", "MAIL_RETENTION_DAYS"]), st.integers(1, 90), max_size=2)
    seconds = st.fixed_dictionaries(
        {}, optional={"RETRY_BASE_SECONDS": st.fixed_dictionaries({"value": decimals, "description": texts})}
    )
    return st.builds(lambda one, other: {**one, **other}, whole, seconds)


def _sender(connections: tuple[str, ...]) -> Any:
    return st.fixed_dictionaries(
        {
            "description": texts,
            "connection": _one_of(connections),
            "method": st.sampled_from([None, "POST", "PUT"]),
            "timeout": st.none() | st.sampled_from([20, Decimal("0.5"), "12.0"]),
            "login_user": st.sampled_from([None, "hub"]),
            "urls": st.lists(st.sampled_from(["/v1", "/events/{eventId}"]), max_size=3),
        }
    )


def _system(reference: dict[str, Any]) -> Any:
    method = st.sampled_from(["REAL_TIME", "BATCH"])
    return st.fixed_dictionaries({"description": texts, "processing_method": method, **reference})


def _message_type(sender: Any) -> Any:
    return st.fixed_dictionaries(
        {
            "description": texts,
            "method": st.sampled_from(["POST", "PATCH"]),
            "path": st.sampled_from(["", "/a/{b}"]),
            "sender": sender,
            "ordered": st.booleans(),
            "max_retries": st.none() | st.integers(0, 100),
            "retry_delays": st.lists(st.sampled_from([5, 0.25, 60]), max_size=3),
            "duplicate_statuses": st.lists(st.integers(400, 499), max_size=2),
            "answer_kind": st.sampled_from(["FINAL", "ACKNOWLEDGED_LATER"]),
        }
    )


@st.composite
def _lookups(draw: st.DrawFn) -> dict[str, Any]:
    found: dict[str, Any] = {}
    taken: set[str] = set()
    for name in draw(st.lists(names, max_size=3, unique_by=str.casefold)):
        aliases = draw(st.lists(codes, max_size=2, unique=True))
        wanted = [name.casefold(), *(alias.casefold() for alias in aliases)]
        if taken & set(wanted) or len(set(wanted)) < len(wanted):
            continue
        taken |= set(wanted)
        found[name] = {**draw(_table()), "description": draw(texts), "strict": draw(st.booleans()), "aliases": aliases}
    return found


_COLUMNS = {
    "TABLE": ("KEY", "VALUE"),
    "PROPERTIES": ("propertyName", "value"),
    "RECIPIENTS": ("Recipient", "Email_Id"),
}


@st.composite
def _table(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(["TABLE", "PROPERTIES", "RECIPIENTS"]))
    key, value = {
        "TABLE": ("KEY", "VALUE"),
        "PROPERTIES": ("propertyName", "value"),
        "RECIPIENTS": ("Recipient", "Email_Id"),
    }[kind]
    keys = draw(st.lists(codes, max_size=4, unique=True))
    values = st.just("a@example.org, b@example.org") if kind == "RECIPIENTS" else texts
    return {
        "kind": kind,
        "columns": [
            {"name": key, "folding": "EXACT", "unique": True},
            {"name": value, "folding": "CASE", "unique": False, "aliases": ["Other spelling"]},
        ],
        "rows": [{key: name, value: draw(values)} for name in keys],
    }


def _flow() -> Any:
    return st.fixed_dictionaries(
        {
            "active": st.booleans(),
            "tracing_level": st.sampled_from(["PRODUCTION", "AUDIT", "DEBUG"]),
            "payload_retention_days": st.integers(0, 400),
            "run_retention_days": st.none() | st.integers(0, 400),
            "max_runtime_seconds": st.none() | st.integers(0, 90_000),
            "connections_used": st.lists(st.sampled_from(["DACS", "DERMS", "ELSEWHERE"]), max_size=2, unique=True),
        }
    )


def _schedule() -> Any:
    policies = {"overlap": st.sampled_from(["SKIP", "ALLOW"]), "missed": st.sampled_from(["RUN_ONCE", "SKIP"])}
    every = st.fixed_dictionaries({"every_seconds": st.integers(5, 9999), "enabled": st.booleans(), **policies})
    cron = st.fixed_dictionaries(
        {
            "cron": st.sampled_from(["30 2 * * *", "0 */4 1,15 * mon"]),
            "time_zone": st.sampled_from(["UTC", "Europe/Zurich"]),
            "parameters": st.just({"byHand": False}),
            **policies,
        }
    )
    return every | cron


def _task() -> Any:
    common = {"task": st.just("integration.tasks.sweep"), "description": texts, "enabled": st.booleans()}
    options = st.sampled_from([{}, {"expire_seconds": 15}, {"kwargs": {"b": 1, "a": [1.5, "x"]}, "priority": 3}])
    every = st.fixed_dictionaries({**common, "every": st.sampled_from(["15 seconds", "2 hours"]), "options": options})
    cron = st.fixed_dictionaries({**common, "cron": st.sampled_from(["0 4 * * *", "*/5 1-3 * * sun"])})
    return every | cron


def _exception_type(todo_types: tuple[str, ...], roles: tuple[str, ...]) -> Any:
    return st.fixed_dictionaries(
        {
            "description": texts,
            "todo_type": _one_of(todo_types),
            "todo_role": _one_of(roles),
            "create_todo": st.booleans(),
            "retry_when_related_completes": st.booleans(),
        }
    )


def _policy() -> Any:
    return st.fixed_dictionaries(
        {
            "enabled": st.booleans(),
            "retryable_exception_types": st.lists(codes, max_size=2),
            "max_attempts": st.integers(0, 9),
        }
    )


def _date(day: dict[str, Any]) -> dt.date:
    found: dt.date = day["date"]
    return found


def _holiday() -> Any:
    return st.fixed_dictionaries({"date": dates, "name": texts})


@st.composite
def _group(draw: st.DrawFn, code: str) -> dict[str, Any]:
    rules = []
    for sequence in draw(st.lists(st.integers(0, 90), max_size=3, unique=True)):
        dated = draw(st.sampled_from([{}, {"start_date": dt.date(2024, 1, 1)}, {"end_date": dt.date(2030, 1, 1)}]))
        chosen = {**draw(st.sampled_from(RULES)), "eligibility": draw(st.sampled_from(ELIGIBILITY)), **dated}
        rules.append({"sequence": sequence, "description": draw(texts), **chosen})
    return {"code": code, "description": draw(texts), "rules": rules}


@st.composite
def _factor(draw: st.DrawFn, code: str, groups: tuple[str, ...]) -> dict[str, Any]:
    values = [
        {
            "value": value,
            "vee_group": draw(_one_of(groups)),
            **draw(st.sampled_from([{}, {"start_date": dt.date(2024, 1, 1)}])),
        }
        for value in draw(st.lists(codes, max_size=3, unique=True))
    ]
    return {"code": code, "description": draw(texts), "characteristic": "rate", "values": values}


@st.composite
def _component_type(draw: st.DrawFn, code: str, groups: tuple[str, ...]) -> dict[str, Any]:
    kind = draw(
        st.sampled_from(
            [
                {"component_kind": "INTERVAL", "seconds_per_interval": 900, "uom": "KWH"},
                {"component_kind": "SCALAR", "uom": "KWH", "dials": 5, "rollover_threshold": Decimal("0.25")},
            ]
        )
    )
    formula = {"parameters": {"formula": "round(value * 0.11, 2)"}}
    derivations = [
        {"name": "DEMAND", "method": "DEMAND", "uom": "KW"},
        {"name": "COST", "method": "FORMULA", "uom": "EUR", "sequence": 20, "scale": 2, **formula},
    ]
    return {
        "id": code,
        "description": draw(texts),
        **kind,
        "allow_negative": draw(st.booleans()),
        "high_quality_tolerance": draw(st.none() | decimals),
        "gap_action": draw(st.sampled_from(["ESTIMATE", "ASK"])),
        "vee_groups": {"INITIAL_LOAD": draw(_one_of(groups)), "ESTIMATION": draw(_one_of(groups))},
        "derivations": draw(st.sampled_from([[], derivations[:1], derivations])),
    }


@st.composite
def _profile(draw: st.DrawFn, code: str) -> dict[str, Any]:
    return {
        "code": code,
        "description": draw(texts),
        "component_column": "MPAN",
        "date_column": "Date",
        "value_column": "00:30",
        "delimiter": draw(st.sampled_from([",", ";", "\t"])),
        "seconds_per_interval": 1800,
        "uom": "KWH",
        "unit_factor": draw(st.sampled_from([Decimal("0.001"), 1, Decimal("-2.5")])),
        "no_value": draw(st.lists(st.sampled_from(["-", "NULL", "~"]), max_size=2, unique=True)),
        "quality_column": "Q",
        "quality_conditions": draw(st.sampled_from([{"E": 401000, "A": 501000}, {"0": 501000}])),
    }
