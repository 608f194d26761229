"""MSCONS codes: qualifiers of quantities as conditions, units of measure, and what an OBIS code says of its unit."""

from __future__ import annotations

import re

from vee.codes import Condition


CONDITIONS: dict[str, Condition] = {
    "220": Condition.REGULAR,  # true value
    "79": Condition.REGULAR,  # energy summed up
    "67": Condition.EXTERNAL_ESTIMATED,  # substitute value
    "201": Condition.EXTERNAL_ESTIMATED,  # proposed value
    "Z30": Condition.EXTERNAL_ESTIMATED,  # interpolated value
    "187": Condition.EXTERNAL_ESTIMATED_LOW,  # forecast value
    "Z18": Condition.EXTERNAL_ESTIMATED_LOW,  # provisional value
    "20": Condition.MISSING,  # not usable: the value is dropped
}
# UN/ECE Recommendation 20 where its codes do not speak for themselves.
UNITS: dict[str, str] = {"K3": "KVARH", "KVR": "KVAR", "KWT": "KW", "MAW": "MW", "MWH": "MWH", "MTQ": "M3", "P1": "%"}
_ELECTRICITY = re.compile(r"1-[0-9]{1,3}:([0-9]{1,3})\.[0-9]{1,3}\.[0-9]{1,3}(?:\*[0-9]{1,3})?")
_KINDS: dict[int, str] = {
    **dict.fromkeys((1, 2, 15, 16), "KWH"),
    **dict.fromkeys((3, 4, 5, 6, 7, 8), "KVARH"),
    **dict.fromkeys((9, 10), "KVAH"),
}


def unit_of(given: str, product: str) -> str:
    """Give the unit of a quantity: the one that it names, else the one that its OBIS code means, else none."""
    if given:
        return UNITS.get(given.upper(), given.upper())
    matched = _ELECTRICITY.fullmatch(product)
    return _KINDS.get(int(matched[1]), "") if matched else ""
