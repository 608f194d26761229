"""The catalogue of German texts has every text, is compiled as it is written, and loses no placeholder."""

from __future__ import annotations

import gettext
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest


ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("refresh_messages", ROOT / "scripts" / "refresh_messages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["refresh_messages"] = module
    spec.loader.exec_module(module)
    return module


def test_the_catalogue_is_up_to_date(script: ModuleType) -> None:
    """What is new may wait for its translation, but not for its place in the catalogue: `make messages`."""
    assert script.stale() == []


def test_nearly_all_texts_are_translated(script: ModuleType) -> None:
    texts = script.read(script.CATALOGUE)

    assert len(texts) > 2000
    assert sum(1 for done in texts.values() if all(done)) / len(texts) > 0.8


def test_what_is_compiled_is_what_gettext_reads(script: ModuleType) -> None:
    with script.CATALOGUE.with_suffix(".mo").open("rb") as file:
        german = gettext.GNUTranslations(file)

    assert german.gettext("To Dos") == "Aufgaben"
    assert german.ngettext("%(n)s rule", "%(n)s rules", 1) == "%(n)s Regel"
    assert german.ngettext("%(n)s rule", "%(n)s rules", 3) == "%(n)s Regeln"


def test_texts_are_found_in_code_and_templates(script: ModuleType) -> None:
    code = 'a = _("One")\nb = ngettext("%d row", "%d rows", n)\nc = pgettext_lazy("month", "May")\nd = _(name)'
    counted = "{% blocktranslate count n=n %}{{ n }} row{% plural %}{{ n }} rows{% endblocktranslate %}"
    template = '{% load i18n %}{% translate "Save" %}' + counted

    assert set(script.of_code(code)) == {("", "One", ""), ("", "%d row", "%d rows"), ("month", "May", "")}
    assert set(script.of_template(template)) == {("", "Save", ""), ("", "%(n)s row", "%(n)s rows")}


def test_a_lost_placeholder_is_seen(script: ModuleType) -> None:
    text = script.Text("", "%(count)s rows", "")

    assert script.wrong({text: ("%(count)s Zeilen",)}) == []
    assert script.wrong({text: ("Zeilen",)}) == ["Other placeholders than the text has: 'Zeilen'"]


def test_no_page_calls_a_time_utc_that_it_shows_in_the_readers_zone() -> None:
    """The filter `date` writes a time in the zone of whoever looks; the header says which one. See `|utc` otherwise."""
    wrong = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in (ROOT / "templates" / "admin").rglob("*.html")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if re.search(r"""(\(UTC\)" %\}|\|date:"[^"]*"\s*\}\} \(?UTC)""", line) and "|utc" not in line
    ]

    assert wrong == []
