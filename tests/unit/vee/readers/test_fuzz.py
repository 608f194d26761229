"""Nothing but readings, refused rows and `FileUnreadable` comes out of a reader, whatever goes in."""

from __future__ import annotations

import io
import zipfile

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.factories.meter_data import day, nem12, stream
from vee import readers
from vee.readers import FileUnreadable, IntervalReadings, RegisterReading, RowError


CELLS = st.one_of(
    st.sampled_from(
        ["100", "200", "300", "400", "500", "900", "NEM12", "A", "V", "S14", "F", "", "30", "48", "1", "20260308"]
    ),
    st.text(alphabet=st.characters(max_codepoint=0x2FF), max_size=8),
    st.integers(-10, 2000).map(str),
    st.decimals(allow_nan=True, allow_infinity=True).map(str),
)
ROWS = st.lists(CELLS, max_size=12).map(",".join)
GOOD_ROWS = st.sampled_from(
    [stream(), day("20260308", ["1.5"] * 48), day("20260308", ["0"] * 48, "V"), "400,1,48,A,,", "900"]
)
TEXTS = st.lists(st.one_of(ROWS, GOOD_ROWS), max_size=12).map(
    lambda rows: "\n".join(["100,NEM12,1,A,B", *rows]).encode()
)
GOOD = nem12(stream(), day("20260308", ["1.5"] * 48), "500,N,S1,20260308121500,12.5")


def drain(raw: bytes, format: str) -> None:  # noqa: A002
    last = 0
    try:
        for item in readers.open_reader(format=format, stream=io.BytesIO(raw), name="x"):
            assert isinstance(item, IntervalReadings | RegisterReading | RowError)
            assert item.rows >= 1
            assert item.line >= 1
            if isinstance(item, IntervalReadings):
                assert len(item.values) == len(item.conditions)
                assert item.line > last
                last = item.line
    except FileUnreadable:
        return


class TestAReader:
    @settings(max_examples=150, deadline=None)
    @given(TEXTS)
    def test_survives_rows_of_all_kinds(self, raw: bytes) -> None:
        drain(raw, "nem12")

    @settings(max_examples=100, deadline=None)
    @given(st.binary(max_size=400), st.sampled_from(["nem12", "csv"]))
    def test_survives_any_bytes(self, raw: bytes, format: str) -> None:  # noqa: A002
        drain(raw, format)

    @settings(max_examples=100, deadline=None)
    @given(st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=3))
    def test_survives_a_file_with_bytes_changed(self, place: int, piece: bytes) -> None:
        drain(GOOD[:place] + piece + GOOD[place + len(piece) :], "nem12")

    @settings(max_examples=100, deadline=None)
    @given(st.lists(ROWS, max_size=8))
    def test_survives_csv_rows_of_all_kinds(self, rows: list[str]) -> None:
        header = "measuring_component,start,seconds_per_interval,uom,value"
        drain("\n".join([header, *rows]).encode(errors="surrogatepass"), "csv")

    @settings(max_examples=100, deadline=None)
    @given(st.data())
    def test_survives_a_damaged_archive(self, data: st.DataObject) -> None:
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.csv", GOOD)
        raw = bytearray(target.getvalue())
        for _ in range(data.draw(st.integers(1, 3))):
            raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))

        drain(bytes(raw), "nem12")
