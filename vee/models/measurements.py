"""
Final measurements: a row per measuring component and standard-time day (`house.md` D7), register reads as rows.

On PostgreSQL the blocks are partitioned by month and read by SQL users through the function
`measurements(t0, t1, components)` and the view `vee_measurement`; see the migrations. Written by `vee.storage` only.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from vee.models.fields import ExactDecimalField, NumberArrayField


class MeasurementBlock(models.Model):
    """
    All final measurements of a component in one standard-time day of constant 24 h.

    `start` is the UTC instant at which the day starts; value i is labelled `start + (i + 1) * seconds_per_interval`.
    Values count 10^-scale of the unit. `conditions` is NULL when all are Regular; the condition 0 stands where nothing
    was ever delivered, which is not a measurement. `flags` (bit 0: user edited) is NULL when none is set. `readings`
    are what a subtractive interval component showed at each interval's end, at the same scale; NULL for all others.
    `total` is the sum of the values that are there, `missing` the number of intervals of the day that have none.
    """

    pk = models.CompositePrimaryKey("measuring_component_id", "start")
    measuring_component = models.ForeignKey(
        "vee.MeasuringComponent", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    start = models.DateTimeField()
    seconds_per_interval = models.IntegerField()
    scale = models.SmallIntegerField()
    values = NumberArrayField(dtype="int64")
    conditions = NumberArrayField(dtype="int32", null=True)
    flags = NumberArrayField(dtype="int16", null=True)
    readings = NumberArrayField(dtype="int64", null=True)
    total = models.BigIntegerField()
    missing = models.IntegerField()
    multiplier = models.DecimalField(max_digits=15, decimal_places=6)
    imd_id = models.BigIntegerField(help_text="The IMD that wrote the block last.")
    version = models.IntegerField(default=1)
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name = _("measurement block")

    def __str__(self) -> str:
        return f"{self.measuring_component_id} {self.start:%Y-%m-%d}"


class MeasurementBlockHistory(models.Model):
    """A block as it was before it was replaced: insert-only, and known by the block and its version."""

    pk = models.CompositePrimaryKey("measuring_component_id", "start", "version")
    measuring_component_id = models.BigIntegerField()
    start = models.DateTimeField()
    seconds_per_interval = models.IntegerField()
    scale = models.SmallIntegerField()
    values = NumberArrayField(dtype="int64")
    conditions = NumberArrayField(dtype="int32", null=True)
    flags = NumberArrayField(dtype="int16", null=True)
    readings = NumberArrayField(dtype="int64", null=True)
    imd_id = models.BigIntegerField()
    version = models.IntegerField()
    replaced_at = models.DateTimeField()
    replaced_by_imd_id = models.BigIntegerField()

    class Meta:
        verbose_name = _("replaced measurement block")

    def __str__(self) -> str:
        return f"{self.measuring_component_id} {self.start:%Y-%m-%d} v{self.version}"


class RegisterMeasurement(models.Model):
    """
    A read of a register and the consumption since the usable read before it.

    A read that a person marks as unusable stays, without consumption, and is no base for the next one.
    """

    measuring_component = models.ForeignKey("vee.MeasuringComponent", on_delete=models.PROTECT)
    read_at = models.DateTimeField()
    reading = ExactDecimalField(max_digits=24, decimal_places=9)
    consumption = ExactDecimalField(
        max_digits=24, decimal_places=9, null=True, help_text=_("Empty for the first read: nothing to subtract from.")
    )
    condition = models.IntegerField()
    multiplier = ExactDecimalField(
        max_digits=30,
        decimal_places=12,
        help_text=_("The component's multiplier times the one of its device's installation at that time."),
    )
    user_edited = models.BooleanField(default=False)
    do_not_use = models.BooleanField(
        default=False, help_text=_("A person marked the read as unusable: it is no base for the next one.")
    )
    imd_id = models.BigIntegerField()
    version = models.IntegerField(default=1)
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name = _("register measurement")
        constraints = [
            models.UniqueConstraint(fields=["measuring_component", "read_at"], name="register_measurement_unique"),
        ]
        permissions = [("mark_register_measurement", _("Can mark a register read as unusable or usable"))]

    def __str__(self) -> str:
        return f"{self.measuring_component_id} {self.read_at:%Y-%m-%d %H:%M}"


class RegisterMeasurementHistory(models.Model):
    """A register measurement as it was before it was replaced: insert-only."""

    measuring_component_id = models.BigIntegerField()
    read_at = models.DateTimeField()
    reading = ExactDecimalField(max_digits=24, decimal_places=9)
    consumption = ExactDecimalField(max_digits=24, decimal_places=9, null=True)
    condition = models.IntegerField()
    multiplier = ExactDecimalField(max_digits=30, decimal_places=12, null=True)
    user_edited = models.BooleanField(default=False)
    do_not_use = models.BooleanField(default=False)
    imd_id = models.BigIntegerField()
    version = models.IntegerField()
    replaced_at = models.DateTimeField()
    replaced_by_imd_id = models.BigIntegerField(null=True, help_text="Empty when a person marked a read.")

    class Meta:
        verbose_name = _("replaced register measurement")
        indexes = [
            models.Index(fields=["measuring_component_id", "read_at", "version"], name="register_history_read"),
        ]

    def __str__(self) -> str:
        return f"{self.measuring_component_id} {self.read_at:%Y-%m-%d %H:%M} v{self.version}"


class RegisterMark(models.Model):
    """A person marked a register read as unusable, or as usable again: who, when and why; insert-only."""

    register_measurement = models.ForeignKey(RegisterMeasurement, on_delete=models.PROTECT, related_name="marks")
    do_not_use = models.BooleanField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    reason = models.CharField(max_length=500)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("mark of a register measurement")

    def __str__(self) -> str:
        return f"{self.register_measurement_id} {'unusable' if self.do_not_use else 'usable'} {self.at:%Y-%m-%d %H:%M}"
