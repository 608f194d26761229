from __future__ import annotations

import datetime as dt

import pytest

from outbound.transports import store
from outbound.transports.store import RemoteFile, UnsafeName


AT = dt.datetime(2024, 3, 10, 12, 0, tzinfo=dt.UTC)


class TestCheckName:
    @pytest.mark.parametrize(
        "name", ["SDCSE_0042_00.csv", "-rf", "a b", "Ünïcode", "..a", "a..", "a\uff0fb", "x" * 255, "~", "%2e%2e"]
    )
    def test_gives_a_label_back(self, name: str) -> None:
        assert store.check_name(name) == name

    @pytest.mark.parametrize(
        ("name", "why"),
        [
            ("", "it is empty"),
            (".", "it is no file"),
            ("..", "it is no file"),
            ("../../etc/passwd", "it is a path"),
            ("a/b", "it is a path"),
            ("/etc/passwd", "it is a path"),
            ("..\\x", "it is a path"),
            ("a\rb", "control or invisible"),
            ("a\nb", "control or invisible"),
            ("a\0b", "control or invisible"),
            ("a\x1b[2J", "control or invisible"),
            ("a\u202eb", "control or invisible"),
            ("a\u2028b", "control or invisible"),
            ("a\udcff", "not UTF-8"),
            ("x" * 256, "longer than 255 bytes"),
            ("ü" * 128, "longer than 255 bytes"),
        ],
    )
    def test_refuses_what_is_none_and_says_so_in_plain_ascii(self, name: str, why: str) -> None:
        with pytest.raises(UnsafeName, match=why) as refused:
            store.check_name(name)
        assert str(refused.value).isascii()
        assert str(refused.value).isprintable()
        assert store.is_safe(name) is False


class TestPartial:
    @pytest.mark.parametrize(
        ("name", "partial"), [("a.csv", False), ("a.csv.part", True), ("a.csv.FILEPART", True), ("part", False)]
    )
    def test_knows_what_is_still_being_written(self, name: str, partial: bool) -> None:
        assert RemoteFile(name, 1, AT).is_partial is partial

    def test_a_working_name_is_partial_safe_and_another_each_time(self) -> None:
        made = {store.partial_name("ü" * 127) for _ in range(10)}
        assert len(made) == 10
        assert all(store.is_partial(name) and store.is_safe(name) for name in made)


class TestOldestFirst:
    def test_sorts_by_age_then_by_name(self) -> None:
        older = RemoteFile("z", 1, AT - dt.timedelta(seconds=1))
        assert store.oldest_first([RemoteFile("b", 1, AT), RemoteFile("a", 1, AT), older]) == [
            older,
            RemoteFile("a", 1, AT),
            RemoteFile("b", 1, AT),
        ]
