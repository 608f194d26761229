#!/usr/bin/env python3
"""
Bring the catalogue of German texts up to date: `make messages`, or with --check only look.

It collects every marked text of the code and of the templates, the names of models and fields, and those texts of the
theme that Django does not translate; keeps what is translated, and compiles. Texts that are new stand in
`foundation/locale/de/LC_MESSAGES/django.po` with an empty translation: until somebody fills it in, people read English.
GNU gettext is not needed for it.
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import struct
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple


ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

CATALOGUE = ROOT / "foundation" / "locale" / "de" / "LC_MESSAGES" / "django.po"
SOURCES = ("foundation", "lookups", "outbound", "vee", "assets", "integration", "templates")
# Function to the places of its arguments: context, text, plural.
_CALLS = {
    "_": (None, 0, None),
    "gettext": (None, 0, None),
    "gettext_lazy": (None, 0, None),
    "gettext_noop": (None, 0, None),
    "ngettext": (None, 0, 1),
    "ngettext_lazy": (None, 0, 1),
    "pgettext": (0, 1, None),
    "pgettext_lazy": (0, 1, None),
    "npgettext": (0, 1, 2),
    "npgettext_lazy": (0, 1, 2),
}
_LITERAL = r"u?(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
_TEMPLATE_CALL = re.compile(rf"\b(n?p?gettext|_)\(\s*({_LITERAL}(?:\s*,\s*{_LITERAL})*)")
_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w+\}")


class Text(NamedTuple):
    """One text that is looked up: its context, the text itself, and the plural of it."""

    context: str
    text: str
    plural: str


def main() -> int:
    """Refresh the catalogue, or tell what --check found."""
    parser = argparse.ArgumentParser(description="The catalogue of German texts.")
    parser.add_argument("--check", action="store_true", help="change nothing; fail when it is not up to date")
    if parser.parse_args().check:
        complaints = stale()
        print("\n".join(complaints) or "The catalogue has every text.")
        return 1 if complaints else 0
    known = read(CATALOGUE)
    wanted = {text: known.get(text, ("",) * (2 if text.plural else 1)) for text in sorted(collect())}
    CATALOGUE.write_text(written(wanted), encoding="utf-8")
    CATALOGUE.with_suffix(".mo").write_bytes(compiled(wanted))
    print(f"{sum(1 for done in wanted.values() if all(done))} of {len(wanted)} texts are translated.")
    return 0


def stale() -> list[str]:
    """Say what is wrong with the catalogue: texts that it does not have, bad translations, another state compiled."""
    known = read(CATALOGUE)
    complaints = [f"Not in the catalogue: {text.text!r}" for text in sorted(collect() - known.keys())]
    complaints += wrong(known)
    if compiled(known) != CATALOGUE.with_suffix(".mo").read_bytes():
        complaints.append("The compiled catalogue is of another state than its source.")
    return complaints and [*complaints, "To refresh it: make messages"]


def wrong(known: dict[Text, tuple[str, ...]]) -> list[str]:
    """Name the translations in which a placeholder was lost, or is another one."""
    found = []
    for text, translations in known.items():
        expected = sorted(_PLACEHOLDER.findall(text.plural or text.text))
        for each in filter(None, translations[-1:]):
            if sorted(_PLACEHOLDER.findall(each)) != expected:
                found.append(f"Other placeholders than the text has: {each!r}")
    return found


# --- Collecting --------------------------------------------------------------------------------------------------


def collect() -> set[Text]:
    """Give every text that is shown."""
    found = {Text("", text, "") for text in model_texts()} | theme_texts() | kept_texts() | rule_texts()
    for folder in SOURCES:
        for path in (ROOT / folder).rglob("*"):
            if path.suffix == ".py" and "migrations" not in path.parts:
                found |= set(of_code(path.read_text(encoding="utf-8")))
            elif path.suffix in (".html", ".txt"):
                found |= set(of_template(path.read_text(encoding="utf-8")))
    return found


def of_code(code: str) -> Iterator[Text]:
    """Give the marked texts of a module."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CALLS:
            given = [each.value if isinstance(each, ast.Constant) else None for each in node.args]
            yield from _called(node.func.id, given)


def of_template(source: str) -> Iterator[Text]:
    """Give the marked texts of a template, by Django's own reader."""
    from django.utils.translation.template import templatize

    for name, given in _TEMPLATE_CALL.findall(templatize(source)):
        yield from _called(name, [ast.literal_eval(each) for each in re.findall(_LITERAL, given)])


def _called(name: str, given: list[object]) -> Iterator[Text]:
    parts = [given[place] if place is not None and place < len(given) else "" for place in _CALLS[name]]
    if parts[1] and all(isinstance(part, str) for part in parts):
        yield Text(*map(str, parts))


def model_texts() -> list[str]:
    """Give the names of our models and fields, and their explanations."""
    import django
    from django.apps import apps

    django.setup()
    from foundation import model_labels
    from integration.apps import OUR_APPS

    return model_labels.texts(apps.get_app_config(name) for name in OUR_APPS)


def kept_texts() -> set[Text]:
    """Give the texts that are kept in English and read back when they are shown."""
    from foundation.kept_texts import CONTEXT
    from scripts import kept_messages

    return {Text(CONTEXT, text, "") for text in kept_messages.collect(ROOT)}


def rule_texts() -> set[Text]:
    """Give the names of the parameters of rules, which follow from the rules' declarations, and of condition codes."""
    from vee.admin import rule_parameters, words
    from vee.codes import CONDITION_NAMES

    conditions = {Text(words.CONDITION, name, "") for name in CONDITION_NAMES.values()}
    return conditions | {Text(rule_parameters.CONTEXT, text, "") for text in rule_parameters.texts()}


def theme_texts() -> set[Text]:
    """Give the texts of the theme that Django's own catalogues have not."""
    import django
    import unfold

    used = {
        text
        for path in Path(unfold.__path__[0]).rglob("*.html")
        for text in of_template(path.read_text(encoding="utf-8"))
    }
    theirs: set[str] = set()
    for path in Path(django.__path__[0]).glob("**/locale/de/LC_MESSAGES/django.po"):
        theirs |= {text.text for text, done in read(path).items() if all(done)}
    return {text for text in used if text.text not in theirs}


# --- The catalogue -----------------------------------------------------------------------------------------------


def read(path: Path) -> dict[Text, tuple[str, ...]]:
    """Give the texts of a catalogue with their translations; empty ones are not translated yet."""
    found: dict[Text, tuple[str, ...]] = {}
    for entry in re.split(r"\n\s*\n", path.read_text(encoding="utf-8")):
        parts: dict[str, str] = {}
        name = ""
        for line in entry.splitlines():
            head = re.match(r"(msg\w+(?:\[\d\])?)\s+", line)
            name = head[1] if head else name
            if not line.startswith("#") and (literal := re.search(r'"(?:[^"\\]|\\.)*"', line)):
                parts[name] = parts.get(name, "") + ast.literal_eval(literal[0])
        if parts.get("msgid") and "#, fuzzy" not in entry:
            text = Text(parts.get("msgctxt", ""), parts["msgid"], parts.get("msgid_plural", ""))
            found[text] = tuple(value for name, value in sorted(parts.items()) if name.startswith("msgstr"))
    return found


HEADER = {
    "Project-Id-Version": "Tieline",
    "Language": "de",
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=UTF-8",
    "Content-Transfer-Encoding": "8bit",
    "Plural-Forms": "nplurals=2; plural=(n != 1);",
}


def written(texts: dict[Text, tuple[str, ...]]) -> str:
    """Give the catalogue as it is kept: sorted, a line per text, so that two changes of it merge."""
    lines = ["# German texts of the admin. Refreshed and compiled by `make messages`.", 'msgid ""', 'msgstr ""']
    lines += [_quoted(f"{name}: {value}\n") for name, value in HEADER.items()]
    for text, translations in texts.items():
        lines.append("")
        if text.context:
            lines.append(f"msgctxt {_quoted(text.context)}")
        lines.append(f"msgid {_quoted(text.text)}")
        if text.plural:
            lines.append(f"msgid_plural {_quoted(text.plural)}")
            lines += [f"msgstr[{number}] {_quoted(each)}" for number, each in enumerate(translations)]
        else:
            lines.append(f"msgstr {_quoted(translations[0])}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


def compiled(texts: dict[Text, tuple[str, ...]]) -> bytes:
    """Give the catalogue as gettext reads it; what is not translated is left out."""
    header = "".join(f"{name}: {value}\n" for name, value in HEADER.items())
    pairs = [(b"", header.encode())]
    for text, translations in texts.items():
        if all(translations):
            key = f"{text.context}\x04{text.text}" if text.context else text.text
            pairs.append(("\x00".join([key, text.plural] if text.plural else [key]).encode(), _joined(translations)))
    pairs.sort()
    first = 7 * 4
    begin = first + 16 * len(pairs)
    keys, begin = _table([key for key, _ in pairs], begin)
    values, _ = _table([value for _, value in pairs], begin)
    head = struct.pack("<7I", 0x950412DE, 0, len(pairs), first, first + 8 * len(pairs), 0, 0)
    return head + keys + values + b"".join(key + b"\x00" for key, _ in pairs) + b"".join(v + b"\x00" for _, v in pairs)


def _joined(translations: Iterable[str]) -> bytes:
    return "\x00".join(translations).encode()


def _table(entries: list[bytes], begin: int) -> tuple[bytes, int]:
    rows = []
    for entry in entries:
        rows.append(struct.pack("<2I", len(entry), begin))
        begin += len(entry) + 1
    return b"".join(rows), begin


if __name__ == "__main__":
    sys.exit(main())
