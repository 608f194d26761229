from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError

from integration import static_collection
from integration.static_collection import collect


MANIFEST = "whitenoise.storage.CompressedManifestStaticFilesStorage"


@pytest.fixture
def source(settings: Any, tmp_path: Path) -> Path:
    """A directory of static files that are the only ones, as served in production."""
    place = tmp_path / "source"
    place.mkdir()
    (place / "page.css").write_text("a { color: red }")
    settings.STATICFILES_DIRS = [place]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": MANIFEST}}
    return place


def served(root: Path) -> str:
    manifest = json.loads((root / "staticfiles.json").read_text())
    return (root / manifest["paths"]["page.css"]).read_text()


class TestCollect:
    def test_a_first_start_collects(self, source: Path, settings: Any) -> None:
        assert collect()

        assert served(settings.STATIC_ROOT) == "a { color: red }"

    def test_a_start_after_it_does_not(self, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        collect()
        monkeypatch.setattr(static_collection, "call_command", lambda *_, **__: pytest.fail("collected"))

        assert not collect()

    def test_a_changed_file_is_collected(self, source: Path, settings: Any) -> None:
        collect()
        (source / "page.css").write_text("a { color: blue }")

        assert collect()

        assert served(settings.STATIC_ROOT) == "a { color: blue }"
        assert not collect()

    def test_a_new_file_is_collected(self, source: Path, settings: Any) -> None:
        collect()
        (source / "more.js").write_text("let a = 1;")

        assert collect()
        assert (settings.STATIC_ROOT / "more.js").exists()

    @pytest.mark.parametrize("harm", ["lost", "changed"])
    def test_what_was_collected_and_harmed_is_collected_again(self, source: Path, settings: Any, harm: str) -> None:
        collect()
        victim = next(settings.STATIC_ROOT.glob("page.*.css"))
        if harm == "lost":
            victim.unlink()
        else:
            victim.write_text("")

        assert collect()

        assert served(settings.STATIC_ROOT) == "a { color: red }"

    def test_one_that_ended_in_the_middle_is_not_taken_for_whole(
        self, source: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        collect()
        before = (source / "page.css").stat()
        (source / "page.css").write_text("a { color: blue }")

        def broken(*_: Any, **__: Any) -> None:
            raise CommandError("killed")

        with monkeypatch.context() as patched:
            patched.setattr(static_collection, "call_command", broken)
            with pytest.raises(CommandError):
                collect()
        # Even back at what was there before, nobody knows what the directory has.
        (source / "page.css").write_text("a { color: red }")
        os.utime(source / "page.css", ns=(before.st_mtime_ns, before.st_mtime_ns))

        assert collect()

    def test_a_release_that_stores_them_otherwise_collects(self, source: Path, settings: Any) -> None:
        collect()
        settings.STORAGES = {
            **settings.STORAGES,
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
        }

        assert collect()

    def test_a_note_that_cannot_be_read_is_none(self, source: Path, settings: Any) -> None:
        collect()
        (settings.STATIC_ROOT.parent / "static.collected.json").write_text("{")

        assert collect()
