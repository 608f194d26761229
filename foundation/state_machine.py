"""Models whose state only their transitions may change, in a process with many threads."""

from __future__ import annotations

from typing import Any

from django.db import models
from django_fsm import ConcurrentTransitionMixin


class StateMachine(ConcurrentTransitionMixin):
    """
    Base, before `models.Model`, of models with a protected `FSMField`; saving over another's transition is refused.

    The library reads a row anew by lifting the protection of the field meanwhile, which all threads share: where two
    of them do so at once, one finds its state protected and fails (django-fsm-2 4.2). Here the state is taken out of
    the instance before, and the protection stays.
    """

    _read_anew: frozenset[str] = frozenset()

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        """Read the row anew, as Django does; its state always, which stays as it was when there is no row."""
        held = {name: self.__dict__.pop(name) for name in self._get_protected_fsm_fields() if name in self.__dict__}
        self._read_anew = frozenset(held)
        try:
            models.Model.refresh_from_db(self, *args, **kwargs)
        finally:
            self._read_anew = frozenset()
            self.__dict__.update({name: value for name, value in held.items() if name not in self.__dict__})
        self._update_initial_state()

    def get_deferred_fields(self) -> set[str]:
        """Give the fields that were not read; what is being read anew is none of them."""
        return super().get_deferred_fields() - self._read_anew
