from __future__ import annotations

import pytest

from lookups import operations, queries
from lookups.models import LookupVersion
from lookups.names import CONFIG_PROPS, EMAIL_ID, ROUTING
from tests.factories.lookups import AT, LATER, rows_of


pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shipped() -> None:
    operations.install_defaults(at=AT)


def apply(section: object, **given: object) -> list[operations.TableChange]:
    return operations.apply_configuration(section=section, by=None, at=LATER, **given)  # type: ignore[arg-type]


def refused(section: object) -> list[tuple[str, str]]:
    before = LookupVersion.objects.count()
    with pytest.raises(operations.UnableToSaveLookup) as error:
        apply(section)
    assert LookupVersion.objects.count() == before
    return [(entry["pointer"], entry["code"]) for entry in error.value.errors]


def properties() -> dict[str, str]:
    return {row["propertyName"]: row["value"] for row in rows_of(CONFIG_PROPS)}


class TestApplyConfiguration:
    def test_merges_named_properties_into_the_rows(self) -> None:
        before = properties()
        (change,) = apply({CONFIG_PROPS: {"enrollmentSyncAckDelay": 7, "site.own": True}})
        assert (change.name, change.created, change.changed, change.version) == (CONFIG_PROPS, False, True, 2)
        assert properties() == {**before, "enrollmentSyncAckDelay": "7", "site.own": "true"}

    def test_another_name_sets_the_propertys_own_row(self) -> None:
        before = properties()
        apply({CONFIG_PROPS.lower(): {"email.flag": False}})
        assert properties() == {**before, "notification.email.error.flag": "false"}

    def test_a_row_under_another_name_takes_the_canonical_name(self) -> None:
        rows = [{"propertyName": "email.flag", "value": "true"}]
        operations.replace_rows(name=CONFIG_PROPS, rows=rows, by=None, at=LATER)
        apply({CONFIG_PROPS: {"notification.email.flag": "false"}})
        assert properties() == {"notification.email.error.flag": "false"}

    def test_sets_recipients_by_name(self) -> None:
        apply({EMAIL_ID: {"to": "a@example.org, b@example.org", "to.ProcessNotification": "c@example.org"}})
        assert queries.recipients("to") == ["a@example.org", "b@example.org"]
        assert queries.recipients("to.process.notification") == ["c@example.org"]
        assert len(rows_of(EMAIL_ID)) == 3

    def test_rows_by_column_name_replace_the_rows(self) -> None:
        rows = [{"DRMS_Instance": "NMS2", "DRMS_Site_Connection": "B", "DACS_Division": "NV"}]
        apply({"OUTL-BRT-DACS_OUAI_Routing": rows})
        assert rows_of(ROUTING) == rows

    def test_makes_a_lookup_that_is_not_known(self) -> None:
        (change,) = apply({"SITE": [{"A": 1, "B": "x"}, {"A": 2, "C": "y"}]})
        assert (change.created, change.version) == (True, 1)
        assert [column.name for column in queries.table(name="SITE").columns] == ["A", "B", "C"]
        assert rows_of("SITE") == [{"A": "1", "B": "x", "C": ""}, {"A": "2", "B": "", "C": "y"}]

    def test_a_second_time_changes_nothing(self) -> None:
        section = {"SITE": [{"A": 1, "B": "x"}], CONFIG_PROPS: {"email.flag": False}}
        apply(section)
        count = LookupVersion.objects.count()
        assert [change.changed for change in apply(section)] == [False, False]
        assert LookupVersion.objects.count() == count

    def test_a_dry_run_tells_what_would_change_and_stores_nothing(self) -> None:
        count = LookupVersion.objects.count()
        changes = apply({"SITE": [{"A": 1, "B": "x"}], CONFIG_PROPS: {"stage.parallel": 8}}, dry_run=True)
        assert [(change.name, change.created, change.changed) for change in changes] == [
            ("SITE", True, True),
            (CONFIG_PROPS, False, True),
        ]
        assert changes[1].difference.rows[0].cells == {"value": ("4", "8")}
        assert LookupVersion.objects.count() == count

    def test_all_or_nothing_with_a_pointer_to_each_bad_place(self) -> None:
        duplicate = {"DACS_Division": "CA"}
        assert refused(
            {
                "SITE": [{"A": 1, "B": "x"}],
                ROUTING: [duplicate, duplicate],
                CONFIG_PROPS: {"stage.parallel": [1], 5: "x"},
                EMAIL_ID: "me@example.org",
                7: [],
                "OTHER": {"a": "b"},
                "THIRD": [{"A": 1}],
            }
        ) == [
            (f"/{ROUTING}/1/DACS_Division", "duplicate"),
            (f"/{CONFIG_PROPS}/stage.parallel", "invalid_type"),
            (f"/{CONFIG_PROPS}/5", "invalid_type"),
            (f"/{EMAIL_ID}", "invalid_type"),
            ("/7", "invalid_type"),
            ("/OTHER", "invalid_type"),
            ("/THIRD/columns", "too_few"),
        ]

    def test_refuses_a_column_that_the_lookup_does_not_have(self) -> None:
        assert refused({ROUTING: [{"DACS_Division": "CA", "Division": "CA"}]}) == [
            (f"/{ROUTING}/0/Division", "unknown_column")
        ]

    def test_refuses_a_section_that_is_no_mapping(self) -> None:
        assert refused([ROUTING]) == [("", "invalid_type")]
