"""Judges the accessibility of the page that is open: axe-core, vendored."""

from __future__ import annotations

from pathlib import Path
from typing import Any


_SOURCE = Path(__file__).parent / "vendor" / "axe" / "axe.min.js"
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_RUN = """async (tags) => {
  const found = await axe.run(document, { runOnly: { type: "tag", values: tags } });
  return found.violations.map((each) => ({
    rule: each.id, impact: each.impact, help: each.help,
    places: each.nodes.map((node) => node.target.join(" ") + " · " + node.failureSummary),
  }));
}"""


def grave_violations(page: Any) -> list[str]:
    """Give what axe calls serious or critical, one line each; WCAG 2.2 A and AA and what is good practice."""
    page.evaluate(_SOURCE.read_text(encoding="utf-8"))
    return [
        f"{each['impact']} {each['rule']}: {each['help']}\n  " + "\n  ".join(each["places"][:8])
        for each in page.evaluate(_RUN, _TAGS)
        if each["impact"] in ("serious", "critical")
    ]
