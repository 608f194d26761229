"""Texts that are kept in English are read back from what was stored, in the language of the reader."""

from __future__ import annotations

import pytest
from django.utils import translation

from foundation.kept_texts import Sentences
from foundation.words import in_words


def german(text: str) -> str:
    with translation.override("de"):
        return in_words(text)


class TestSentences:
    sentences = Sentences(
        {
            "{name} is late.": "{name} ist spät.",
            "{name} is late by {days} days.": "{name} ist {days} Tage zu spät.",
            "{who}: {what}": "{who}: {what}",
            "{a} after {a}": "{a} nach {a}",
            "(none)": "(keine)",
        }
    )

    def read(self, text: str) -> str | None:
        return self.sentences.translated(text, lambda part: self.read(part) or part)

    def test_a_text_without_places_is_looked_up(self) -> None:
        assert self.read("(none)") == "(keine)"

    def test_the_sentence_that_says_most_of_itself_is_taken(self) -> None:
        assert self.read("M1 is late by 3 days.") == "M1 ist 3 Tage zu spät."

    def test_what_stands_in_a_place_may_be_a_sentence(self) -> None:
        assert self.read("T 7: M1 is late.") == "T 7: M1 ist spät."

    def test_a_place_that_stands_twice_holds_one_value(self) -> None:
        assert self.read("7 after 7") == "7 nach 7"
        assert self.read("7 after 8") is None

    def test_values_with_marks_of_patterns_come_through(self) -> None:
        assert self.read(r"{x} \d+ is late.") == r"{x} \d+ ist spät."

    def test_what_is_no_sentence_is_none(self) -> None:
        assert self.read("M1 came early.") is None


class TestInWords:
    def test_english_stays_as_it_is_kept(self) -> None:
        with translation.override("en"):
            assert in_words("The consumption is zero.") == "The consumption is zero."

    def test_several_in_a_row_are_read_one_by_one(self) -> None:
        claimed, zero = "The To Do is already claimed by ada.", "The consumption is zero."

        assert german(f"{claimed}; {zero}") == f"{german(claimed)}; {german(zero)}"
        assert german(f"{zero}; E42 of the peer") == f"{german(zero)}; E42 of the peer"
        assert german(zero) != zero

    @pytest.mark.parametrize(
        ("kept", "shown"),
        [
            ("The To Do is already claimed by ada.", "Die Aufgabe ist bereits von ada übernommen."),
            (
                "M-1: NEGATIVE (and 2 more) – The consumption is negative: -5.",
                "M-1: NEGATIVE (und 2 weitere) – Der Verbrauch ist negativ: -5.",
            ),
            (
                "There is not enough usable history: the year before covers 0 % of 10 %; the time before is negative.",
                (
                    "Es gibt nicht genug brauchbare Vergangenheitswerte: das Vorjahr deckt 0 % von 10 %; "
                    "die Zeit davor ist negativ."
                ),
            ),
            (
                "3 intervals in a row are at most 0, 1 of them before this IMD; 3 are too many.",
                "3 Intervalle hintereinander, die höchstens 0 betragen, davon 1 vor diesem IMD; 3 sind zu viele.",
            ),
            ("Perform VEE: looked at it with the customer", "VEE ausführen: looked at it with the customer"),
            ("interval 3: '1,5' is not a number", "Intervall 3: '1,5' ist keine Zahl"),
            ("line 3 of 'a.csv': '1,5' is not a number", "Zeile 3 von 'a.csv': '1,5' ist keine Zahl"),
            (
                "The header lacks the column nicId. The columns are separated by commas.",
                "In der Kopfzeile fehlt die Spalte nicId. Die Spalten werden durch Kommas getrennt.",
            ),
            (
                "The record is not valid: programInfo.programCode is required",
                "Der Datensatz ist nicht gültig: programInfo.programCode wird gebraucht",
            ),
            (
                "DACS did not answer in time; stopped with 12 records unsent",
                "DACS antwortete nicht rechtzeitig; angehalten mit 12 nicht gesendeten Datensätzen",
            ),
            ("sendDetails is not an object", "sendDetails ist kein Objekt"),
            ("Send to DERMS", "An DERMS senden"),
            ("A person wrote this by hand.", "A person wrote this by hand."),
            ("", ""),
        ],
    )
    def test_what_was_stored_is_read_back(self, kept: str, shown: str) -> None:
        assert german(kept) == shown

    def test_the_beginning_of_a_text_that_was_cut_stays_english(self) -> None:
        assert german("The To Do is already claimed by a") == "The To Do is already claimed by a"
