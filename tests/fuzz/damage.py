"""Files that were good once: bytes and lines changed, lost, doubled, and put where they do not belong."""

from __future__ import annotations

import gzip
import random


# Mostly little is wrong: what is wrong all over is refused at once, and says nothing of what comes after.
_CHANGES = (1, 1, 1, 2, 2, 3, 6)
_SHARE_ALL_OVER = 0.15
_LONGEST = 400_000
WORDS = (
    *(b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b'"', b"'", b"\r", b"\n\n", b",", b";", b"\t", b"\x1a", b"\xed\xa0\x80"),
    *(b"NaN", b"Infinity", b"1e400", b"1_000", b"-0", "\u0661\u0662".encode(), b"12,5", b"9" * 5_000, b"A" * 50_000),
    *(b"2026-03-08T02:30", b"0001-01-01T00:00:00+14:00", b"9999-12-31", b"99999999", b"=1+1", b"../../etc/passwd"),
    *(b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"&a;", b"<a>" * 2_000, b"]]>", b"<![CDATA[", b"<!--", b"<?xml?>"),
    *(b"100,NEM12,,,\n", b"200,", b"300,", b"400,1,48,A,,\n", b"900\n", b"UNA:+.? '", b"UNH+1'", b"??'", b"QTY+220:'"),
    *(b"--XtielineX\r\n", b"--XtielineX--", b"Content-Type: text/csv\r\n\r\n", b'name="file"'),
)


def damaged(raw: bytes, others: tuple[bytes, ...], chance: random.Random) -> bytes:
    """Give the file with a few things done to it; the same ones for the same state of `chance`."""
    for _ in range(chance.choice(_CHANGES)):
        ways = _ALL_OVER if chance.random() < _SHARE_ALL_OVER else _WAYS
        raw = chance.choice(ways)(raw, others, chance)[:_LONGEST]
    return raw


def _place(raw: bytes, chance: random.Random) -> int:
    return chance.randint(0, len(raw))


def _span(raw: bytes, chance: random.Random) -> tuple[int, int]:
    begin = _place(raw, chance)
    return begin, min(len(raw), begin + chance.choice((1, 2, 10, 100, 1_000)))


def _change_byte(raw: bytes, others: tuple[bytes, ...], chance: random.Random) -> bytes:
    begin = _place(raw, chance)
    return raw[:begin] + bytes([chance.randint(0, 255)]) + raw[begin + 1 :]


def _lose(raw: bytes, others: tuple[bytes, ...], chance: random.Random) -> bytes:
    begin, end = _span(raw, chance)
    return raw[:begin] + raw[end:]


def _double(raw: bytes, others: tuple[bytes, ...], chance: random.Random) -> bytes:
    begin, end = _span(raw, chance)
    return raw[:end] + raw[begin:end] * chance.choice((1, 1, 2, 50)) + raw[end:]


def _put_word(raw: bytes, others: tuple[bytes, ...], chance: random.Random) -> bytes:
    # Behind the first lines, as often as not: a header that is wrong is the end of most files.
    begin = max(_place(raw, chance), _place(raw, chance))
    return raw[:begin] + chance.choice(WORDS) + raw[begin:]


def _cut(raw: bytes, others: tuple[bytes, ...], chance: random.Random) -> bytes:
    return raw[: _place(raw, chance)]


def _splice(raw: bytes, others: tuple[bytes, ...], chance: random.Random) -> bytes:
    other = chance.choice(others)
    return raw[: _place(raw, chance)] + other[_place(other, chance) :]


def _shuffle_lines(raw: bytes, others: tuple[bytes, ...], chance: random.Random) -> bytes:
    lines = raw.splitlines(keepends=True)
    chance.shuffle(lines)
    return b"".join(lines)


def _lose_a_line(raw: bytes, others: tuple[bytes, ...], chance: random.Random) -> bytes:
    lines = raw.splitlines(keepends=True)
    if lines:
        del lines[chance.randrange(len(lines))]
    return b"".join(lines)


def _recode(raw: bytes, others: tuple[bytes, ...], chance: random.Random) -> bytes:
    text = raw.decode("utf-8", "replace")
    return text.encode(chance.choice(("utf-16", "utf-16-be", "latin-1", "utf-8-sig")), "replace")


def _other_line_ends(raw: bytes, others: tuple[bytes, ...], chance: random.Random) -> bytes:
    return raw.replace(b"\n", chance.choice((b"\r", b"\r\n", b"\n\r")))


def _pack(raw: bytes, others: tuple[bytes, ...], chance: random.Random) -> bytes:
    return gzip.compress(raw, 1)


_WAYS = (_change_byte, _change_byte, _lose, _double, _put_word, _put_word, _lose_a_line)
_ALL_OVER = (_cut, _splice, _shuffle_lines, _recode, _other_line_ends, _pack)
