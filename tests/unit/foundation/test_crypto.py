from __future__ import annotations

import pytest
from cryptography.fernet import Fernet

from foundation import crypto


class TestEncrypt:
    def test_what_was_encrypted_can_be_read_again(self) -> None:
        assert crypto.decrypt(crypto.encrypt(b"secret")) == b"secret"

    def test_an_old_key_still_reads_and_rotation_moves_to_the_new_one(self, settings) -> None:
        old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
        settings.FIELD_ENCRYPTION_KEYS = [old]
        token = crypto.encrypt(b"secret")

        settings.FIELD_ENCRYPTION_KEYS = [new, old]
        rotated = crypto.rotate(token)
        settings.FIELD_ENCRYPTION_KEYS = [new]

        assert crypto.decrypt(rotated) == b"secret"
        with pytest.raises(crypto.UnableToDecrypt, match="FIELD_ENCRYPTION_KEYS"):
            crypto.decrypt(token)
