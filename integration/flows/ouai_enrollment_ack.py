"""
OUAI Enrollment Ack: OUAI leaves files of acknowledgements in a bucket, DACS gets each record as a sync's answer.

Step by step (`integration.md` 3.11): list the files by prefix, oldest first; PATCH each record to F1-SyncRequest; put
`sent_` before the name of a file after its last record. A store or a DACS that is not to be had stops the run, and
the next one goes on at the record where it stopped; a 400 is a record that DACS has already.
"""

from __future__ import annotations

from integration.flows import scheduled
from integration.flows.contract import Outcome
from integration.flows.file_queue import Source
from integration.flows.ouai_acknowledging import Numbers, OuaiAcknowledging
from integration.flows.run import Run
from integration.flows.scheduled import Call, ScheduledFlow
from lookups.queries import config_property
from outbound import queries as outbound_queries


CONNECTION = "OUAI_OS"
FALLBACK_CONNECTION = "DACS_OS"


class OuaiEnrollmentAck(ScheduledFlow):
    """The flow; see `integration.flows.contract.PackagedFlow`."""

    name = "ouai_enrollment_ack"

    def run(self, run: Run, accepted: Call) -> Outcome:
        """Do the work, step by step."""
        with scheduled.configured(run) as configured:
            source, numbers = self.source(), self.numbers()
        if configured.failure is not None:
            return configured.failure
        with OuaiAcknowledging(run, source, numbers) as files:
            with run.step("List the files") as step:
                looked = files.look(step)
            if looked.rename_pending:
                with run.step("Rename what was sent before") as step:
                    files.finish_renames(step, looked.rename_pending)
            if looked.growing and not files.stopped:
                if scheduled.somebody_waits(run, accepted):
                    with run.step("Let new files stand still") as step:
                        looked = files.wait(step, looked)
                else:
                    scheduled.look_again(self.name, seconds=looked.seconds_to_wait)
            if looked.ready and not files.stopped:
                with run.step("Acknowledge to DACS") as step:
                    files.acknowledge(step, looked.ready)
            with run.step("Conclude") as step:
                return files.conclude(step, found=looked.found)

    def source(self) -> Source:
        """
        Give the bucket of OUAI_OS, or of DACS_OS where both lie in one tenancy.

        :raises UnknownConnection: when there is neither.
        """
        try:
            connection = outbound_queries.connection(CONNECTION)
        except outbound_queries.UnknownConnection:
            connection = outbound_queries.connection(FALLBACK_CONNECTION)
        return Source(
            connection=connection,
            directory=str(config_property("ouai.os.enrollack.bucket")),
            namespace=connection.namespace or str(config_property("dacs.os.namespace")),
            prefix=str(config_property("ouai.os.enrollack.filename.prefix")),
            sent_tag=str(config_property("ouai.os.enrollack.filename.prefixtag.sent")),
        )

    def numbers(self) -> Numbers:
        """Give the message that errors of OUAI go under."""
        return Numbers(
            category=int(str(config_property("ouai.dacs.message.category"))),
            number=int(str(config_property("ouai.dacs.message.number"))),
        )


FLOW = OuaiEnrollmentAck()
