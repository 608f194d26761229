"""The control page of a peer: plain HTML, no script, no outside resource."""

from __future__ import annotations

import json
from html import escape
from typing import Any


_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #8886; padding: .35rem .6rem; text-align: left; vertical-align: top; }
td { overflow-wrap: anywhere; }
pre { background: #8881; max-height: 24rem; overflow: auto; padding: .8rem; }
form.inline { display: inline; }
fieldset { border: 1px solid #8886; display: grid; gap: .5rem 1rem; }
fieldset { grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); }
label { display: block; }
input[type=text], input[type=number] { box-sizing: border-box; width: 100%; }
"""

_FORM = """
<form method="post" action="/_control/"><fieldset><legend>Add a fault</legend>
<input type="hidden" name="action" value="add-fault">
<label>Path (regular expression)<input type="text" name="path" placeholder="programEnrollments/enroll"></label>
<label>Body (regular expression)<input type="text" name="match_body"></label>
<label>Times (empty: until deleted)<input type="number" name="times" min="1"></label>
<label>Delay in seconds<input type="number" name="delay_seconds" min="0" max="600" step="any"></label>
<label>Answer with status<input type="number" name="status" min="200" max="599"></label>
<label>Answer with body<input type="text" name="body"></label>
<label><input type="checkbox" name="reset"> Reset the connection</label>
<label><input type="checkbox" name="down"> Be down</label>
<label><input type="checkbox" name="half_answer"> Cut the answer in half</label>
<label><input type="checkbox" name="nonsense"> Answer nonsense</label>
<label><input type="checkbox" name="after_effect"> Do the work first</label>
<button type="submit">Add</button></fieldset></form>
"""


def control_page(
    *,
    title: str,
    state: dict[str, Any],
    faults: list[dict[str, Any]],
    requests: list[dict[str, Any]],
    total: int,
    notice: str = "",
) -> str:
    """Write the page: faults with their form, the last requests, and the state."""
    return "\n".join(
        [
            "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
            "<meta name='viewport' content='width=device-width, initial-scale=1'>",
            f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
            f"<h1>{escape(title)}</h1>",
            f"<p role='status'>{escape(notice)}</p>" if notice else "",
            "<h2>Faults</h2>",
            _fault_table(faults),
            _FORM,
            _button("clear-faults", "Delete all faults"),
            _button("reset", "Forget everything"),
            f"<h2>Requests ({total})</h2>",
            _request_table(requests),
            "<h2>State</h2>",
            f"<pre>{escape(json.dumps(state, indent=2))}</pre>",
            "</body></html>",
        ]
    )


def _button(action: str, label: str, extra: str = "") -> str:
    return (
        "<form class='inline' method='post' action='/_control/'>"
        f"<input type='hidden' name='action' value='{action}'>{extra}<button type='submit'>{label}</button></form>"
    )


def _fault_table(faults: list[dict[str, Any]]) -> str:
    if not faults:
        return "<p>None: every request is answered normally.</p>"
    rows = []
    for fault in faults:
        does = {
            name: value
            for name, value in fault.items()
            if name not in ("id", "match", "times", "used") and value not in (None, False, 0, 0.0, {})
        }
        remove = _button("remove-fault", "Delete", f"<input type='hidden' name='id' value='{fault['id']}'>")
        times = "always" if fault["times"] is None else str(fault["times"])
        rows.append(
            f"<tr><td>{fault['id']}</td><td>{escape(json.dumps(fault['match']))}</td>"
            f"<td>{escape(json.dumps(does))}</td><td>{fault['used']} of {times}</td><td>{remove}</td></tr>"
        )
    head = "<tr><th>Id</th><th>For</th><th>Does</th><th>Used</th><th></th></tr>"
    return f"<table>{head}{''.join(rows)}</table>"


def _request_table(requests: list[dict[str, Any]]) -> str:
    if not requests:
        return "<p>None yet.</p>"
    rows = [
        f"<tr><td>{escape(entry['at'])}</td><td>{escape(entry['method'])} {escape(entry['path'])}</td>"
        f"<td>{escape(entry['outcome'])}</td><td>{escape(entry['body'][:200])}</td></tr>"
        for entry in requests
    ]
    head = "<tr><th>At</th><th>Request</th><th>Outcome</th><th>Body</th></tr>"
    return f"<table>{head}{''.join(rows)}</table>"
