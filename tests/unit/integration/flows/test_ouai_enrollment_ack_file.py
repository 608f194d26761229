from __future__ import annotations

import io

import pytest

from integration.flows import ouai_ack_file
from integration.flows.ouai_ack_file import AckRecord, FileUnreadable


HEADER = "syncRequestId,programSubscriptionId,status,errorCode,errorMessage,processedDateTime"


def read(*rows: str, header: str = HEADER) -> list[AckRecord]:
    return list(ouai_ack_file.read(io.BytesIO("\n".join([header, *rows, ""]).encode())))


class TestRead:
    def test_gives_each_row_with_its_line(self) -> None:
        assert read("15449036987849,9,SUCCESS,,,", "15449036987911,9,error,SP_NOT_FOUND,Not found,") == [
            AckRecord(line=2, sync_request_id="15449036987849", succeeded=True),
            AckRecord(line=3, sync_request_id="15449036987911", error_code="SP_NOT_FOUND", error_message="Not found"),
        ]

    @pytest.mark.parametrize(
        ("row", "problem"),
        [
            (",9,SUCCESS,,,", "syncRequestId has 1 to 14 characters"),
            ("154490369878491,9,SUCCESS,,,", "syncRequestId has 1 to 14 characters"),
            ("../../x,9,SUCCESS,,,", "syncRequestId holds letters and digits only"),
            ("1,9,MAYBE,,,", "the status 'MAYBE' is neither SUCCESS nor ERROR"),
            ("1,9", "it has 2 cells, the header 6"),
        ],
    )
    def test_a_row_says_what_is_wrong_with_it(self, row: str, problem: str) -> None:
        assert [record.problem for record in read(row)] == [problem]

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            (b"", "The header lacks syncRequestId, status"),
            (b"syncRequestId,a\n1,2\n", "The header lacks status"),
            (b"syncRequestId,status\n1,SUCCESS\n\xff\n", "It is not UTF-8"),
            (b"syncRequestId,status\n1,SUCCESS\n\x00\n", "It cannot be read after line 2: it holds a NUL"),
        ],
    )
    def test_a_file_that_cannot_be_read_is_refused(self, content: bytes, told: str) -> None:
        with pytest.raises(FileUnreadable, match=told):
            list(ouai_ack_file.read(io.BytesIO(content)))


class TestSyncRequest:
    def test_a_success_has_no_error(self) -> None:
        document = ouai_ack_file.sync_request(
            AckRecord(line=2, sync_request_id="1", succeeded=True), category=11104, number=11220
        )

        assert document == {"syncRequestId": "1", "hasError": False, "exceptionInfo": [], "externalIds": []}

    def test_an_error_carries_code_and_sentence_within_the_lengths_of_dacs(self) -> None:
        record = AckRecord(line=2, sync_request_id="1", error_code="X", error_message="y" * 3000)

        (exception,) = ouai_ack_file.sync_request(record, category=11104, number=11220)["exceptionInfo"]

        assert (exception["messageCategory"], exception["messageNumber"]) == (11104, 11220)
        assert len(exception["comments"]) == 254
        assert [parameter["messageParameterValue"] for parameter in exception["messageParameters"]] == [
            "X",
            "y" * 2000,
        ]
