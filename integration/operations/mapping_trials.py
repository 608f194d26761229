"""What a base mapping makes of a message without sending it: of the packaged example, or of a stored message."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from integration import queries
from integration.flows import (
    cancel_mapping,
    canonical,
    csv_blocks,
    csv_rows,
    dacs_messages,
    derms_calls,
    device_status_answer,
    device_status_check,
    enroll_ack_message,
    enrollment_mapping,
    enrollment_payload,
    enrollment_sync_mapping,
    outcome_mapping,
    reservation_mapping,
    sync_acknowledgement,
)
from integration.flows.acknowledgements import AckCode
from integration.flows.contract import MessageRefused
from integration.flows.csv_rows import Row
from integration.flows.mapping_declarations import BaseMapping
from integration.models import EnrollmentSync, FlowRun, StoredFile
from integration.operations import sync_acknowledgements
from lookups.queries import UnableToReadProperty, UnknownColumn, UnknownLookup, config_property, table
from outbound import queries as outbound_queries


ROWS_TRIED = 20
"""Rows of a stored file that are mapped."""

Translate = Callable[[str, str, str, str], str | None]
"""Translates: table, source column, value, target column."""


class UnableToTry(Exception):
    """The message cannot be mapped here and now; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A message with what the base mapping made of it."""

    message: Mapping[str, Any]
    base: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]] = ()


def example(mapping: BaseMapping) -> Trial:
    """Map the packaged example; a value that no lookup of the site holds stays as it is."""

    def lenient(name: str, source: str, value: str, target: str) -> str | None:
        try:
            return _translate(name, source, value, target) or value
        except (UnknownLookup, UnknownColumn):
            return value

    rows = [Row(line=index, values=dict(row)) for index, row in enumerate(mapping.rows, start=2)]
    return _MAPPERS[mapping.name](mapping.example, rows, lenient)


def stored(mapping: BaseMapping, run: FlowRun) -> Trial:
    """
    Map the stored message of a run with the lookups as they are now.

    :raises UnableToTry: when it cannot be mapped, such as when its retention has passed.
    """
    try:
        document = canonical.read(queries.stored_request(run.pk))
        return _MAPPERS[mapping.name](_inner(mapping, document), _stored_rows(run), _translate)
    except MessageRefused as error:
        raise UnableToTry(f"The message is not valid: {error}") from None
    except (
        queries.RequestPurged,
        enrollment_mapping.UnableToMap,
        csv_rows.FileUnreadable,
        OSError,
        UnknownLookup,
        UnknownColumn,
        UnableToReadProperty,
    ) as error:
        raise UnableToTry(str(error)) from None


def _inner(mapping: BaseMapping, document: Any) -> Any:
    # The part of a request that the mapping is about.
    if mapping.name == "enrollment_request":
        valid = (record for record in enrollment_payload.check_collection(document) if record.valid)
        return next(valid).record
    if mapping.name in ("enrollment_sync", "device_status_check"):
        return document.get("sendDetails") if isinstance(document, Mapping) else None
    return document


def _stored_rows(run: FlowRun) -> list[Row]:
    file = StoredFile.objects.filter(run=run, purged_at__isnull=True).first()
    if file is None:
        return []
    with file.content.open("rb") as stream:
        # What is required of a file was checked when it came.
        header = csv_rows.with_all_columns(csv_rows.read_header(stream, csv_rows.Layout(required=())))
        block = csv_blocks.block_of(
            stream, header=header, offset=header.body_offset, line=header.body_line, count=ROWS_TRIED
        )
        return block.rows()


def _translate(name: str, source: str, value: str, target: str) -> str | None:
    return table(name=name).translate(source=source, value=value, target=target, strict=False).result


@dataclass(frozen=True, slots=True)
class _Assets:
    translate: Translate

    def asset_specification(self, make_and_model: str) -> str | None:
        return self.translate(enrollment_mapping.ASSET_SPEC, "DRMS_MAKE_MODEL", make_and_model, "DACS_SPECIFICATION")

    def asset_type(self, asset_type: str) -> str | None:
        return self.translate(enrollment_mapping.ASSET_TYPE, "DRMS_ASSET_TYPE", asset_type, "DACS_ASSET_TYPE")


def _enrollment(message: Any, rows: Sequence[Row], translate: Translate) -> Trial:
    return Trial(message=message, base=enrollment_mapping.map_record(message, translate=_Assets(translate)))


def _site(division: Any, translate: Translate) -> str:
    return translate(derms_calls.ROUTING, derms_calls.DIVISION, str(division), derms_calls.SITE) or ""


def _sync(message: Any, rows: Sequence[Row], translate: Translate) -> Trial:
    accepted = dacs_messages.check_sync({"sendDetails": message})
    base, _unknown = enrollment_sync_mapping.map_sync(
        accepted.details,
        connection_id=_site(accepted.division, translate),
        location_status=lambda status: translate(
            enrollment_sync_mapping.DEVICE_LOCATION_STATUS, "DACS_LOCATION_STATUS", status, "DRMS_LOCATION_STATUS"
        ),
    )
    return Trial(message=accepted.details, base=base)


def _sync_ack(message: Any, rows: Sequence[Row], translate: Translate) -> Trial:
    if "syncRequestId" not in message:
        accepted = enroll_ack_message.read(message)
        row = EnrollmentSync.objects.filter(sync_request_id=accepted.sync_request_id).first() or EnrollmentSync(
            sync_request_id=accepted.sync_request_id
        )
        refused = accepted.code is not AckCode.SUCCESS
        message = sync_acknowledgements.source_of(row, (accepted.text or "refused") if refused else "")
    external_key = ":".join(part for part in (message["drmsInstance"], message["subscriptionId"]) if part)
    positive = sync_acknowledgement.positive(sync_request_id=message["syncRequestId"], external_key=external_key)
    if not message["errorText"]:
        return Trial(message=message, base=positive)
    negative = sync_acknowledgement.negative(
        sync_request_id=message["syncRequestId"],
        text=message["errorText"],
        category=int(str(config_property(sync_acknowledgements.CATEGORY))),
        number=int(str(config_property(sync_acknowledgements.NUMBER))),
    )
    return Trial(message=message, base=negative)


def _check(message: Any, rows: Sequence[Row], translate: Translate) -> Trial:
    accepted = dacs_messages.check_status({"sendDetails": message})
    base = device_status_check.to_derms(accepted, connection_id=_site(accepted.division, translate))
    return Trial(message=accepted.details, base=base)


def _answer(message: Any, rows: Sequence[Row], translate: Translate) -> Trial:
    return Trial(message=message, base=device_status_answer.to_dacs(device_status_answer.read(message)))


def _cancellation(message: Any, rows: Sequence[Row], translate: Translate) -> Trial:
    return Trial(message=message, base=cancel_mapping.map_request(cancel_mapping.check_request(message)))


def _reservation(message: Any, rows: Sequence[Row], translate: Translate) -> Trial:
    request = reservation_mapping.check_request(message)
    event_type = translate(reservation_mapping.EVENT_TYPE, "DRMS_EVENT_TYPE", request.event_type, "DACS_EVENT_TYPE")
    if not event_type:
        raise reservation_mapping.unknown_event_type(request)
    good = [row for row in rows if not row.problem and reservation_mapping.why_refused(row, request) is None]
    base = reservation_mapping.segment_document(
        request, event_type=event_type, devices=[reservation_mapping.device(row) for row in good]
    )
    return Trial(message=message, base=base, rows=[row.values for row in good])


def _outcome(message: Any, rows: Sequence[Row], translate: Translate) -> Trial:
    outcome_mapping.check_request(message)
    good, told = [], []
    for row in rows:
        if row.problem or outcome_mapping.why_refused(row) is not None:
            continue
        code = translate(
            outcome_mapping.EVENT_OUTCOME, "DRMS_EVENT_OUTCOME", row.values[outcome_mapping.CODE], "DACS_EVENT_OUTCOME"
        )
        if code:
            good.append(row)
            told.append(outcome_mapping.device_outcome(row, outcome=code))
    calls = list(outcome_mapping.calls(told, event_in_items=_event_in_items()))
    if not calls:
        return Trial(message=message, base={"postOutcomeList": []})
    values = {row.line: row.values for row in good}
    first = calls[0]
    return Trial(message=message, base=first.document, rows=[values[row.line] for row in first.rows])


def _event_in_items() -> bool:
    try:
        release = outbound_queries.connection("DACS").target_release
    except outbound_queries.UnknownConnection:
        return False
    return outcome_mapping.event_in_items(release)


_MAPPERS: Mapping[str, Callable[[Any, Sequence[Row], Translate], Trial]] = {
    "enrollment_request": _enrollment,
    "enrollment_sync": _sync,
    "enroll_sync_ack": _sync_ack,
    "device_status_check": _check,
    "device_status_ack": _answer,
    "event_device_reservation": _reservation,
    "pre_event_cancel": _cancellation,
    "event_outcome": _outcome,
}
