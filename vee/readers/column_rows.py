"""What both arrangements of columns have in common: component, unit and condition of a row."""

from __future__ import annotations

from dataclasses import dataclass

from vee.codes import Condition
from vee.readers.base import RowRefused
from vee.readers.column_layout import ColumnLayout
from vee.readers.numbers import shown
from vee.readers.tables import Columns, Row, as_text


MAX_TEXT = 60


@dataclass(frozen=True, slots=True)
class Frame:
    """What a row says beside its date and its values."""

    component: str
    uom: str
    condition: int


def read_frame(row: Row, columns: Columns, layout: ColumnLayout) -> Frame:
    """
    Read component, unit and condition of a row.

    :raises RowRefused: when one of them cannot be used.
    """
    name = as_text(columns.cell("component_column", row))
    component = f"{name}{layout.component_suffix}"
    if not name or len(component) > MAX_TEXT or not component.isprintable():
        raise RowRefused("invalid_component", f"1 to {MAX_TEXT} printable characters are expected, not {shown(name)}")
    uom = layout.uom
    if "uom_column" in columns:
        uom = as_text(columns.cell("uom_column", row)).upper() or uom
    if not uom or len(uom) > 20 or not uom.isprintable():
        raise RowRefused("invalid_uom", f"{shown(uom)} is not a unit of measure")
    return Frame(component, uom, _condition(row, columns, layout))


def _condition(row: Row, columns: Columns, layout: ColumnLayout) -> int:
    if "quality_column" not in columns:
        return int(Condition.REGULAR)
    text = as_text(columns.cell("quality_column", row))
    conditions = {name.strip().casefold(): code for name, code in layout.quality_conditions.items()}
    if text.casefold() not in conditions:
        raise RowRefused("unknown_quality", f"{shown(text)} is none of the qualities that the profile knows")
    return conditions[text.casefold()]
