from __future__ import annotations

import io

import pytest

from integration.flows import score_file


HEADER = "recordId,deviceId,programSubscriptionId,controlScore,eligible"


def row(number: int = 1, *, device: str = "", score: str = "33.43", eligible: str = "Y") -> str:
    return f"{number},{device or f'D{number}'},S1,{score},{eligible}"


def found(*lines: str, header: str = HEADER) -> list[str]:
    content = io.BytesIO("\n".join([header, *lines, ""]).encode())
    return [str(finding) for finding in score_file.check(content).findings]


class TestCheck:
    def test_a_clean_file_has_no_finding(self) -> None:
        assert found(row(1), row(2, score="0.00", eligible="N"), row(3, score="100")) == []

    def test_tabs_are_read_off_the_header(self) -> None:
        assert found(row(1).replace(",", "\t"), header=HEADER.replace(",", "\t")) == []

    def test_a_byte_order_mark_and_crlf_are_no_findings(self) -> None:
        content = io.BytesIO(b"\xef\xbb\xbf" + f"{HEADER}\r\n{row()}\r\n".encode())

        assert score_file.check(content).wrong == 0
        assert not content.closed

    @pytest.mark.parametrize("score", ["-0.01", "", "abc", "NaN", "Infinity"])
    def test_a_score_is_a_number_of_0_or_more(self, score: str) -> None:
        assert found(row(1, score=score)) == ["line 2, controlScore: it is no number of 0 or more"]

    def test_a_score_above_100_is_unusual(self) -> None:
        assert found(row(1, score="100.01")) == ["line 2, controlScore: 100.01 is above 100"]

    @pytest.mark.parametrize("eligible", ["y", "yes", "", "1"])
    def test_eligible_is_y_or_n(self, eligible: str) -> None:
        assert found(row(1, eligible=eligible)) == ["line 2, eligible: it is neither Y nor N"]

    def test_a_device_comes_once_per_program_subscription(self) -> None:
        assert found(row(1, device="D"), row(2, device="D")) == [
            "line 3, deviceId: the device comes twice for this program subscription"
        ]

    def test_a_header_that_lacks_or_repeats_a_column(self) -> None:
        assert found(row(), header="recordId,deviceId,deviceId,controlScore,eligible") == [
            "line 1: the header lacks programSubscriptionId",
            "line 1: the header repeats deviceId",
        ]

    def test_a_ragged_row(self) -> None:
        assert found("1,2") == ["line 2: it has 2 cells, the header 5"]

    def test_a_file_without_rows(self) -> None:
        assert found() == ["line 2: the file has no row"]

    @pytest.mark.parametrize(
        ("body", "told"),
        [
            (b"\xff\xfe\x00", "the file is not UTF-8 from here on"),
            (b"1,\x00,S1,1,Y\n", "the line cannot be read: it holds a NUL"),
            (b'1,"D1,S1,1,Y\n', "the line cannot be read: unexpected end of data"),
            (b"x" * 200_000, "the line cannot be read: it is too long"),
        ],
    )
    def test_what_cannot_be_read(self, body: bytes, told: str) -> None:
        checked = score_file.check(io.BytesIO(HEADER.encode() + b"\n" + body))

        assert [finding.message for finding in checked.findings] == [told]

    def test_only_the_first_findings_are_kept(self) -> None:
        content = io.BytesIO("\n".join([HEADER, *(row(n, score="x") for n in range(80))]).encode())

        checked = score_file.check(content)

        assert (checked.rows, checked.wrong, len(checked.findings)) == (80, 80, score_file.MAX_FINDINGS)


@pytest.mark.parametrize(
    ("name", "packed"), [("SDCSE_1.csv", False), ("SDCSE_1.csv.zip", True), ("SDCSE_1.CSV.GZ", True)]
)
def test_archives_are_told_by_their_name(name: str, packed: bool) -> None:
    assert score_file.is_packed(name) is packed
