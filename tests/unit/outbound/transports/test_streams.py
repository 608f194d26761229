from __future__ import annotations

from collections.abc import Iterator

import pytest

from outbound.transports import streams
from outbound.transports.streams import SizedChunks, SourceFailed, SourceSizeWrong


class TestSizedChunks:
    def test_gives_the_chunks_and_their_length(self) -> None:
        body = SizedChunks(iter([b"ab", b"c"]), 3)
        assert (len(body), list(body)) == (3, [b"ab", b"c"])

    @pytest.mark.parametrize("size", [2, 4])
    def test_another_length_is_an_error(self, size: int) -> None:
        with pytest.raises(SourceFailed) as failed:
            list(SizedChunks([b"ab", b"c"], size))
        assert isinstance(failed.value.__cause__, SourceSizeWrong)

    def test_what_reading_raises_is_the_cause(self) -> None:
        def source() -> Iterator[bytes]:
            yield b"a"
            raise OSError("disk")

        with pytest.raises(SourceFailed) as failed:
            list(SizedChunks(source(), 3))
        assert str(failed.value.__cause__) == "disk"


class TestTransferSeconds:
    @pytest.mark.parametrize(("size", "seconds"), [(0, 60.0), (64 * 1024 * 40, 100.0), (1 << 40, 3600.0)])
    def test_grows_with_the_size_up_to_an_hour(self, size: int, seconds: float) -> None:
        assert streams.transfer_seconds(read_timeout=60.0, size=size) == seconds
