from __future__ import annotations

import pytest

from integration.flows import enrollment_mapping
from tests.unit.integration.flows.samples import ENROLLMENT, record


class Lookups:
    """The shipped contents that the sample needs, and one specification that is empty on purpose."""

    def asset_specification(self, make_and_model: str) -> str | None:
        return {"ECOBEE!EB-STATE5": "ECOBEE-SMART5", "NONE!NONE": ""}.get(make_and_model)

    def asset_type(self, asset_type: str) -> str | None:
        return {"THERMOSTAT": "SMART-THERMOSTAT"}.get(asset_type)


class TestMapRecord:
    def test_maps_the_guide_s_sample_to_the_guide_s_enrollment(self) -> None:
        assert enrollment_mapping.map_record(record(), translate=Lookups()) == ENROLLMENT

    def test_takes_the_start_date_as_it_stands_before_the_t_without_shifting_it(self) -> None:
        late = record(programInfo__startDateTimeISO="2023-06-05T23:30:00-07:00")

        made = enrollment_mapping.map_record(late, translate=Lookups())

        assert made["programInfo"]["startDate"] == "2023-06-05"

    def test_leaves_out_what_the_guide_does_not_map(self) -> None:
        full = record(
            locationInfo__address2="Unit 2",
            locationInfo__address3="Floor 3",
            locationInfo__address4="Rear",
            programInfo__endDateTimeISO="2024-06-05T00:00:00-07:00",
        )

        assert enrollment_mapping.map_record(full, translate=Lookups()) == ENROLLMENT

    def test_sends_the_enrollment_source_only_when_asked(self) -> None:
        made = enrollment_mapping.map_record(record(), translate=Lookups(), enrollment_source="X1BY")

        assert made == {**ENROLLMENT, "enrollmentSource": "X1BY"}

    def test_leaves_out_a_value_that_the_lookup_holds_as_empty(self) -> None:
        made = enrollment_mapping.map_record(
            record(assetInfo__assetList__0__specification="NONE!NONE"), translate=Lookups()
        )

        assert "specification" not in made["assetInfo"]["assetList"][0]

    def test_names_every_table_and_value_that_is_missing(self) -> None:
        unknown = record(
            assetInfo__assetList__0__specification="ACME!ONE", assetInfo__assetList__0__assetType="TOASTER"
        )

        with pytest.raises(enrollment_mapping.UnableToMap) as caught:
            enrollment_mapping.map_record(unknown, translate=Lookups(), pointer="/params/4")

        assert [(finding.pointer, finding.message) for finding in caught.value.findings] == [
            (
                "/params/4/assetInfo/assetList/0/specification",
                "specification ACME!ONE is not in the lookup OUTL-BRT-DACS_DRMS_AssetSpec",
            ),
            (
                "/params/4/assetInfo/assetList/0/assetType",
                "assetType TOASTER is not in the lookup OUTL-BRT-DACS_DRMS_AssetType",
            ),
        ]
