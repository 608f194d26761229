"""
The control API of a peer, and its page for people: `/_control/`.

`GET|POST|DELETE /_control/faults` (`DELETE /_control/faults/<id>` for one), `GET|POST /_control/state`,
`GET /_control/requests`, `POST /_control/reset`. It takes no credentials: peers listen on 127.0.0.1 alone.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from sandbox import pages
from sandbox.exchange import PeerAnswer, PeerRequest, UnableToReadJson
from sandbox.faults import UnableToReadRule
from sandbox.service import UnableToChangeState


if TYPE_CHECKING:
    from sandbox.server import PeerServer


def answer(server: PeerServer, request: PeerRequest) -> PeerAnswer:
    """Answer a request for the control API or the page."""
    if _from_another_site(request):
        return _refusal(403, "The control API is not for pages of other sites.")
    try:
        return _route(server, request)
    except (UnableToReadJson, UnableToReadRule, UnableToChangeState) as error:
        return _refusal(400, str(error))


def _route(server: PeerServer, request: PeerRequest) -> PeerAnswer:
    place = urlsplit(request.path).path.removeprefix("/_control").strip("/")
    match (request.method, place):
        case ("GET", ""):
            return _page(server)
        case ("POST", ""):
            return _form(server, request)
        case ("GET", "faults"):
            return PeerAnswer(status=200, document=[rule.as_document() for rule in server.faults.rules()])
        case ("POST", "faults"):
            return PeerAnswer(status=201, document=server.faults.add(request.json_object()).as_document())
        case ("DELETE", "faults"):
            server.faults.clear()
            return PeerAnswer(status=204)
        case ("DELETE", _) if place.startswith("faults/") and place[7:].isdigit():
            found = server.faults.remove(int(place[7:]))
            return PeerAnswer(status=204) if found else _refusal(404, "There is no such rule.")
        case ("GET", "state"):
            return PeerAnswer(status=200, document=server.service.state())
        case ("POST", "state"):
            server.service.change(request.json_object())
            return PeerAnswer(status=200, document=server.service.state())
        case ("GET", "requests"):
            return PeerAnswer(status=200, document={"total": server.log.total, "requests": server.log.entries()})
        case ("POST", "reset"):
            _reset(server)
            return PeerAnswer(status=204)
    return _refusal(404, "The control API has faults, state, requests and reset.")


def _reset(server: PeerServer) -> None:
    server.service.reset()
    server.faults.clear()
    server.log.clear()


def _from_another_site(request: PeerRequest) -> bool:
    """A browser names the page that sends a form; only this server's own page may."""
    origin = request.headers.get("origin", "")
    return bool(origin) and urlsplit(origin).netloc != request.headers.get("host", "")


def _page(server: PeerServer, *, notice: str = "") -> PeerAnswer:
    html = pages.control_page(
        title=server.service.title,
        state=server.service.state(),
        faults=[rule.as_document() for rule in server.faults.rules()],
        requests=server.log.entries()[-50:][::-1],
        total=server.log.total,
        notice=notice,
    )
    return PeerAnswer(status=200, document=html, content_type="text/html; charset=utf-8")


def _form(server: PeerServer, request: PeerRequest) -> PeerAnswer:
    fields = {name: values[-1].strip() for name, values in parse_qs(request.text).items()}
    action = fields.pop("action", "")
    if action == "add-fault":
        server.faults.add(_rule_of_form(fields))
    elif action == "remove-fault" and fields.get("id", "").isdigit():
        server.faults.remove(int(fields["id"]))
    elif action == "clear-faults":
        server.faults.clear()
    elif action == "reset":
        _reset(server)
    else:
        return _refusal(400, "The form names no action.")
    return PeerAnswer(status=303, headers={"Location": "/_control/"})


def _rule_of_form(fields: dict[str, str]) -> dict[str, Any]:
    document: dict[str, Any] = {"match": {"path": fields.get("path", ""), "body": fields.get("match_body", "")}}
    try:
        for name in ("times", "status"):
            if fields.get(name):
                document[name] = int(fields[name])
        if fields.get("delay_seconds"):
            document["delay_seconds"] = float(fields["delay_seconds"])
    except ValueError as error:
        raise UnableToReadRule(f"A number is not a number: {error}") from error
    if fields.get("body"):
        try:
            document["body"] = json.loads(fields["body"])
        except ValueError:
            document["body"] = fields["body"]
    for flag in ("reset", "down", "half_answer", "nonsense", "after_effect"):
        if fields.get(flag):
            document[flag] = True
    return document


def _refusal(status: int, detail: str) -> PeerAnswer:
    return PeerAnswer(status=status, document={"status": status, "detail": detail})
