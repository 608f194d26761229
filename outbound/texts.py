"""Texts from outside, made fit for a database column or a header."""

from __future__ import annotations


def storable(text: str) -> str:
    """Give text that every database takes: a NUL or half a surrogate pair becomes a replacement character."""
    return text.replace("\x00", "\ufffd").encode("utf-8", errors="replace").decode()


def one_line(text: str) -> str:
    """Give text as one line without control characters: what may stand in a header."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())
