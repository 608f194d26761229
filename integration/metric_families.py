"""
The figures that Prometheus is told, read from the tables at each scrape.

No process keeps a counter: the answer is the same whichever web process gives it, and right after any restart.
Everything comes from summaries, small tables or the indexes of what is unfinished; what only grows is not counted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
    StateSetMetricFamily,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector

from integration import control_queries, health
from outbound import message_queries
from outbound import queries as outbound_queries
from outbound.choices import BreakerState
from vee import queries as vee_queries
from vee import rate_queries
from vee.choices import OPEN_STATES, ImdState


class Figures(Collector):
    """All families of the product as they are at an instant."""

    def __init__(self, *, at: dt.datetime) -> None:
        self._at = at

    def collect(self) -> Iterator[Metric]:
        """Give the families; asks the database as it goes."""
        yield from _queues(self._at)
        yield from _breakers()
        yield from _runs()
        yield from _vee(self._at)
        yield from _people_and_beat(self._at)


def _queues(at: dt.datetime) -> Iterator[Metric]:
    depth = GaugeMetricFamily(
        "tieline_outbound_messages", "Outbound messages that are not delivered.", labels=["system", "state"]
    )
    dead = GaugeMetricFamily(
        "tieline_dead_letters", "Outbound messages that failed for good and wait for a person.", labels=["system"]
    )
    age = GaugeMetricFamily(
        "tieline_oldest_due_message_age_seconds",
        "For how long the longest due message could have left; 0 when none is due.",
        labels=["system"],
    )
    for queue in message_queries.queues_by_system(at=at):
        for state, messages in (
            ("waiting", queue.waiting),
            ("held", queue.held),
            ("in_progress", queue.in_progress),
        ):
            depth.add_metric([queue.system, state], messages)
        dead.add_metric([queue.system], queue.dead)
        due = queue.oldest_due_at
        age.add_metric([queue.system], 0.0 if due is None else max(0.0, (at - due).total_seconds()))
    yield from (depth, dead, age)
    mails = GaugeMetricFamily("tieline_mails", "Mails that are not sent.", labels=["state"])
    for state, number in outbound_queries.mail_counts().items():
        mails.add_metric([state.lower()], number)
    yield mails


def _breakers() -> Iterator[Metric]:
    family = StateSetMetricFamily(
        "tieline_breaker_state", "State of a connection's circuit breaker.", labels=["connection"]
    )
    for connection, state in outbound_queries.breaker_states():
        family.add_metric([connection], {each.lower(): each == state for each in BreakerState.values})
    yield family


def _runs() -> Iterator[Metric]:
    present = GaugeMetricFamily(
        "tieline_runs", "Flow runs that wait, are at work, or have failed.", labels=["flow", "state"]
    )
    for flow, state, number in control_queries.open_run_counts():
        present.add_metric([flow, state.lower()], number)
    yield present
    received = CounterMetricFamily("tieline_runs_received", "Runs received since ever.", labels=["flow"])
    ended = CounterMetricFamily("tieline_runs_ended", "Runs ended since ever, by outcome.", labels=["flow", "outcome"])
    seconds = SummaryMetricFamily("tieline_run_seconds", "Durations of the runs that ended.", labels=["flow"])
    for row in control_queries.totals():
        received.add_metric([row.flow], row.received)
        for outcome, number in (("succeeded", row.succeeded), ("failed", row.failed), ("aborted", row.aborted)):
            ended.add_metric([row.flow, outcome], number)
        seconds.add_metric([row.flow], row.measured, row.seconds)
    yield from (received, ended, seconds)


def _vee(at: dt.datetime) -> Iterator[Metric]:
    imds = GaugeMetricFamily("tieline_imds", "IMDs that are not at their end.", labels=["state"])
    counted = vee_queries.open_imd_counts()
    for state in OPEN_STATES:
        imds.add_metric([state.lower()], counted.get(state, 0))
    yield imds
    rates = rate_queries.transition_rates(at=at)
    speed = GaugeMetricFamily(
        "tieline_imd_transitions_per_second",
        "IMDs a second that came to a state, over the last minutes.",
        labels=["to_state"],
    )
    for each in ImdState.values:
        speed.add_metric([each.lower()], rates.per_second.get(each, 0.0))
    yield speed
    yield GaugeMetricFamily(
        "tieline_direct_readings_per_second",
        "Readings a second that became measurements without an IMD, over the last minutes.",
        value=rate_queries.direct_rate(at=at),
    )
    yield GaugeMetricFamily(
        "tieline_imd_rate_window_seconds", "The time that the rates of IMDs are those of.", value=rates.seconds
    )


def _people_and_beat(at: dt.datetime) -> Iterator[Metric]:
    todos = GaugeMetricFamily("tieline_open_todos", "Open To Dos by the role that they wait for.", labels=["role"])
    for role, number in vee_queries.todo_counts_by_role().items():
        todos.add_metric([role], number)
    yield todos
    age = health.beat_age(at)
    yield GaugeMetricFamily(
        "tieline_beat_heartbeat_age_seconds",
        "How long ago the scheduler renewed its lease; +Inf when there is none.",
        value=float("inf") if age is None else age,
    )
    pauses = GaugeMetricFamily("tieline_open_pauses", "Pauses that hold something now.", labels=["scope"])
    for scope, number in control_queries.open_pause_counts().items():
        pauses.add_metric([scope.lower()], number)
    yield pauses
