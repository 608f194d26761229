from __future__ import annotations

from decimal import Decimal

import pytest

from outbound import parameters


class TestDeclared:
    def test_names_and_defaults_are_those_of_the_contract(self) -> None:
        assert {name: each.parse(each.default) for name, each in parameters.DECLARED.items()} == {
            "MAX_RETRIES": 3,
            "RETRY_BASE_SECONDS": Decimal(30),
            "RETRY_CAP_SECONDS": Decimal(900),
            "BREAKER_FAILURES": 5,
            "BREAKER_RESET_SECONDS": Decimal(30),
            "ERROR_DIGEST_SECONDS": Decimal(900),
            "ERROR_ESCALATE_AFTER": 100,
            "FILE_SETTLE_SECONDS": Decimal(10),
            "IDEMPOTENCY_RETENTION_DAYS": 30,
            "INCIDENT_RETENTION_DAYS": 365,
            "MAIL_RETENTION_DAYS": 90,
        }

    def test_an_unknown_name_is_refused_by_name(self) -> None:
        with pytest.raises(parameters.UnknownParameter, match="MAX_RETRYS is not a parameter; known are MAX_RETRIES"):
            parameters.declaration("MAX_RETRYS")


class TestParse:
    @pytest.mark.parametrize(("written", "value"), [("0.5", Decimal("0.5")), (0, Decimal(0)), (0.25, Decimal("0.25"))])
    def test_seconds_may_be_decimal(self, written: object, value: Decimal) -> None:
        assert parameters.declaration("RETRY_BASE_SECONDS").parse(written) == value

    def test_a_count_is_an_int(self) -> None:
        value = parameters.declaration("MAX_RETRIES").parse("0")
        assert value == 0
        assert isinstance(value, int)

    @pytest.mark.parametrize(
        ("name", "written", "message"),
        [
            ("MAX_RETRIES", "2.5", "whole number"),
            ("MAX_RETRIES", "101", "between 0 and 100"),
            ("BREAKER_FAILURES", "0", "between 1 and 1000"),
            ("RETRY_BASE_SECONDS", "-1", "takes a number"),
            ("RETRY_BASE_SECONDS", "NaN", "takes a number"),
            ("RETRY_BASE_SECONDS", "1_000", "takes a number"),
            ("RETRY_BASE_SECONDS", "١٢٣", "takes a number"),
            ("RETRY_BASE_SECONDS", "1e3", "takes a number"),
            ("RETRY_BASE_SECONDS", True, "takes a number"),
            ("RETRY_BASE_SECONDS", None, "takes a number"),
            ("RETRY_BASE_SECONDS", "99999999", "between 0 and 86400"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, name: str, written: object, message: str) -> None:
        with pytest.raises(parameters.UnableToReadParameter, match=message):
            parameters.declaration(name).parse(written)


class TestWrite:
    @pytest.mark.parametrize(("written", "stored"), [("30.50", "30.5"), ("900", "900"), ("0", "0"), (" 7 ", "7")])
    def test_equal_values_are_stored_equally(self, written: str, stored: str) -> None:
        assert parameters.declaration("RETRY_CAP_SECONDS").write(written) == stored
