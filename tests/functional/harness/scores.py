"""Score files as DACS leaves them."""

from __future__ import annotations


HEADER = (
    "recordId,deviceId,nicId,headEndSystem,programCode,programSubscriptionId,controlScore,eligible,"
    "ineligibilityReason,communicationStatus,cycleEventCount,cycleEventLimit,lastEventDateTime,scoreDateTime"
)


def score_file(number: int = 1) -> str:
    row = f"1,7712{number:08d},411912345678,ECOBEE,SMART-COOL,901245778310,33.43,Y,,ONLINE,1,4"
    return f"{HEADER}\n{row},2023-05-24T00:00:00Z,2023-06-02T06:00:00Z\n"
