from __future__ import annotations

import msgspec
import pytest

from foundation.api import decoding, problems


class Asset(msgspec.Struct, forbid_unknown_fields=True):
    sequence: int
    name: str = ""


class Message(msgspec.Struct, forbid_unknown_fields=True):
    assets: list[Asset]


class TestConvert:
    def test_it_gives_the_typed_struct(self) -> None:
        assert decoding.convert({"assets": [{"sequence": 1}]}, Message) == Message(assets=[Asset(sequence=1)])

    @pytest.mark.parametrize(
        ("value", "pointer", "code"),
        [
            ({}, "/assets", "required"),
            ({"assets": [{"name": "x"}]}, "/assets/0/sequence", "required"),
            ({"assets": [{"sequence": "x"}]}, "/assets/0/sequence", "invalid"),
            ({"assets": [], "other": 1}, "/other", "unknown_field"),
            ([], "", "invalid"),
        ],
    )
    def test_it_points_at_what_does_not_fit(self, value: object, pointer: str, code: str) -> None:
        with pytest.raises(decoding.DoesNotFit) as caught:
            decoding.convert(value, Message)

        # A pointer inside a list names the index where msgspec gives it, and "..." where it does not.
        assert caught.value.code == code
        assert caught.value.pointer.replace("...", "0") == pointer


class TestConvertBody:
    def test_it_answers_with_a_problem_that_points_at_the_field(self) -> None:
        with pytest.raises(problems.InvalidBody) as caught:
            decoding.convert_body({}, Message)

        assert caught.value.errors == [{"pointer": "/assets", "code": "required", "message": "assets is required"}]
