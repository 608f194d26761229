"""The product's settings with what a test run needs: keys of its own, quick passwords, a scratch directory."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


_scratch = Path(os.environ.setdefault("TIELINE_VAR", tempfile.mkdtemp(prefix="tieline-test-")))
os.environ.setdefault("SECRET_KEY", "a-key-for-tests-only-" + "x" * 40)
os.environ.setdefault("FIELD_ENCRYPTION_KEYS", "KuggiiBn8T-dqNFLLiaSbI8qJLbHwqskOnps057w5dA=")
os.environ.setdefault("TIELINE_EMBEDDED", "1")
os.environ.setdefault("ALLOWED_HOSTS", "testserver")
os.environ.setdefault("LOG_LEVEL", "WARNING")

from integration.settings import *  # noqa: E402, F403


PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # noqa: F405
# Nothing is collected in a test run; whitenoise warns about a directory that is not there.
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # noqa: F405
CELERY_BROKER_URL = os.environ.get("REDIS_URL") or "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS = {}
CELERY_TASK_ALWAYS_EAGER = False
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    DATABASES["default"]["TEST"] = {"NAME": str(_scratch / "test.sqlite3")}  # noqa: F405
