"""Every flow, rule, command, setting and model has its test and its page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.apps import apps

from integration.flows import registry as flows
from vee.engine import registry as rules


ROOT = Path(__file__).resolve().parents[2]
OUR_APPS = ("foundation", "lookups", "outbound", "vee", "integration")


def _all_tests() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py"))


TESTS = _all_tests()
COMMANDS = sorted(
    path.stem
    for app in OUR_APPS
    for path in (ROOT / app / "management" / "commands").glob("*.py")
    if path.stem != "__init__"
)


@pytest.mark.parametrize("name", sorted(rules.AVAILABLE))
def test_every_rule_has_its_test_and_its_page(name: str) -> None:
    assert (ROOT / f"vee/rules/{name}.py").is_file() or name == "execute_vee_group"
    assert list((ROOT / "tests/unit/vee").rglob(f"test_{name}*.py")) or f'"{name}"' in TESTS
    assert f"`{name}`" in (ROOT / "docs/reference/rules.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("flow", [flow.name for flow in flows.DECLARATIONS if flow.available])
def test_every_flow_has_its_test_and_its_page(flow: str) -> None:
    assert list((ROOT / "tests").rglob(f"test_{flow}*.py"))
    assert f"`{flow}`" in (ROOT / "docs/reference/flows.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_test_and_its_page(command: str) -> None:
    assert re.search(rf"""["' ]{command}["' ]""", TESTS), f"no test names the command {command}"
    assert f"`{command}`" in (ROOT / "docs/reference/commands.md").read_text(encoding="utf-8")


def test_every_setting_has_its_page() -> None:
    source = "\n".join(
        (ROOT / name).read_text(encoding="utf-8") for name in ("integration/settings.py", "integration/environment.py")
    )
    read = set(re.findall(r"""(?:env\.\w+|required)\(\s*"([A-Z_]+)\"""", source))
    page = (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")

    assert read
    assert {name for name in read if f"`{name}`" not in page} == set()


@pytest.mark.parametrize(
    "model",
    [
        model
        for model in apps.get_models()
        if model._meta.app_label in OUR_APPS and not model.__name__.startswith("Historical")
    ],
    ids=lambda model: model._meta.label,
)
def test_every_model_has_a_docstring_and_its_place_on_the_page(model: type) -> None:
    assert model.__doc__, f"{model} has no docstring"
    assert not model.__doc__.startswith(f"{model.__name__}("), f"{model} has no docstring of its own"
    assert f"`{model._meta.label}`" in (ROOT / "docs/reference/models.md").read_text(encoding="utf-8")


def test_every_page_that_is_linked_is_there() -> None:
    broken = []
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+\.md)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if not (page.parent / target).resolve().is_file():
                broken.append(f"{page.relative_to(ROOT)} → {target}")

    assert broken == []


def test_the_generated_pages_are_up_to_date() -> None:
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "scripts/generate_reference.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_test_that_the_acceptance_page_names_exists() -> None:
    page = (ROOT / "docs/reference/acceptance.md").read_text(encoding="utf-8")
    named = re.findall(r"`(test_\w+\.py)(?:::(\w+))?`", page)

    assert len(named) >= 20
    for file, name in named:
        code = (ROOT / "tests/functional" / file).read_text(encoding="utf-8")
        assert not name or re.search(rf"^(class|def) {name}\b", code, re.MULTILINE), f"{name} is not in {file}"
    assert [number for number in range(1, 21) if f"\n| {number} | " not in page] == []


def test_every_test_that_the_security_page_names_exists() -> None:
    page = (ROOT / "docs/reference/security.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", page)

    assert len(named) >= 40
    for file, name in named:
        code = (ROOT / file).read_text(encoding="utf-8")
        assert not name or re.search(rf"^ *(class|def) {name}\b", code, re.MULTILINE), f"{name} is not in {file}"


def test_every_item_of_the_security_page_has_its_test_or_its_reason() -> None:
    page = (ROOT / "docs/reference/security.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    items = [row for row in rows if row[-1] != "test"]

    assert len(items) >= 40
    for item, what, shown in items:
        assert "`tests/" in shown or (shown == "–" and len(what) > 60), item
