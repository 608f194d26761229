"""Code lists of the ESPI schema: units of measure, quality of readings, and which readings are those of a register."""

from __future__ import annotations

from vee.codes import Condition


# UnitSymbolKind: what utilities meter. The power of ten is a field of its own.
UNITS: dict[int, str] = {
    5: "A",
    29: "V",
    31: "J",
    38: "W",
    42: "M3",
    61: "VA",
    63: "VAR",
    71: "VAH",
    72: "WH",
    73: "VARH",
    106: "AH",
    119: "FT3",
    120: "FT3",
    128: "GAL",
    130: "IGAL",
    132: "BTU",
    134: "L",
    156: "L",
    157: "L",
    166: "M3",
    167: "M3",
    169: "THERM",
}
# QualityOfReading. Where several stand at a reading, the lowest condition counts.
CONDITIONS: dict[int, Condition] = {
    0: Condition.REGULAR,  # valid
    7: Condition.EXTERNAL_ESTIMATED,  # manually edited
    8: Condition.EXTERNAL_ESTIMATED,  # estimated using a reference day
    9: Condition.EXTERNAL_ESTIMATED,  # estimated using linear interpolation
    10: Condition.EXTERNAL_ESTIMATED_LOW,  # questionable
    11: Condition.EXTERNAL_ESTIMATED,  # derived
    12: Condition.EXTERNAL_ESTIMATED_LOW,  # projected
    13: Condition.EXTERNAL_ESTIMATED,  # mixed
    14: Condition.REGULAR,  # raw
    15: Condition.EXTERNAL_ESTIMATED,  # normalized for weather
    16: Condition.EXTERNAL_ESTIMATED_LOW,  # other
    17: Condition.REGULAR,  # validated
    18: Condition.SUPER,  # verified
    19: Condition.REGULAR,  # revenue quality
}
# AccumulationKind: bulk quantity, continuous cumulative, cumulative.
REGISTER_BEHAVIOURS = frozenset({1, 2, 3})
