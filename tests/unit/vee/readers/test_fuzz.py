"""Nothing but readings, refused rows and `FileUnreadable` comes out of a reader, whatever goes in."""

from __future__ import annotations

import io
import zipfile

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.factories.meter_data import day, nem12, stream
from tests.factories.readings import (
    NEW_YORK,
    cmep,
    green_button,
    interval_reading,
    layout,
    mscons,
    nem13,
    quantity,
    register_row,
)
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


LAYOUTS = {
    "csv:reading": layout(quality_column="q", quality_conditions={"A": 501000, "": 201000}),
    "csv:day": layout(arrangement="ROW_PER_DAY", seconds_per_interval=21_600, day_columns="CLOCK", total_column="q"),
    "csv:bare": layout(has_header=False, component_column="#1", date_column="#2", value_column="#3", encoding="utf-16"),
}
HEADER = "meter,time,value,b,c,d,q"
# One good file of each format, to be damaged.
GOOD_FILES = {
    "nem12": GOOD,
    "nem13": nem13(register_row(), "550,N,,E,"),
    "cmep": cmep("202606020800,R0,8", ",R0,9").encode(),
    "mscons": mscons(quantity("201912140000", "201912140015"), quantity("201912140015", "201912140030", "2,5")),
    "green_button": green_button(interval_reading(1330578000, 1, 8), interval_reading(1330578900)),
    "csv": b"measuring_component,start,seconds_per_interval,uom,value\nMC-1,2024-03-10T05:00:00Z,900,KWH,0.21\n",
    "csv:reading": f"{HEADER}\nM1,2024-11-03 01:00,1,,,,A\nM1,2024-11-03 01:15,2,,,,A\n".encode(),
    "csv:day": f"{HEADER}\nM1,2024-03-09,1,2,3,4,10\n".encode(),
    "csv:bare": "M1,2024-01-02 00:00,1\nM1,2024-01-02 00:15,2\n".encode("utf-16"),
}
WORDS = st.sampled_from(
    ["MEPMD01", "MEPMD02", "00000100", "R0", "KWHREG", "QTY+220:1", "DTM+163:2019", "PIA+5", "UNH+1", "UNA:+.? '", "'",
     "?", "<entry>", "</entry>", "<IntervalReading>", "<!--", "<![CDATA[", "<!DOCTYPE x>", "&#0;", "M1",
     "2024-11-03 01:00",
     "2024-03-10", "A", "1.5", ",", "\n", '"', "\x00", "é", "250", "550", "900"]
)  # fmt: skip


def drain(raw: bytes, format: str) -> None:  # noqa: A002
    last = 0
    try:
        items = readers.open_reader(
            format=format,
            stream=io.BytesIO(raw),
            name="x",
            zone_of=lambda _: NEW_YORK,
            clock_of=lambda _: NEW_YORK,
            layout=LAYOUTS.get(format),
        )
        for item in items:
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
    @given(st.binary(max_size=400), st.sampled_from(sorted(GOOD_FILES)))
    def test_survives_any_bytes(self, raw: bytes, format: str) -> None:  # noqa: A002
        drain(raw, format)

    @settings(max_examples=100, deadline=None)
    @given(st.sampled_from(sorted(GOOD_FILES)), st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=3))
    def test_survives_a_file_with_bytes_changed(self, format: str, place: float, piece: bytes) -> None:  # noqa: A002
        good = GOOD_FILES[format]
        begin = int(place * len(good))
        drain(good[:begin] + piece + good[begin + len(piece) :], format)

    @settings(max_examples=200, deadline=None)
    @given(
        st.sampled_from(sorted(GOOD_FILES)),
        st.lists(st.tuples(st.floats(0, 1), st.one_of(WORDS, CELLS)), max_size=6),
        st.floats(0, 1),
    )
    def test_survives_words_put_into_a_file_and_its_end_cut(
        self,
        format: str,  # noqa: A002
        pieces: list[tuple[float, str]],
        cut: float,
    ) -> None:
        raw = GOOD_FILES[format]
        for place, word in pieces:
            begin = int(place * len(raw))
            raw = raw[:begin] + word.encode(errors="surrogatepass") + raw[begin:]
        drain(raw[: int(cut * len(raw)) + 1], format)

    def test_reads_the_good_files(self) -> None:
        for format, raw in GOOD_FILES.items():  # noqa: A001
            items = list(
                readers.open_reader(
                    format=format,
                    stream=io.BytesIO(raw),
                    name="x",
                    clock_of=lambda _: NEW_YORK,
                    layout=LAYOUTS.get(format),
                )
            )
            good = [item for item in items if not isinstance(item, RowError)]
            assert bool(good) != (format == "csv:reading"), format

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
