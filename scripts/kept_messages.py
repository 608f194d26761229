"""
Which texts of the code are kept in English and read back when they are shown (`foundation.kept_texts`).

In the places below these are: sentences; what exceptions are raised with; what is handed over, assigned or marked
under a name that is for such texts. In readers of files and in flows, which speak in parts of sentences, they are
also all other texts of several words. An f-string becomes a text with places, named after what stands in them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path


PLACES = (
    "vee/rules", "vee/engine", "vee/operations", "integration/operations", "outbound/operations", "assets/operations",
    "lookups", "integration/deployment_checks.py",
)  # fmt: skip
PLACES_OF_PARTS = ("vee/readers", "integration/flows")
# Speaks while the product starts, in a log.
_FLOWS_OF_A_SITE = "integration/flows/registry.py"
# What has its own words in the interface, is data of a site once it is stored, or speaks in a shell or in a mail.
_LEFT_OUT = frozenset(
    {"migrations", "admin", "api", "management", "models", "properties", "defaults", "description", "erasure",
     "mention_erasure", "error_mails", "base_mappings"}
)  # fmt: skip
_CALLS = {
    "Finding": 1, "leave_out": 1, "nothing_to_judge": 1, "NotEvaluated": 1, "described": 0, "quantity": 0,
    "FailurePoint": 0, "NotCompared": 1, "Problem": 1, "_with_problem": 2,
}  # fmt: skip
_KEYWORDS = frozenset({"reason", "message", "summary", "error", "advice", "completion", "skip", "note"})
_NAMES = frozenset({"message", "reason", "why", "said"})
_OTHERS = frozenset(
    {"gettext", "gettext_lazy", "gettext_noop", "ngettext", "_", "Said", "fails", "debug", "info", "warning",
     "exception"}
)  # fmt: skip
_STEPS = frozenset({"step", "open_step"})
_FEW = 6
# A text of several words that ends with a full stop is a sentence, wherever it stands.
_SENTENCE = re.compile(r"[A-Za-z{].* .*\.", re.DOTALL)
# Words with a space between them, and nothing that is written for machines.
_WORDS = re.compile(r"[A-Za-z{][^`\\=]*[A-Za-z0-9}),:;] [A-Za-z0-9{(][^`\\=]*[^`\\= ]")
# Names of flows are said as they are.
_NAME = re.compile(r"(?:[A-Z][a-z]+ )+[A-Z][a-z]+")
_OF_A_FIELD = ("is ", "holds ")


def collect(root: Path) -> set[str]:
    """Give every text once."""
    found: set[str] = set()
    for place in PLACES + PLACES_OF_PARTS:
        for path in [root / place] if place.endswith(".py") else (root / place).rglob("*.py"):
            inside = path.relative_to(root)
            left_out = bool(_LEFT_OUT & set(inside.with_suffix("").parts)) or inside.as_posix() == _FLOWS_OF_A_SITE
            code = path.read_text(encoding="utf-8")
            if left_out:
                found |= set(marked(ast.parse(code)))
            else:
                found |= set(of_code(code, parts=place in PLACES_OF_PARTS))
    return found


def marked(tree: ast.Module) -> Iterator[str]:
    """Give the texts of a module that are marked one by one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) == "kept" and node.args:
            yield from _texts(node.args[0], single_words=True)


def of_code(code: str, *, parts: bool = False) -> Iterator[str]:
    """Give the texts of a module; with `parts`, also those of several words that are no sentences."""
    tree = ast.parse(code)
    yield from marked(tree)
    left_out = set(map(id, _of_others(tree)))
    if parts:
        yield from _parts(tree, left_out | set(map(id, _for_machines(tree))))
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and not (parts and _of_code_itself(node)):
            for argument in node.exc.args:
                yield from (text for text in _texts(argument) if not text.startswith("/"))
        elif isinstance(node, ast.Call):
            name = _called(node)
            if name in _CALLS and len(node.args) > _CALLS[name]:
                yield from _texts(node.args[_CALLS[name]])
            for keyword in node.keywords:
                if keyword.arg in _KEYWORDS:
                    yield from _texts(keyword.value)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in _NAMES:
            yield from _texts(node.value)
        elif isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in left_out:
            yield from (text for text in _texts(node) if _SENTENCE.fullmatch(text))


def _parts(tree: ast.Module, left_out: set[int]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) in _STEPS:
            yield from (text for each in node.args[:2] for text in _texts(each, single_words=True))
        elif isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in left_out:
            for text in _texts(node):
                if _WORDS.fullmatch(text) and not _NAME.fullmatch(text):
                    # What is wrong with a field is told behind its name.
                    yield f"{{name}} {text}" if text.startswith(_OF_A_FIELD) else text


def _for_machines(tree: ast.Module) -> Iterator[ast.AST]:
    """Give what texts of others are compared with, and faults of the code itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) or (isinstance(node, ast.Raise) and _of_code_itself(node)):
            yield from ast.walk(node)


def _of_code_itself(node: ast.Raise) -> bool:
    return isinstance(node.exc, ast.Call) and _called(node.exc) == "AssertionError"


def _of_others(tree: ast.Module) -> Iterator[ast.AST]:
    """Give the texts that are no sentences for people, or are translated where they stand."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield from node.values
        elif isinstance(node, ast.Call) and _called(node) in _OTHERS:
            for argument in node.args:
                yield from ast.walk(argument)


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def _texts(node: ast.expr, *, single_words: bool = False) -> Iterator[str]:
    if isinstance(node, ast.IfExp):
        yield from _texts(node.body, single_words=single_words)
        yield from _texts(node.orelse, single_words=single_words)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        if single_words or " " in node.value.strip():
            yield node.value
    elif isinstance(node, ast.JoinedStr):
        text = _with_places(node)
        if single_words or _says_enough(text):
            yield text
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "gettext_noop":
        yield from _texts(node.args[0], single_words=single_words)


def _says_enough(text: str) -> bool:
    """Whether a sentence is known by itself; a word between two values would be seen in texts of others."""
    letters = sum(letter.isalpha() for letter in re.sub(r"\{\w+\}", "", text))
    return letters > (_FEW if text.startswith("{") else 0)


def _with_places(node: ast.JoinedStr) -> str:
    """Give the text of an f-string with a named place for each of its values; equal values share one."""
    places: dict[str, str] = {}
    parts = []
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            written = ast.dump(part)
            if written not in places:
                name = _name_of(part.value)
                taken = sum(1 for each in places.values() if re.fullmatch(rf"{name}\d*", each))
                places[written] = f"{name}{taken + 1}" if taken else name
            parts.append(f"{{{places[written]}}}")
        elif isinstance(part, ast.Constant):
            parts.append(str(part.value))
    return "".join(parts)


def _name_of(node: ast.expr) -> str:
    """Name a place after the last name in what stands there."""
    names = [each.id for each in ast.walk(node) if isinstance(each, ast.Name)]
    if isinstance(node, ast.Attribute):
        return node.attr.lower().strip("_")
    if isinstance(node, ast.Name):
        return node.id.lower().strip("_")
    if isinstance(node, ast.Call) and node.args:
        return _name_of(node.args[0])
    if isinstance(node, ast.Subscript | ast.BinOp | ast.Call) and names:
        return names[0].lower().strip("_")
    return "value"
