from __future__ import annotations

import pytest

from lookups import operations, queries
from lookups.folding import Folding
from lookups.models import Lookup, LookupVersion
from lookups.names import CONFIG_PROPS, EMAIL_ID, ROUTING, SHIPPED
from lookups.properties import PROPERTIES
from tests.factories.lookups import AT, LATER, rows_of


pytestmark = pytest.mark.django_db


class TestInstallDefaults:
    def test_ships_the_twelve_names_of_the_guide(self) -> None:
        operations.install_defaults(at=AT)
        assert len(SHIPPED) == 12
        assert {queries.table(name=name).version for name in SHIPPED} == {1}
        assert Lookup.objects.filter(shipped=True).count() == 11

    @pytest.mark.parametrize(
        ("alias", "name"),
        [
            ("OUTL-BRT-DACS_OUAI_Routing", ROUTING),
            ("outl-brt-drmsid-to-dacsid", ROUTING),
            ("OUTL-BRT-DACS-DRMS_AssetSpec", "OUTL-BRT-DACS_DRMS_AssetSpec"),
            ("OUTL-BRT-DACS_DRMS_EMAIL_ID", EMAIL_ID),
            ("OUTL-BRT-OUAI_DACS_Email_ID", "OUTL-BRT-OUAI_DACS_DRMS_Email_ID"),
            ("OUTLBRT-DACS_DRMS_ConfigProps", CONFIG_PROPS),
        ],
    )
    def test_ships_the_other_names(self, alias: str, name: str) -> None:
        operations.install_defaults(at=AT)
        assert queries.table(name=alias).name == name

    def test_ships_what_routing_needs_to_be_unambiguous(self) -> None:
        operations.install_defaults(at=AT)
        columns = {column.name: column for column in queries.table(name=ROUTING).columns}
        assert list(columns) == ["DRMS_Instance", "DRMS_Site_Connection", "DACS_Division"]
        assert (columns["DACS_Division"].unique, columns["DACS_Division"].folding) == (True, Folding.CASE)
        rows = [{"DRMS_Instance": f"NMS{number}", "DACS_Division": "CA"} for number in (1, 2)]
        with pytest.raises(operations.UnableToSaveLookup) as refused:
            operations.replace_rows(name=ROUTING, rows=rows, by=None, at=LATER)
        assert [error["pointer"] for error in refused.value.errors] == ["/rows/1/DACS_Division"]
        assert rows_of(ROUTING) == [
            {"DRMS_Instance": "NMS1", "DRMS_Site_Connection": "NMS1_SITE_A", "DACS_Division": "CA"}
        ]

    def test_a_second_time_changes_nothing(self) -> None:
        operations.install_defaults(at=AT)
        assert operations.install_defaults(at=LATER) == operations.InstalledDefaults()
        assert LookupVersion.objects.count() == 11

    def test_adds_missing_properties_and_leaves_what_the_site_has(self) -> None:
        operations.install_defaults(at=AT)
        rows = [
            {"propertyName": "email.flag", "value": "false"},
            {"propertyName": "stage.parallel", "value": "8"},
            {"propertyName": "site.own", "value": "x"},
        ]
        operations.replace_rows(name=CONFIG_PROPS, rows=rows, by=None, at=LATER)
        operations.replace_rows(name=ROUTING, rows=[], by=None, at=LATER)
        added = operations.install_defaults(at=LATER)
        assert added.lookups == ()
        names = [name for table, name in added.rows if table == CONFIG_PROPS]
        # Those of the table but for the two that the site has.
        assert len(names) == len(added.rows) == len([one for one in PROPERTIES if one.table == CONFIG_PROPS]) - 2
        assert "notification.email.error.flag" not in names
        assert queries.config_property("notification.email.error.flag") is False
        assert queries.config_property("stage.parallel") == 8
        assert rows_of(CONFIG_PROPS)[2]["propertyName"] == "site.own"
        assert rows_of(ROUTING) == []
