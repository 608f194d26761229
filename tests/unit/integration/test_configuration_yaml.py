from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration import configuration_yaml
from tests.factories.configuration import texts


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    st.dates(),
    texts,
    st.text(st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=["Cs"])),
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=20
)


def read(text: str) -> Any:
    return configuration_yaml.read(text).sections


class TestWrite:
    @given(content=values)
    def test_reads_back_as_what_was_written(self, content: Any) -> None:
        text = configuration_yaml.write({"section": content}, heading="A heading")

        assert read(text) == {"section": content}
        assert configuration_yaml.write(read(text), heading="A heading") == text

    @pytest.mark.parametrize(
        "number", ["0.1", "123456789012345678.123456789012", "-0.000000000000000000001", "3", "1.50"]
    )
    def test_keeps_every_digit_of_a_number(self, number: str) -> None:
        text = configuration_yaml.write({"n": Decimal(number)})

        assert text == f"n: {number}\n"
        assert Decimal(str(read(text)["n"])) == Decimal(number)

    def test_is_written_for_people(self) -> None:
        sections = {
            "connections": {
                "DACS": {"enabled": True, "ca_bundle": "-----BEGIN\nMII\n-----END\n", "port": None, "codes": [404]}
            },
            "groups": [{"code": "A", "rules": [{"sequence": 1, "rule": "x"}, {"rule": "y", "parameters": {"a": 1.5}}]}],
        }

        assert configuration_yaml.write(sections, heading="Without secrets.") == (
            "# Without secrets.\n"
            "\n"
            "connections:\n"
            "  DACS:\n"
            "    enabled: true\n"
            "    ca_bundle: |\n"
            "      -----BEGIN\n"
            "      MII\n"
            "      -----END\n"
            "    port: null\n"
            "    codes: [404]\n"
            "\n"
            "groups:\n"
            "  - code: A\n"
            "    rules:\n"
            "      - {sequence: 1, rule: x}\n"
            "      - rule: y\n"
            "        parameters:\n"
            "          a: 1.5\n"
        )

    @given(content=values)
    def test_a_value_for_a_difference_stands_on_one_line(self, content: Any) -> None:
        assert "\n" not in configuration_yaml.on_one_line(content)

    def test_a_moment_is_a_text(self) -> None:
        moment = dt.datetime(2026, 1, 2, 3, tzinfo=dt.UTC)

        assert read(configuration_yaml.write({"at": moment})) == {"at": "2026-01-02T03:00:00+00:00"}


class TestRead:
    def test_knows_the_line_of_every_place(self) -> None:
        document = configuration_yaml.read("a:\n  b/c:\n    - x\n    - {y: 1,\n       z: 2}\nd: 1\n")

        places = ["/a", "/a/b~1c", "/a/b~1c/0", "/a/b~1c/1/y", "/a/b~1c/1/z", "/d"]
        assert [document.line_of(place) for place in places] == [1, 2, 3, 4, 5, 6]
        assert document.line_of("/a/b~1c/1/missing/deeper") == 4
        assert document.line_of("/nowhere") == 1

    @pytest.mark.parametrize(
        ("text", "line", "message"),
        [
            ("a: 1\nb: 2\na: 3", 3, "The key 'a' stands twice"),
            ("- a", 1, "no mapping of sections"),
            ("a: 1\nb: [", 3, "not YAML"),
            ("a: 1\nb: .inf", 2, "finite"),
            ("a: 1\n? [x]\n: 2", 2, "A key is a name or a number"),
            ("a: 1\nb: !!python/object:os.system x", 2, "not YAML"),
            ("a: &a [*a]", 0, "holds itself"),
            ("a: " + "[" * 100_000 + "]" * 100_000, 1, "nested too deeply"),
            ("a: \x01", 0, "not YAML"),
        ],
    )
    def test_refuses_what_is_no_document_and_says_where(self, text: str, line: int, message: str) -> None:
        with pytest.raises(configuration_yaml.UnableToReadDocument, match=message) as refused:
            read(text)

        assert refused.value.line == line

    def test_refuses_aliases_that_make_much_of_little(self) -> None:
        lines = ["a: &a [x,x,x,x,x,x,x,x,x,x]"]
        lines += [
            f"{after}: &{after} [{','.join([f'*{before}'] * 10)}]"
            for before, after in zip("abcdef", "bcdefg", strict=True)
        ]

        with pytest.raises(configuration_yaml.UnableToReadDocument, match="more than 1000000 values"):
            read("\n".join(lines))

    def test_an_empty_document_has_no_sections(self) -> None:
        assert read("# nothing\n") == {}
