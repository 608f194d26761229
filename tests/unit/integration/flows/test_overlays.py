"""Overlays applied to what a base mapping gave, and checked before any message comes."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from integration.flows import base_mappings, overlay_checks, overlays, unmapped_paths
from integration.flows.mapping_declarations import NoPath, steps_of
from integration.flows.overlay_checks import FieldEdit
from integration.flows.overlays import Applied, Given
from tests.unit.integration.flows import samples


ENROLLMENT = base_mappings.find("enrollment_request")
RESERVATION = base_mappings.find("event_device_reservation")


def no_lookup(*asked: str) -> str | None:
    return None


def applied(*fields: tuple[str, ...], message: Any = None, base: Any = None) -> Applied:
    return overlays.apply(
        overlays.overlay(ENROLLMENT, version=3, fields=[(*field, "KEEP")[:3] for field in fields]),  # type: ignore[misc]
        Given(message=message or samples.record(), base=base or samples.ENROLLMENT, lookup=no_lookup),
    )


class TestApply:
    def test_adds_and_overrides_and_leaves_the_base_result_alone(self) -> None:
        before = copy.deepcopy(samples.ENROLLMENT)

        found = applied(
            ("locationInfo.address2", "locationInfo.address1"), ("customerInfo.name", "upper(customerInfo.name)")
        )

        assert found.failures == ()
        assert found.document["locationInfo"]["address2"] == "12 Alder Way"
        assert found.document["customerInfo"]["name"] == "RIVERA, DANA"
        assert found.changed == {"/locationInfo/address2": True, "/customerInfo/name": False}
        assert before == samples.ENROLLMENT
        expected = copy.deepcopy(before)
        expected["locationInfo"]["address2"], expected["customerInfo"]["name"] = "12 Alder Way", "RIVERA, DANA"
        assert found.document == expected

    def test_an_item_of_a_list_starts_at_its_own_source(self) -> None:
        message = samples.record()
        second = {**message["assetInfo"]["assetList"][0], "sequence": 2, "colour": "white"}
        message["assetInfo"]["assetList"].append(second)
        base = copy.deepcopy(samples.ENROLLMENT)
        base["assetInfo"]["assetList"].append({"sequence": 2})

        found = applied(
            ("assetInfo.assetList[].colour", "colour"),
            ("assetInfo.assetList[].badgeNo", "join('-', [message().messageId, to_string(target().sequence)])"),
            message=message,
            base=base,
        )

        assert [asset.get("colour") for asset in found.document["assetInfo"]["assetList"]] == [None, "white"]
        assert [asset["badgeNo"] for asset in found.document["assetInfo"]["assetList"]] == [
            "DRMS-ENR-000917-1",
            "DRMS-ENR-000917-2",
        ]

    def test_makes_the_objects_on_the_way(self) -> None:
        found = applied(("site.owner.code", "'R1'"))

        assert found.document["site"] == {"owner": {"code": "R1"}}

    @pytest.mark.parametrize("nothing", ["missing", "customerInfo.businessPhone"])
    @pytest.mark.parametrize(
        ("when_empty", "email"), [("KEEP", "dana.rivera@example.org"), ("LEAVE_OUT", None), ("FAIL", "unchanged")]
    )
    def test_nothing_keeps_leaves_out_or_fails(self, nothing: str, when_empty: str, email: str | None) -> None:
        found = applied(("customerInfo.email", nothing, when_empty))

        if when_empty == "FAIL":
            (failure,) = found.failures
            assert failure.finding.as_error() == {
                "pointer": "/customerInfo/email",
                "code": "no_value",
                "message": "overlay enrollment_request version 3, field customerInfo.email: it gives nothing",
            }
        else:
            assert found.failures == ()
            assert found.document["customerInfo"].get("email") == email

    @pytest.mark.parametrize(
        ("target", "expression", "why"),
        [
            ("programInfo.startDate", "programInfo.startDateTimeISO", "the target takes a date such as 2023-06-05"),
            ("assetInfo.assetOwnership", "'W9'", "the target takes one of W1CO, W1OW"),
            ("customerInfo.email", "`5`", "it gives a number, the target takes a text"),
            ("customerInfo.email", "assetInfo", "it gives an object, the target takes a text"),
            (
                "assetInfo.assetList[].headEndSystem",
                "join('', [nicId, nicId, nicId, nicId, nicId])",
                "it gives a text of 60 characters, the target takes 50",
            ),
            ("assetInfo.assetList[].sequence", "'1'", "it gives a text, the target takes a whole number"),
            ("extra", "&a", "it gives an expression, not a value"),
            ("customerInfo.name.last", "'x'", "name is no object in the base mapping's result"),
        ],
    )
    def test_a_value_that_does_not_fit_is_a_failure_with_its_place(
        self, target: str, expression: str, why: str
    ) -> None:
        (failure,) = applied((target, expression)).failures

        assert why in failure.why
        assert failure.finding.pointer == "/" + target.replace("[]", "/0").replace(".", "/")
        assert failure.finding.message.startswith("overlay enrollment_request version 3, field ")
        assert "411912345678" not in failure.finding.message

    def test_rows_of_a_file_fail_one_by_one(self) -> None:
        rows = [{"nicId": str(number), "zone": zone} for number, zone in enumerate(["north", "", "south"])]
        base = {"deviceList": [{"nicId": row["nicId"]} for row in rows]}

        found = overlays.apply(
            overlays.overlay(RESERVATION, version=1, fields=[("deviceList[].zone", "zone", "FAIL")]),
            Given(message={}, base=base, rows=rows, lookup=no_lookup),
        )

        assert [failure.item for failure in found.failures] == [1]
        assert [device.get("zone") for device in found.document["deviceList"]] == ["north", None, "south"]


class TestSteps:
    @pytest.mark.parametrize(
        ("path", "steps"),
        [("a", ("a",)), ("a.b-c", ("a", "b-c")), ("a[].b", ("a", "[]", "b")), ("a.b[].c", ("a", "b", "[]", "c"))],
    )
    def test_gives_the_steps(self, path: str, steps: tuple[str, ...]) -> None:
        assert steps_of(path) == steps

    @pytest.mark.parametrize("path", ["", "a.", ".a", "a..b", "a[]", "a[0].b", "a b", "1a", "a[].b[]", "a" * 201])
    def test_refuses(self, path: str) -> None:
        with pytest.raises(NoPath):
            steps_of(path)


def checked(*fields: FieldEdit) -> overlay_checks.Checked:
    return overlay_checks.check(ENROLLMENT, fields, example_base=samples.ENROLLMENT, lookup=no_lookup)


class TestCheck:
    @pytest.mark.parametrize(
        ("field", "pointer", "message"),
        [
            (FieldEdit(target="a b", expression="a"), "target", "is no path"),
            (FieldEdit(target="transactionId", expression="messageId"), "target", "know the message by it"),
            (FieldEdit(target="locationInfo.gate", expression="a"), "target", "is not known to have locationInfo.gate"),
            (FieldEdit(target="locationInfo", expression="a", extra=True), "target", "is an object: name a field"),
            (FieldEdit(target="customerInfo.name.x", expression="a", extra=True), "target", "is a single value"),
            (FieldEdit(target="assetInfo.assetList.x", expression="a", extra=True), "target", "is a list: write"),
            (FieldEdit(target="things[].x", expression="a", extra=True), "target", "has no list things"),
            (FieldEdit(target="customerInfo.email", expression="a["), "expression", "ends too early"),
            (FieldEdit(target="customerInfo.email", expression="x", when_empty="NO"), "when_empty", "One of KEEP"),
            (
                FieldEdit(target="programInfo.programCode", expression="x", when_empty="LEAVE_OUT"),
                "when_empty",
                "The target requires programInfo.programCode",
            ),
            (FieldEdit(target="customerInfo.email", expression="`5`"), "expression", "the target takes a text"),
        ],
    )
    def test_refuses_with_a_pointer(self, field: FieldEdit, pointer: str, message: str) -> None:
        (error,) = checked(field).errors

        assert error.pointer == f"/fields/0/{pointer}"
        assert message in error.message

    def test_refuses_fields_that_get_in_each_others_way(self) -> None:
        twice = FieldEdit(target="customerInfo.email", expression="a")
        parent = FieldEdit(target="site", expression="a", extra=True)
        child = FieldEdit(target="site.code", expression="a", extra=True)

        errors = checked(twice, twice, parent, child).errors

        assert [(error.pointer, error.message) for error in errors] == [
            ("/fields/1/target", "Field 1 sets customerInfo.email already."),
            ("/fields/3/target", "Field 3 sets site: one of the two would be lost."),
        ]

    def test_refuses_too_many(self) -> None:
        fields = [FieldEdit(target=f"extra{number}", expression="a", extra=True) for number in range(51)]

        assert checked(*fields).errors[0].message == "51 fields; an overlay has up to 50."

    def test_what_fails_on_the_example_alone_is_a_caution(self) -> None:
        found = checked(
            FieldEdit(target="customerInfo.name", expression="join(' ', [customerInfo.name, customerInfo.title])")
        )

        assert found.errors == ()
        (caution,) = found.cautions
        assert caution.pointer == "/fields/0/expression"
        assert "A message on which it does so is not sent." in caution.message

    def test_takes_known_and_extra_fields(self) -> None:
        found = checked(
            FieldEdit(target="locationInfo.address2", expression="locationInfo.address2"),
            FieldEdit(target="locationInfo.gate.code", expression="'B'", extra=True),
            FieldEdit(target="assetInfo.assetList[].colour", expression="colour", extra=True),
        )

        assert (found.errors, found.cautions) == ((), ())


class TestUnmapped:
    def test_gives_what_holds_something_and_nothing_maps(self) -> None:
        message = samples.record(locationInfo__address2="Unit 4")
        message["gate"] = {"code": 7, "open": False, "12 Alder Way": "a name that is data"}
        message["assetInfo"]["assetList"][0]["colour"] = "white"

        assert unmapped_paths.unmapped(ENROLLMENT, message) == {
            "drmsInstanceId": "text",
            "locationInfo.address2": "text",
            "gate.code": "number",
            "gate.open": "boolean",
            "assetInfo.assetList[].colour": "text",
        }

    def test_what_stands_for_all_below_ends_at_lists(self) -> None:
        sync = base_mappings.find("enrollment_sync")
        message = {
            "contactInfo": {"anything": {"at": "all"}},
            "locationInfo": {"anything": "x", "controllableDevices": [{"nicId": "1", "serialNumber": "2"}]},
        }

        assert unmapped_paths.unmapped(sync, message) == {"locationInfo.controllableDevices[].serialNumber": "text"}

    def test_a_huge_message_is_looked_at_in_part(self) -> None:
        wide = {f"n{number}": "x" for number in range(100_000)}
        deep: Any = "x"
        for _ in range(500):
            deep = {"n": deep}

        assert len(unmapped_paths.unmapped(ENROLLMENT, wide)) == unmapped_paths.MAX_FOUND
        assert unmapped_paths.unmapped(ENROLLMENT, deep) == {}

    def test_columns_of_a_file(self) -> None:
        found = unmapped_paths.unmapped_columns(RESERVATION, ["nicId", "headEndSystemId", "zone", "", "a b"])

        assert found == {"file[].zone": "text"}
