"""The shipped baseline methods, and the section `baseline_methods` of a configuration document."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from assets.choices import BaselineAdjustment, BaselineSelection
from assets.models import BaselineMethod


# As `integration.md` 9.3 describes them. Markets change their rules: a site checks them against its tariff.
SHIPPED: Mapping[str, Mapping[str, Any]] = {
    "CAISO-10-OF-10": {
        "description": "CAISO: 10 of 10 working days or 4 of 4 weekend days, factor within 20 %",
        "days_considered": 10,
        "days_selected": 10,
        "weekend_days_considered": 4,
        "lowest_adjustment": Decimal("0.8"),
        "highest_adjustment": Decimal("1.2"),
    },
    "CAISO-5-OF-10-RESIDENTIAL": {
        "description": "CAISO, residential: the highest 5 of 10 days, factor within 40 %",
        "days_considered": 10,
        "days_selected": 5,
        "weekend_days_considered": 5,
        "weekend_days_selected": 3,
        "selection": BaselineSelection.HIGHEST,
        "lowest_adjustment": Decimal("0.6"),
        "highest_adjustment": Decimal("1.4"),
    },
    "NYISO-HIGH-5-OF-10": {
        "description": "NYISO: the highest 5 of 10 days, factor within 20 %",
        "days_considered": 10,
        "days_selected": 5,
        "selection": BaselineSelection.HIGHEST,
        "lowest_adjustment": Decimal("0.8"),
        "highest_adjustment": Decimal("1.2"),
    },
    "PJM-HIGH-4-OF-5": {
        "description": "PJM, economic: the highest 4 of 5 days, moved by the mean difference of three hours",
        "days_considered": 5,
        "days_selected": 4,
        "minimum_qualified": 4,
        "selection": BaselineSelection.HIGHEST,
        "adjustment": BaselineAdjustment.ADDITIVE,
    },
}


def install_defaults(*, at: dt.datetime) -> list[str]:
    """Store the shipped methods that are missing; what a site has set stays. Give the codes of the new ones."""
    known = set(BaselineMethod.objects.filter(code__in=SHIPPED).values_list("code", flat=True))
    missing = [code for code in SHIPPED if code not in known]
    for code in missing:
        method: Any = BaselineMethod(code=code, **SHIPPED[code])
        method._history_date = at
        method.save()
    return missing
