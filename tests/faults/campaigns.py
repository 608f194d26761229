"""The campaigns: a load, a programme of faults, a drain, and the checker."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from typing import Any

from tests.faults import checker, evidence, programme, tables
from tests.faults.injection import Injector
from tests.faults.loads.messages import ACK_AT_DERMS, MessageLoad
from tests.faults.loads.readings import ReadingLoad
from tests.faults.loads.reservation import ReservationLoad
from tests.faults.outcome import Outcome
from tests.faults.sizes import FULL, Sizes
from tests.faults.world import World
from tests.functional.harness.events import RESERVE_AT_DACS
from tests.functional.harness.processes import wait_until


# How long a busy machine may take for what is left; how soon work moves is judged apart.
DRAIN_SECONDS = 1_200.0
Say = Callable[[str], None]


def message_storm(world: World, sizes: Sizes, *, seed: int, say: Say) -> Outcome:
    """Messages through kills at random and at named points, to a peer that misbehaves now and then."""
    faults = programme.merged(
        programme.kills(seed=seed, number=sizes.message_kills, seconds=sizes.message_seconds, load="messages"),
        programme.misbehaviour(
            seed=seed,
            number=max(6, sizes.message_kills // 2),
            seconds=sizes.message_seconds,
            times=max(1, sizes.messages * 3 // 100 // max(6, sizes.message_kills // 2)),
        ),
    )
    return disturbed_messages(
        world, faults, title="Messages through kills", prefix=f"storm{seed}", number=sizes.messages,
        seconds=sizes.message_seconds, seed=seed, say=say,
    )  # fmt: skip


def disturbed_messages(
    world: World, faults: list[programme.Fault], *, title: str, prefix: str, number: int, seconds: float, seed: int,
    say: Say,
) -> Outcome:  # fmt: skip
    """Send messages while faults are done, wait until all have come to an end, and judge."""
    began = _now()
    injector = Injector(world=world, seed=seed, say=say)
    load = MessageLoad(world=world, prefix=prefix, number=number, seconds=seconds)
    load.start()
    injector.run(
        faults,
        began=load.began,
        done=lambda: evidence.messages_delivered(world, prefix),
        least=number // (4 * len(faults)),
    )
    load.join(seconds=DRAIN_SECONDS)
    say(f"{len(load.accepted)} of {number} accepted, {load.unavailable} calls repeated; waiting for the rest")
    world.derms.clear_faults()
    _drain(injector, lambda: evidence.messages_on_the_way(world, prefix) == 0)
    arrivals = [a for a in evidence.arrivals(world.derms, path=ACK_AT_DERMS) if a.business_id.startswith(prefix)]
    verdict = checker.messages(
        attempted=load.ids,
        accepted=load.accepted,
        arrivals=arrivals,
        rows=evidence.message_rows(world, prefix),
    )
    verdict.must_be_none("refused", load.refused)
    verdict.must_be_none("seen during a fault", injector.wrong)
    return _outcome(
        title,
        injector,
        began=began,
        verdicts=[verdict],
        moves=[[arrival.at for arrival in arrivals if arrival.effect], list(load.accepted.values())],
    )


def reservation_interrupted(world: World, sizes: Sizes, *, seed: int, say: Say) -> Outcome:
    """One reservation file, interrupted again and again while its segments are sent."""
    faults = programme.kills(seed=seed, number=sizes.row_kills, seconds=0, load="reservation")
    injector = Injector(world=world, seed=seed, say=say)
    load = ReservationLoad(world=world, rows=sizes.rows)
    began = _now()
    early, later = programme.before_the_work(faults)
    for fault in early:
        injector.inject(fault)
    load.send()
    say(f"a reservation of {sizes.rows:,} rows is accepted")
    injector.run_by_progress(later, load.progress, seconds=DRAIN_SECONDS)
    _drain(injector, load.is_over)
    sent = evidence.arrivals(world.dacs, path=RESERVE_AT_DACS, business_id="eventExternalIdentifier")
    acks = evidence.arrivals(world.derms, path=ACK_AT_DERMS)
    attempts = load.attempts()
    return _outcome(
        "Reservation interrupted",
        injector,
        began=began,
        verdicts=[
            checker.reservation(rows=load.devices, refused=(), reserved=load.reserved(), ledger=load.ledger()),
            checker.acknowledgements(
                attempts=attempts,
                arrivals=[ack for ack in acks if ack.business_id == load.document["messageId"]],
            ),
            _run_states(world),
        ],
        moves=[[call.at for call in sent if call.effect and call.business_id == load.event]],
    )


def readings_through_kills(world: World, sizes: Sizes, *, seed: int, say: Say) -> Outcome:
    """The same readings twice, once in peace and once through kills: the measurements are the same to the last bit."""
    calm = ReadingLoad(world=world, prefix=f"calm{seed}", components=sizes.components, days=sizes.days)
    stormy = ReadingLoad(world=world, prefix=f"stormy{seed}", components=sizes.components, days=sizes.days)
    injector = Injector(world=world, seed=seed, say=say)
    calm.prepare()
    stormy.prepare()
    calm.send()
    _drain(injector, calm.is_over)
    calm.discard()
    say(f"{calm.intervals:,} intervals are loaded in peace")
    faults = programme.kills(seed=seed, number=sizes.reading_kills, seconds=0, load="readings")
    began = _now()
    moves: list[dt.datetime] = []
    early, later = programme.before_the_work(faults)
    for fault in early:
        injector.inject(fault)
    sender = threading.Thread(target=stormy.send, daemon=True)
    sender.start()
    injector.run_by_progress(later, _noted(stormy.progress, moves), seconds=DRAIN_SECONDS)
    sender.join(DRAIN_SECONDS)
    _drain(injector, _noted(stormy.is_over, moves, stormy.progress))
    stormy.discard()
    fates = checker.readings(sent=stormy.sent(), fates=stormy.fates())
    fates.figures = {"intervals": stormy.intervals, **fates.figures}
    return _outcome(
        "Readings through kills",
        injector,
        began=began,
        verdicts=[
            fates,
            checker.same_measurements(disturbed=stormy.digests(), undisturbed=calm.digests()),
            _imd_states(world),
        ],
        moves=[moves],
    )


def services_disturbed(world: World, sizes: Sizes, *, seed: int, say: Say) -> Outcome:
    """Messages and small reading files while services and the machine fail."""
    faults = programme.services(seed=seed, short=sizes.service_messages < FULL.service_messages)
    seconds = faults[-1].at + faults[-1].seconds + 5
    load = ReadingLoad(
        world=world, prefix=f"plain{seed}", components=sizes.service_files, days=2, per_file=1,
        pause_seconds=0.5 * seconds / sizes.service_files,
    )  # fmt: skip
    load.prepare()
    sender = threading.Thread(target=load.send, daemon=True)
    sender.start()
    outcome = disturbed_messages(
        world, faults, title="Services and machine", prefix=f"service{seed}", number=sizes.service_messages,
        seconds=seconds, seed=seed, say=say,
    )  # fmt: skip
    sender.join(DRAIN_SECONDS)
    wait_until("the readings", load.is_over, seconds=DRAIN_SECONDS)
    load.discard()
    outcome.verdicts.append(checker.readings(sent=load.sent(), fates=load.fates()))
    return outcome


def _outcome(
    title: str,
    injector: Injector,
    *,
    began: dt.datetime,
    verdicts: list[checker.Verdict],
    moves: list[list[dt.datetime]],
) -> Outcome:
    injector.close()
    # A kill that found no process is none.
    disturbing = [
        entry for entry in injector.done if entry.fault.kind != "peer" and (entry.killed or entry.fault.kind != "kill")
    ]
    ended = [entry.ended for entry in disturbing]
    last = max([began, *(entry.ended for entry in injector.done)])
    return Outcome(
        title=title,
        seed=injector.seed,
        faults=len(injector.done),
        kills=sum(1 for entry in injector.done if entry.killed),
        points=injector.points(),
        seconds=(_now() - began).total_seconds(),
        verdicts=verdicts,
        recoveries=checker.recoveries(ended=ended, moves=moves),
        standstill=checker.standstill(ended=ended, moves=moves),
        drained_after=max(0.0, (max(moves[0], default=last) - max([last, *map(max, moves[1:])])).total_seconds()),
    )


def _noted(look: Callable[[], Any], moves: list[dt.datetime], progress: Callable[[], float] | None = None) -> Any:
    """Give `look`, which also notes when the progress of the work was seen to be further than before."""
    seen = -1.0

    def noting() -> Any:
        nonlocal seen
        found = look()
        now = found if progress is None else progress()
        if now > seen:
            seen = now
            moves.append(_now())
        return found

    return noting


def _run_states(world: World) -> checker.Verdict:
    paths, states = evidence.life_cycles(
        world, records="integration_flowrun", transitions="integration_runtransition", owner="run_id"
    )
    return checker.transitions(allowed=tables.run_moves(), first={"RECEIVED"}, paths=paths, states=states)


def _imd_states(world: World) -> checker.Verdict:
    paths, states = evidence.life_cycles(
        world, records="vee_initialmeasurement", transitions="vee_imdtransition", owner="imd_id"
    )
    return checker.transitions(
        allowed=tables.imd_moves(), first={"PENDING", "ERROR", "VEE_READY"}, paths=paths, states=states
    )


def _drain(injector: Injector, is_through: Callable[[], bool]) -> None:
    def look() -> bool:
        injector.keep_supervised()
        return is_through()

    wait_until("the end of all work", look, seconds=DRAIN_SECONDS, every=0.5)


def _now() -> dt.datetime:
    return dt.datetime.now(tz=dt.UTC)


ALL = {
    "messages": message_storm,
    "reservation": reservation_interrupted,
    "readings": readings_through_kills,
    "services": services_disturbed,
}
"""The campaigns by name."""
