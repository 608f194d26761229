"""Numbers and lengths of time as people read them, in their language."""

from __future__ import annotations

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext


def number(value: float) -> str:
    """Give a number without its fraction, in groups of thousands."""
    return str(number_format(round(value), use_l10n=True, force_grouping=True))


def length_of_time(seconds: float) -> str:
    """Give a length that was measured: milliseconds where there are not many, hours where there are."""
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 90:
        return f"{number_format(seconds, 2)} s"
    return in_words(seconds)


def in_words(seconds: float) -> str:
    """Give a length of time as a person says it."""
    if seconds < 90:
        return _("%(seconds)s s") % {"seconds": number(round(seconds))}
    minutes = round(seconds / 60)
    if minutes < 90:
        return ngettext("%(minutes)s minute", "%(minutes)s minutes", minutes) % {"minutes": minutes}
    return _("%(hours)s h %(minutes)s min") % {"hours": minutes // 60, "minutes": minutes % 60}
