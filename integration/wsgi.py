"""WSGI entry point for gunicorn."""

from __future__ import annotations

import gc
import os

from django.core.wsgi import get_wsgi_application


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "integration.settings")

application = get_wsgi_application()
# What was loaded stays: a message of many objects is no reason to look through all of it for garbage.
gc.freeze()
