from __future__ import annotations

import pytest

from outbound.checks import plain_ftp_is_visible
from tests.factories.outbound import make_connection


@pytest.mark.django_db
class TestPlainFtpIsVisible:
    def test_warns_of_each_enabled_one_by_name(self) -> None:
        make_connection("DACS_FTP", transport="ftp", host="127.0.0.1")
        make_connection("OFF", transport="ftp", host="127.0.0.1", enabled=False)
        make_connection("SAFE", transport="ftps", host="127.0.0.1")
        (warning,) = plain_ftp_is_visible(None, databases=["default"])
        assert warning.id == "outbound.W001"
        assert "DACS_FTP uses plain FTP" in warning.msg

    def test_is_silent_without_a_database_to_look_into(self) -> None:
        make_connection("DACS_FTP", transport="ftp", host="127.0.0.1")
        assert plain_ftp_is_visible(None) == []
