"""
Device Score by Object Storage: as `integration.flows.device_score`, from a bucket.

A rename is guarded both ways: only the object that was listed, and never onto another one (`integration.md` 3.9).
"""

from __future__ import annotations

from integration.flows import scheduled
from integration.flows.contract import Outcome
from integration.flows.device_score import score_names, transfer
from integration.flows.file_queue import Source
from integration.flows.run import Run
from integration.flows.scheduled import Call, ScheduledFlow
from lookups.queries import config_property
from outbound import queries as outbound_queries


CONNECTION = "DACS_OS"


class DeviceScoreObjectStorage(ScheduledFlow):
    """The flow; see `integration.flows.contract.PackagedFlow`."""

    name = "device_score_object_storage"

    def run(self, run: Run, accepted: Call) -> Outcome:
        """Do the work, step by step."""
        with scheduled.configured(run) as configured:
            source = self.source()
        return configured.failure or transfer(run, accepted, source, flow=self.name)

    def source(self) -> Source:
        """
        Give the bucket of DACS_OS that the configuration names; its namespace replaces that of the connection.

        :raises UnknownConnection: when there is none.
        """
        return Source(
            connection=outbound_queries.connection(CONNECTION),
            directory=str(config_property("dacs.os.dvcScore.bucketname")),
            namespace=str(config_property("dacs.os.namespace")),
            **score_names(),
        )


FLOW = DeviceScoreObjectStorage()
