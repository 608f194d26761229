"""
Device Score by SFTP or FTP: DACS leaves score files in a directory, DERMS gets each of them.

The guide's processing details, step by step (`integration.md` 3.9): list the files by prefix, oldest first; get each
and post it to DERMS; put `Sent-` or `Error-` before its name; tell people at the end. A file that DERMS refuses does
not stop the others; a DERMS that is down does (C-42).
"""

from __future__ import annotations

from integration.flows import scheduled
from integration.flows.contract import Outcome
from integration.flows.file_queue import Source
from integration.flows.run import Run
from integration.flows.scheduled import Call, ScheduledFlow
from integration.flows.score_transfer import ScoreTransfer
from lookups.queries import config_property
from outbound import queries as outbound_queries


CONNECTION = "DACS_SFTP"
FALLBACK_CONNECTION = "DACS_FTP"


class DeviceScore(ScheduledFlow):
    """The flow; see `integration.flows.contract.PackagedFlow`."""

    name = "device_score"

    def run(self, run: Run, accepted: Call) -> Outcome:
        """Do the work, step by step."""
        with scheduled.configured(run) as configured:
            source = self.source()
        return configured.failure or transfer(run, accepted, source, flow=self.name)

    def source(self) -> Source:
        """
        Give where the files lie: DACS_SFTP when there is one, else DACS_FTP.

        :raises UnknownConnection: when there is neither.
        """
        try:
            connection = outbound_queries.connection(CONNECTION)
        except outbound_queries.UnknownConnection:
            connection = outbound_queries.connection(FALLBACK_CONNECTION)
        return Source(
            connection=connection,
            directory=str(config_property("dacs.dvcScore.ftp.input.directory")),
            namespace="",
            **score_names(),
        )


def score_names() -> dict[str, str]:
    """Give the starts of the files' names, before and after."""
    return {
        "prefix": str(config_property("dacs.dvcScore.extract.filename.prefix")),
        "sent_tag": str(config_property("dacs.prefixtag.fileuploaded")),
        "error_tag": str(config_property("dacs.prefixtag.filenotuploaded")),
    }


def transfer(run: Run, call: Call, source: Source, *, flow: str) -> Outcome:
    """Do what both score flows do, wherever the files lie."""
    with ScoreTransfer(run, source) as scores:
        with run.step("List the files") as step:
            looked = scores.look(step)
        if looked.rename_pending:
            with run.step("Rename what was sent before") as step:
                scores.finish_renames(step, looked.rename_pending)
        if looked.growing and not scores.stopped:
            if scheduled.somebody_waits(run, call):
                with run.step("Let new files stand still") as step:
                    looked = scores.wait(step, looked)
            else:
                scheduled.look_again(flow, seconds=looked.seconds_to_wait)
        if looked.ready and not scores.stopped:
            with run.step("Transfer to DERMS") as step:
                scores.transfer(step, looked.ready)
        with run.step("Tell people") as step:
            return scores.tell(step, found=looked.found)


FLOW = DeviceScore()
