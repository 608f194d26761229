from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa

from outbound.transports import keys
from outbound.transports.base import ConnectionNotUsable


RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
MADE: dict[str, Any] = {
    "rsa": RSA,
    "ecdsa": ec.generate_private_key(ec.SECP256R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
}
FORMS = serialization.PrivateFormat


def _text(key: Any, form: serialization.PrivateFormat, password: bytes = b"") -> str:
    protection: Any = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return str(key.private_bytes(serialization.Encoding.PEM, form, protection).decode())


class TestLoadPrivateKey:
    @pytest.mark.parametrize("form", [FORMS.OpenSSH, FORMS.PKCS8])
    @pytest.mark.parametrize("kind", sorted(MADE))
    def test_reads_the_usual_forms(self, kind: str, form: serialization.PrivateFormat) -> None:
        key = keys.load_private_key("\n" + _text(MADE[kind], form) + "\n\n")
        assert key.public_key() == MADE[kind].public_key()
        assert keys.load_private_key(keys.as_openssh(key)).public_key() == MADE[kind].public_key()

    @pytest.mark.parametrize("form", [FORMS.OpenSSH, FORMS.PKCS8, FORMS.TraditionalOpenSSL])
    def test_refuses_one_with_a_passphrase(self, form: serialization.PrivateFormat) -> None:
        with pytest.raises(ConnectionNotUsable, match="protected by a passphrase"):
            keys.load_private_key(_text(RSA, form, b"secret"))

    @pytest.mark.parametrize("text", ["", "nonsense", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"])
    def test_refuses_what_is_none_without_showing_it(self, text: str) -> None:
        with pytest.raises(ConnectionNotUsable, match="cannot be read") as refused:
            keys.load_private_key(text)
        assert "AAAA" not in str(refused.value)

    def test_refuses_another_kind(self) -> None:
        with pytest.raises(ConnectionNotUsable, match="RSA, ECDSA and Ed25519"):
            keys.load_private_key(_text(dsa.generate_private_key(key_size=2048), FORMS.PKCS8))


class TestReadHostKeys:
    LINE = (
        MADE["ed25519"]
        .public_key()
        .public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        .decode()
    )

    def test_reads_keys_and_lines_of_known_hosts(self) -> None:
        found = keys.read_host_keys(f"# comment\n\n{self.LINE} root@host\n[drop.example.org]:2222 {self.LINE}\n")
        assert [key.kind for key in found] == ["ssh-ed25519", "ssh-ed25519"]
        assert found[0] == found[1]
        assert found[0].fingerprint.startswith("SHA256:")
        assert len(found[0].fingerprint) == 50

    @pytest.mark.parametrize(
        "text", ["ssh-ed25519", "ssh-ed25519 ????", "ssh-rsa AAAAC3NzaC1lZDI1NTE5", "drop", "a b c"]
    )
    def test_refuses_what_is_none(self, text: str) -> None:
        with pytest.raises(ConnectionNotUsable, match="known host key cannot be read"):
            keys.read_host_keys(text)

    @pytest.mark.parametrize("text", ["", "# nothing\n"])
    def test_refuses_no_key_at_all(self, text: str) -> None:
        with pytest.raises(ConnectionNotUsable, match="no server is trusted unseen"):
            keys.read_host_keys(text)
