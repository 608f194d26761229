from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookups.folding import Folding, fold


class TestFold:
    @pytest.mark.parametrize(
        ("_case", "folding", "value", "folded"),
        [
            ("exact keeps all", Folding.EXACT, " Val-Error ", " Val-Error "),
            ("case drops case and outer white space", Folding.CASE, " Val-Error ", "val-error"),
            ("punctuation: the guide's first spelling", Folding.PUNCTUATION, "VALERROR", "VALERROR"),
            ("punctuation: the guide's second spelling", Folding.PUNCTUATION, "VAL-ERROR", "VALERROR"),
            ("punctuation: underscore and space", Folding.PUNCTUATION, "val_ er ror", "VALERROR"),
            ("punctuation leaves other marks", Folding.PUNCTUATION, "a.b!c", "A.B!C"),
        ],
    )
    def test_gives_the_form_that_is_compared(self, _case: str, folding: Folding, value: str, folded: str) -> None:
        assert fold(value, folding) == folded

    @given(value=st.text(), folding=st.sampled_from([Folding.EXACT, Folding.CASE]))
    def test_folding_twice_is_folding_once(self, value: str, folding: Folding) -> None:
        assert fold(fold(value, folding), folding) == fold(value, folding)
