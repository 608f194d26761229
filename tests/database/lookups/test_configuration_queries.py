from __future__ import annotations

import datetime as dt

import pytest

from lookups import operations, queries
from lookups.names import CONFIG_PROPS, EMAIL_ID, OUAI_CONFIG_PROPS, OUAI_EMAIL_ID
from tests.factories.lookups import AT, LATER


pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shipped() -> None:
    operations.install_defaults(at=AT)


def set_rows(*rows: tuple[str, str], name: str = CONFIG_PROPS) -> None:
    operations.replace_rows(
        name=name, rows=[{"propertyName": key, "value": value} for key, value in rows], by=None, at=LATER
    )


class TestConfigProperty:
    def test_gives_shipped_values_as_their_types(self) -> None:
        assert queries.config_property("notification.email.process.nofile.flag") is False
        assert queries.config_property("notification.email.error.flag") is True
        assert queries.config_property("enrollmentSyncAckDelay") == dt.timedelta(seconds=5)
        assert queries.config_property("deviceStatusCheck.ackTimeout") == dt.timedelta(hours=24)
        assert queries.config_property("stage.segment.size") == 200
        assert queries.config_property("dacs.os.namespace") == ""
        assert queries.config_property("dacs.prefixtag.filenotuploaded") == "Error-"

    def test_finds_a_property_in_its_own_table(self) -> None:
        assert queries.config_property("ouai.dacs.message.number") == 11220
        assert queries.config_property("ouai.os.enrollack.bucket", table=OUAI_CONFIG_PROPS) == "OUAI_EnrollAck_DEV"

    def test_gives_the_default_when_there_is_no_row(self) -> None:
        set_rows(("site.own", "x"))
        assert queries.config_property("enrollmentSyncAckDelay") == dt.timedelta(seconds=5)

    def test_a_row_under_another_name_works(self) -> None:
        set_rows(("email.flag", "FALSE"))
        assert queries.config_property("notification.email.error.flag") is False
        assert queries.config_property("email.flag") is False

    def test_the_canonical_row_wins_over_another_name(self) -> None:
        set_rows(("email.flag", "false"), ("notification.email.error.flag", "true"))
        assert queries.config_property("notification.email.error.flag") is True

    def test_names_table_property_and_value_that_cannot_be_read(self) -> None:
        set_rows(("email.flag", "perhaps"))
        with pytest.raises(queries.UnableToReadProperty) as refused:
            queries.config_property("notification.email.error.flag")
        assert str(refused.value) == (
            f"The property notification.email.error.flag in {CONFIG_PROPS} is 'perhaps': expected true or false."
        )

    def test_a_property_that_only_the_site_knows_is_text(self) -> None:
        set_rows(("site.own", "5"))
        assert queries.config_property("site.own") == "5"
        with pytest.raises(queries.UnknownProperty, match=r"site\.other"):
            queries.config_property("site.other")


class TestRecipients:
    def test_splits_and_strips_the_list(self) -> None:
        rows = [{"Recipient": "to", "Email_Id": " a@example.org , ,b@example.org,"}]
        operations.replace_rows(name=EMAIL_ID, rows=rows, by=None, at=LATER)
        assert queries.recipients("to") == ["a@example.org", "b@example.org"]

    def test_is_empty_when_nobody_is_entered(self) -> None:
        assert queries.recipients("to") == []
        assert queries.recipients("to.process.notification", table=OUAI_EMAIL_ID) == []

    @pytest.mark.parametrize("spelling", ["to.ProcessNotification", "to.processnotification"])
    def test_takes_the_guides_other_spellings(self, spelling: str) -> None:
        rows = [{"Recipient": spelling, "Email_Id": "a@example.org"}]
        operations.replace_rows(name=EMAIL_ID, rows=rows, by=None, at=LATER)
        assert queries.recipients("to.process.notification") == ["a@example.org"]

    def test_unknown_recipients_are_named(self) -> None:
        with pytest.raises(queries.UnknownRecipient, match="'cc'"):
            queries.recipients("cc")

    def test_what_is_no_address_is_refused_at_save(self) -> None:
        rows = [{"Recipient": "to", "Email_Id": "a@example.org, nobody"}]
        with pytest.raises(operations.UnableToSaveLookup) as refused:
            operations.replace_rows(name=EMAIL_ID, rows=rows, by=None, at=LATER)
        assert [(error["pointer"], error["code"]) for error in refused.value.errors] == [
            ("/rows/0/Email_Id", "invalid_address")
        ]
        assert queries.table(name=EMAIL_ID).version == 1


class TestWarnings:
    def test_there_are_none_as_shipped(self) -> None:
        assert queries.warnings() == []

    def test_flags_aliases_and_says_when_the_canonical_row_counts(self) -> None:
        set_rows(("email.flag", "true"), ("notification.type.email.flag", "x"), ("notification.type.email", "Email"))
        assert [(warning.row, warning.code) for warning in queries.warnings(table=CONFIG_PROPS)] == [
            (1, "ALIAS_ROW"),
            (2, "CANONICAL_WINS"),
        ]

    def test_flags_unreadable_values_and_unknown_names(self) -> None:
        set_rows(("stage.parallel", "many"), ("stage.paralel", "4"))
        assert [(warning.row, warning.code) for warning in queries.warnings(table=CONFIG_PROPS)] == [
            (1, "UNREADABLE_VALUE"),
            (2, "UNKNOWN_NAME"),
        ]


class TestConfigurationSection:
    def test_applied_again_changes_nothing(self) -> None:
        section = queries.configuration_section()
        changes = operations.apply_configuration(section=section, by=None, at=LATER)
        assert len(changes) == 11
        assert not any(change.changed for change in changes)
