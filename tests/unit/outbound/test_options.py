from __future__ import annotations

import pytest

from outbound import options


class TestMisfits:
    @pytest.mark.parametrize(
        ("transport", "given"),
        [
            ("rest", {}),
            ("rest", {"health_path": "health", "send_enrollment_source": True}),
            ("email", {"starttls": "required", "implicit_tls": False}),
        ],
    )
    def test_declared_options_of_the_right_kind_pass(self, transport: str, given: dict[str, object]) -> None:
        assert options.misfits(transport, given) == []

    @pytest.mark.parametrize(
        ("transport", "given", "found"),
        [
            ("rest", {"healthpath": "x"}, ("healthpath", "not a known option; known for rest: health_path")),
            ("rest", {"starttls": "never"}, ("starttls", "not an option of rest")),
            ("rest", {"health_path": 5}, ("health_path", "takes a text")),
            ("rest", {"send_enrollment_source": "yes"}, ("send_enrollment_source", "takes true or false")),
            ("email", {"starttls": "sometimes"}, ("starttls", "one of required, when_offered, never")),
            ("rest", [], ("", "an object")),
        ],
    )
    def test_anything_else_is_named(self, transport: str, given: object, found: tuple[str, str]) -> None:
        misfits = options.misfits(transport, given)
        assert len(misfits) == 1
        assert misfits[0][0] == found[0]
        assert found[1] in misfits[0][1]


class TestValue:
    def test_gives_the_default_when_not_set(self) -> None:
        assert options.value({}, "starttls") == "when_offered"
        assert options.value({"starttls": "never"}, "starttls") == "never"
