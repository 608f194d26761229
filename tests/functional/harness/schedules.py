"""Background work at short intervals, set in the admin as an operator sets it; the scheduler does the rest."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tests.functional.harness.browser import Person


_TASKS = "django_celery_beat/periodictask"
_INTERVALS = "django_celery_beat/intervalschedule"
EVERY_SECOND = "every second"


@contextlib.contextmanager
def every_second(person: Person, schedule: str) -> Iterator[None]:
    """Let the scheduler fire a shipped schedule every second while the block runs."""
    page = person.page_of(_TASKS, schedule)
    before = {name: person.form(page).fields.get(name, "") for name in ("interval", "crontab")}
    person.save(page, {"interval": _every_second(person), "crontab": ""})
    try:
        yield
    finally:
        person.save(page, before)


def _every_second(person: Person) -> str:
    """The id of the interval of one second, made when nobody has yet."""
    listed = person.get(f"/admin/{_INTERVALS}/").text
    if EVERY_SECOND not in listed:
        person.save(f"/admin/{_INTERVALS}/add/", {"every": "1", "period": "seconds"})
    return person.page_of(_INTERVALS, EVERY_SECOND).split("/")[-3]
