"""What the segments of a run share: read once by a worker, however many it sends."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from integration.flows import csv_blocks, csv_rows
from integration.flows.file_flow import FileFlow, SegmentWork
from integration.flows.overlays import Overlay
from integration.flows.run import Clock
from integration.models import FlowRun, RunStep, Segment, StoredFile
from integration.operations import file_attempts
from integration.operations.attachments import accepted_again
from outbound import queries as outbound_queries
from outbound.models import Connection


_CONNECTION_FOR = dt.timedelta(seconds=1)


@dataclass(slots=True, kw_only=True)
class Shared:
    """A run at which a worker is; `step` is the one that shows its segments."""

    row: FlowRun
    flow: FileFlow
    clock: Clock
    step: RunStep | None = None
    accepted: Any = None
    prepared: Any = None
    file: StoredFile | None = None
    header: csv_rows.Header | None = None
    overlay: Overlay | None = None
    _target: tuple[dt.datetime, Connection] | None = None

    def connection(self) -> Connection:
        """
        Give the connection to the flow's target: what somebody changes counts for the calls from the next second on.

        :raises UnknownConnection: when there is none.
        """
        at = self.clock()
        if self._target is None or not dt.timedelta() <= at - self._target[0] < _CONNECTION_FOR:
            self._target = at, outbound_queries.connection(self.flow.target)
        return self._target[1]

    def read(self) -> tuple[StoredFile, csv_rows.Header]:
        """
        Read the request, what the flow makes of it, and the header of the file, if that has not been done.

        :raises OverlayFailed: when the attempt's overlay does not fit this version of the product any more.
        """
        if self.file is None or self.header is None:
            self.accepted = accepted_again(self.row, self.flow)
            self.prepared = self.flow.prepare(self.accepted, None)
            file = StoredFile.objects.get(run=self.row)
            with file.content.open("rb") as stream:
                self.header = csv_rows.with_all_columns(csv_rows.read_header(stream, self.flow.layout))
            self.overlay = file_attempts.overlay_of(self.row, self.flow)
            self.file = file
        return self.file, self.header

    def request(self) -> Any:
        """
        Give the request as the flow took it.

        :raises OverlayFailed: as `read` does.
        """
        self.read()
        return self.accepted

    def works(self, segments: Sequence[Segment]) -> list[SegmentWork | Exception]:
        """
        Read the rows of segments; in the place of one whose rows cannot be read, why.

        :raises OverlayFailed: as `read` does.
        """
        file, header = self.read()
        found: list[SegmentWork | Exception] = []
        with file.content.open("rb") as stream:
            for segment in segments:
                try:
                    block = csv_blocks.block_of(
                        stream, header=header, offset=segment.offset, line=segment.first_line, count=segment.rows
                    )
                except (csv_rows.FileUnreadable, OSError) as error:
                    found.append(error)
                else:
                    found.append(self._work(segment, block))
        return found

    def _work(self, segment: Segment, block: csv_blocks.Block) -> SegmentWork:
        return SegmentWork(
            run=self.row,
            segment=segment,
            block=block,
            accepted=self.accepted,
            prepared=self.prepared,
            clock=self.clock,
            connection=self.connection,
            overlay=self.overlay,
        )
