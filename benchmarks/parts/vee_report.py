"""What the run from a file to committed measurements claims: ratios of the product to the others in the same run."""

from __future__ import annotations

import os
import resource
import statistics
from collections.abc import Mapping, Sequence

from benchmarks import _report
from benchmarks._report import Claim


AREA = "VEE end to end"
PRODUCT, ROWS, SINGLE = "product", "rows", "rows, one IMD at a time"
BLOCKS, KERNELS = "blocks alone", "rules alone"


def report(rates: Mapping[str, Sequence[float]], *, vendor: str, sizes: str) -> None:
    """
    Print a line for each contender and record the claims.

    :param rates: intervals per second of each round, by contender, such as "product, 2 process(es)".
    """
    print(sizes)
    for name, found in rates.items():
        print(f"{name:<28}{_report.spread(found):>34} intervals/s")
    claims = claims_of(rates, vendor=vendor)
    load = f"load {os.getloadavg()[0]:.1f}"
    for claim in claims:
        _report.record(claim)
    high = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    _report.record(
        Claim(
            area=AREA,
            what="the most memory that a process held, all contenders and the making of readings included",
            measured=high / 1024,
            unit="MiB",
            detail=f"{sizes}; {load}",
        )
    )


def claims_of(rates: Mapping[str, Sequence[float]], *, vendor: str) -> list[Claim]:
    """Give the bars V1 to V3, on SQLite V10 instead, as far as the contenders that they compare are there."""
    middle = {name: statistics.median(found) for name, found in rates.items()}
    products = [name for name in rates if name.startswith(PRODUCT)]
    claims = []
    for name in products:
        own = name.removeprefix(PRODUCT)
        several = not own.startswith(", 1 ")
        if vendor == "sqlite":
            compared = [("V10", f"{ROWS}{own}", f"SQLite: product{own}, against a row per interval", 40.0, None)]
        else:
            compared = [
                ("V1", f"{ROWS}{own}", f"product{own}, against a row per interval", 100.0 if several else None, None),
                ("V1", f"{SINGLE}{own}", f"product{own}, against rows, one IMD at a time", 100.0, None),
                ("V2", BLOCKS, f"product{own}, against writing the same blocks alone", None if several else 0.25, None),
                ("V3", KERNELS, f"the rules' share of product{own}", None, None if several else 0.25),
            ]
        for bar, other, what, least, most in compared:
            if other in middle:
                claims.append(
                    Claim(
                        area=AREA,
                        bar=bar,
                        what=what,
                        measured=middle[name] / middle[other],
                        at_least=least,
                        at_most=most,
                        detail=f"{_report.spread(rates[name])} and {_report.spread(rates[other])} intervals/s",
                    )
                )
    if len(products) == 2:
        claims.append(
            Claim(
                area=AREA,
                what="two processes against one",
                measured=middle[products[1]] / middle[products[0]],
                at_least=1.35,
                detail="on the cores that the database has as well",
            )
        )
    return claims
