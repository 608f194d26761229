"""Column profiles: how the columns of a site's own files are meant."""

from __future__ import annotations

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from vee import choices


_COLUMN = _("The column's name in the header, or its place from 1 as #3.")


class ColumnProfile(models.Model):
    """The layout of a site's own CSV or spreadsheet; files are read by it as the format `csv:` and its code."""

    code = models.CharField(
        max_length=50,
        unique=True,
        validators=[RegexValidator(r"^[A-Za-z0-9_.-]+$", _("Letters, digits, _, . and - only."))],
        help_text=_("Files are uploaded with the format csv: and this code."),
    )
    description = models.CharField(max_length=200, blank=True)
    arrangement = models.CharField(
        max_length=20, choices=choices.ColumnArrangement.choices, default=choices.ColumnArrangement.ROW_PER_READING
    )
    content = models.CharField(
        max_length=10, choices=choices.ColumnContent.choices, default=choices.ColumnContent.INTERVAL
    )
    delimiter = models.CharField(
        max_length=1,
        choices=choices.ColumnDelimiter.choices,
        default=choices.ColumnDelimiter.COMMA,
        help_text=_("Text only; a spreadsheet needs none."),
    )
    encoding = models.CharField(
        max_length=10,
        choices=choices.ColumnEncoding.choices,
        default=choices.ColumnEncoding.UTF_8,
        help_text=_("Text only. A byte order mark is skipped."),
    )
    sheet = models.CharField(
        max_length=31, blank=True, help_text=_("Spreadsheets only: the name of the sheet; empty: the first one.")
    )
    skip_rows = models.PositiveSmallIntegerField(
        default=0,
        validators=[MaxValueValidator(1_000)],
        help_text=_("How many lines stand before the header, or before the first row where there is no header."),
    )
    has_header = models.BooleanField(default=True, help_text=_("Without a header, columns are named by place: #1, #2."))
    component_column = models.CharField(max_length=100, help_text=_COLUMN)
    component_suffix = models.CharField(
        max_length=30,
        blank=True,
        help_text=_("Added to what the column says, where one meter has several measuring components, e.g. :REG."),
    )
    date_column = models.CharField(max_length=100, help_text=_COLUMN)
    date_format = models.CharField(
        max_length=60,
        blank=True,
        help_text=_("As in strptime, e.g. %d/%m/%Y %H:%M; empty: ISO 8601. Dates of a spreadsheet need none."),
    )
    time_column = models.CharField(
        max_length=100, blank=True, help_text=_("Where the time of day stands in a column of its own.")
    )
    time_format = models.CharField(
        max_length=60, blank=True, help_text=_("As in strptime, e.g. %H:%M; empty: ISO 8601.")
    )
    time_zone = models.CharField(
        max_length=60,
        blank=True,
        help_text=_("IANA name, for all times of the file; empty: the zone of each service point."),
    )
    time_shift = models.CharField(
        max_length=10,
        choices=choices.ColumnTimeShift.choices,
        default=choices.ColumnTimeShift.DEVICE,
        help_text=_("With a time zone of the profile, As each device says means standard time."),
    )
    label = models.CharField(
        max_length=10,
        choices=choices.ColumnLabel.choices,
        default=choices.ColumnLabel.START,
        help_text=_("Which end of its interval the time of a row names."),
    )
    seconds_per_interval = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(86_400)],
        help_text=_("Intervals only; a divisor of a day."),
    )
    value_column = models.CharField(
        max_length=100, help_text=_("The column of the value; for a whole day, of its first value.")
    )
    value_count = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(2_000)],
        help_text=_("How many columns of values a day has; empty: as many as 24 hours have intervals."),
    )
    day_columns = models.CharField(
        max_length=10,
        choices=choices.ColumnDayColumns.choices,
        default=choices.ColumnDayColumns.SEQUENCE,
        help_text=_("What a column of a day means where the clock changes."),
    )
    uom = models.CharField(_("unit of measure"), max_length=20, blank=True)
    uom_column = models.CharField(
        _("unit column"), max_length=100, blank=True, help_text=_("Where each row names its unit.")
    )
    unit_factor = models.DecimalField(
        max_digits=18, decimal_places=9, default=Decimal(1), help_text=_("Values are multiplied by it, e.g. 0.001.")
    )
    decimal_comma = models.BooleanField(default=False, help_text=_("Numbers are written 12,5."))
    no_value = models.JSONField(
        default=list,
        blank=True,
        help_text=_('Texts that mean no value, e.g. ["-", "NULL"]; an empty cell always does.'),
    )
    quality_column = models.CharField(max_length=100, blank=True, help_text=_COLUMN)
    quality_conditions = models.JSONField(
        default=dict,
        blank=True,
        help_text=_('Which condition each text of that column means, e.g. {"Actual": 501000, "Estimated": 401000}.'),
    )
    total_column = models.CharField(
        max_length=100,
        blank=True,
        help_text=_("A day's total; a row whose values do not sum up to it is refused."),
    )
    total_tolerance = models.DecimalField(
        max_digits=18, decimal_places=9, default=Decimal(0), help_text=_("By how much the total may differ.")
    )
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("column profile")

    def __str__(self) -> str:
        return self.code
