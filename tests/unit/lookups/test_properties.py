from __future__ import annotations

import pytest

from lookups.properties import NOFILE_MAIL_BY_DEFAULT, PROPERTIES, name_of_property, property_named
from lookups.property_types import read_value


class TestRegistry:
    def test_mail_for_no_file_is_off_as_both_flows_say(self) -> None:
        # C-02: the guide's lines 756 and 805 say false, line 259-261 says true.
        assert NOFILE_MAIL_BY_DEFAULT is False
        known = property_named("notification.email.process.nofile.flag")
        assert known is not None
        assert known.default == "false"
        assert "756" in known.help
        assert "259" in known.help

    @pytest.mark.parametrize(
        ("alias", "canonical"),
        [
            ("email.flag", "notification.email.error.flag"),
            ("notification.email.flag", "notification.email.error.flag"),
            ("error email.flag", "notification.email.error.flag"),
            ("notification.type.email.flag", "notification.type.email"),
            ("ouai.dacs.messasge.number", "ouai.dacs.message.number"),
            ("ouai.dacs.messasge.category", "ouai.dacs.message.category"),
            ("dass.prefixtag.filenotuploaded", "dacs.prefixtag.filenotuploaded"),
            ("dacs.prefixtag.filenot uploaded", "dacs.prefixtag.filenotuploaded"),
            ("dacs.os.dvcScore.bucket name", "dacs.os.dvcScore.bucketname"),
            ("ENROLLMENTSYNCACKDELAY", "enrollmentSyncAckDelay"),
        ],
    )
    def test_other_names_lead_to_the_canonical_one(self, alias: str, canonical: str) -> None:
        known = property_named(alias)
        assert known is not None
        assert known.name == canonical

    def test_no_name_stands_for_two_properties(self) -> None:
        names = [name_of_property(name) for known in PROPERTIES for name in known.names]
        assert len(names) == len(set(names))

    @pytest.mark.parametrize("known", PROPERTIES, ids=lambda known: known.name)
    def test_every_default_can_be_read_as_its_type(self, known: object) -> None:
        assert known.help  # type: ignore[attr-defined]
        read_value(known.default, known.type, unit=known.unit)  # type: ignore[attr-defined]
