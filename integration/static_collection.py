"""
Whether the static files that are served are those of this release: collecting them is most of a start's computing.

What was collected is remembered beside it by a fingerprint of what it was made from and of what became of it. Anything
that is changed, missing or unknown means: collect again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command


def collect() -> bool:
    """
    Collect the static files unless those of this release lie there whole; give whether it was necessary.

    :raises OSError: when they cannot be written.
    """
    root = Path(settings.STATIC_ROOT)
    note = root.with_name(f"{root.name}.collected.json")
    sources = _of_sources()
    if _read(note) == {"sources": sources, "collected": _of_collected(root)}:
        return False
    # One that ends in the middle must not be taken for the one before it.
    note.unlink(missing_ok=True)
    call_command("collectstatic", interactive=False, verbosity=0)
    note.write_text(json.dumps({"sources": sources, "collected": _of_collected(root)}), encoding="utf-8")
    return True


def _of_sources() -> str:
    made_by = [json.dumps(settings.STORAGES["staticfiles"], sort_keys=True, default=str)]
    made_by += [f"{package} {version(package)}" for package in ("Django", "whitenoise")]
    files = (
        (f"{getattr(storage, 'prefix', None) or ''}/{name}", Path(storage.path(name)))
        for finder in get_finders()
        for name, storage in finder.list([])
    )
    return _fingerprint(made_by, files)


def _of_collected(root: Path) -> str:
    return _fingerprint([], ((str(path.relative_to(root)), path) for path in sorted(root.rglob("*")) if path.is_file()))


def _fingerprint(words: Iterable[str], files: Iterable[tuple[str, Path]]) -> str:
    digest = hashlib.sha256()
    for word in words:
        digest.update(f"{word}\0".encode())
    for name, path in files:
        seen = path.stat()
        # As make does: a file of the same size and the same moment of its last change is the same file.
        digest.update(f"{name}\0{path}\0{seen.st_size}\0{seen.st_mtime_ns}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _read(note: Path) -> object:
    try:
        return json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
