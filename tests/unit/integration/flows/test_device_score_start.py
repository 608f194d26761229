from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from integration.flows.contract import MessageRefused
from integration.flows.device_score import FLOW
from integration.flows.file_staging import stage
from outbound.transports.store import FileChanged


class TestAccept:
    @pytest.mark.parametrize("document", [None, {}, ""])
    def test_nothing_starts_a_run(self, document: Any) -> None:
        assert FLOW.accept(document).by_hand is False

    def test_by_hand(self) -> None:
        assert FLOW.accept({"byHand": True}).by_hand is True

    @pytest.mark.parametrize(
        ("document", "pointers"), [({"byHand": 1}, ["/byHand"]), ({"a": 1, "b": 2}, ["/a", "/b"]), ([1], [])]
    )
    def test_anything_else_is_refused(self, document: Any, pointers: list[str]) -> None:
        with pytest.raises(MessageRefused) as refused:
            FLOW.accept(document)
        assert [finding.pointer for finding in refused.value.findings] == pointers


class TestStage:
    def test_gives_the_content_and_its_digest(self) -> None:
        with stage([b"ab", b"c"], name="SDCSE_1.csv", size=3) as staged:
            assert b"".join(staged.chunks()) == b"abc"
            assert b"".join(staged.chunks()) == b"abc"
            assert staged.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

    @pytest.mark.parametrize("chunks", [[b"ab"], [b"ab", b"cd"]])
    def test_refuses_what_is_more_or_less_than_was_listed(self, chunks: list[bytes]) -> None:
        with pytest.raises(FileChanged, match="was listed with 3 bytes"):
            stage(chunks, name="SDCSE_1.csv", size=3)

    def test_a_large_file_takes_little_memory(self) -> None:
        chunk = b"x" * (256 * 1024)
        tracemalloc.start()
        try:
            with stage((chunk for _ in range(256)), name="SDCSE_1.csv", size=64 * 1024 * 1024) as staged:
                passed = sum(len(piece) for piece in staged.chunks())
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

        assert passed == 64 * 1024 * 1024
        assert peak < 4 * 1024 * 1024
