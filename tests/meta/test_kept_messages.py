"""Every text that is kept in English is known to the language of its reader, and found again whatever stands in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.utils import translation

from foundation.words import in_words
from scripts import kept_messages


ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def texts() -> set[str]:
    return kept_messages.collect(ROOT)


def test_texts_are_found_in_code() -> None:
    code = (
        'def f(a, b):\n    """A docstring that is no text."""\n'
        '    log.info("A line of the log.")\n'
        '    reason = f"{len(a)} of {b.size} are late" if a else "nothing is late"\n'
        '    short = kept("none")\n'
        '    raise Refused(f"There is no thing {a!r} at {b.place:%Y}.")\n'
    )

    assert set(kept_messages.of_code(code)) == {
        "{a} of {size} are late",
        "nothing is late",
        "none",
        "There is no thing {a} at {place}.",
    }


def test_parts_of_sentences_are_found_where_they_are_spoken_in_parts() -> None:
    code = (
        'with run.step("Conclude") as step:\n'
        '    yield found(name, "is not a text")\n'
        '    fault = ("nul", f"the line {line.number} holds a NUL character")\n'
        '    taken = text == "already taken over"\n'
        '    pattern = r"[a-z] \\w"\n'
        '    raise AssertionError("this is never reached")\n'
        'FLOW = Flow(name="Enrollment Request")\n'
    )

    assert set(kept_messages.of_code(code, parts=True)) == {
        "Conclude",
        "{name} is not a text",
        "the line {number} holds a NUL character",
    }
    assert set(kept_messages.of_code(code)) == {"this is never reached"}


def test_each_is_read_back_in_german(texts: set[str]) -> None:
    """With values that are no words of ours, every sentence is recognised as itself or as one that says the same."""
    unknown = []
    with translation.override("de"):
        for text in sorted(texts):
            said = re.sub(r"\{(\w+)\}", lambda place: f"⟨{place[1]}⟩", text)
            shown = in_words(said)
            own = re.sub(r"⟨\w+⟩|/\w+/|IMD|HTTP|DERMS|OUAI|ISO|in|ms", "", said)
            if shown == said and any(letter.isalpha() for letter in own):
                unknown.append(text)

    assert unknown == []


def test_no_sentence_is_of_values_alone(texts: set[str]) -> None:
    """A sentence with a word or two between its places would be seen in texts of others."""
    loose = []
    for text in texts:
        literal = re.sub(r"\{\w+\}", "", text)
        letters = sum(letter.isalpha() for letter in literal)
        if text.startswith("{") and 0 < letters < 7:
            loose.append(text)

    assert sorted(loose) == []
