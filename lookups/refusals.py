"""One entry of a refusal: where, what kind, and a sentence for the person who edits."""

from __future__ import annotations


def refusal(*steps: str | int, code: str, message: str) -> dict[str, str]:
    """Give `{"pointer", "code", "message"}`; the steps become a JSON pointer (RFC 6901)."""
    pointer = "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)
    return {"pointer": pointer, "code": code, "message": message}


def steps_of(pointer: str) -> list[str]:
    """Give the steps of a JSON pointer."""
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
