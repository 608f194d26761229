"""
Names of models and fields in the language of whoever reads the page.

Most names are made by Django from the code, where no translation is marked; here each becomes a text that is looked
up when it is shown. The database, migrations and the API see none of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.apps import AppConfig
from django.db.models import Field
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy


def translate(configurations: Iterable[AppConfig]) -> None:
    """Let the names of these apps, of their models and fields, and their explanations, be translated when shown."""
    for configuration in configurations:
        configuration.verbose_name = _lazily(configuration.verbose_name)
        for model in configuration.get_models():
            options: Any = model._meta
            options.verbose_name = _lazily(options.verbose_name)
            options.verbose_name_plural = _lazily(options.verbose_name_plural)
            for field in options.get_fields():
                if isinstance(field, Field):
                    # The given name is kept beside this one: what migrations compare stays as it is written.
                    field.verbose_name = _lazily(field.verbose_name)
                    field.help_text = _lazily(field.help_text)


def texts(configurations: Iterable[AppConfig]) -> list[str]:
    """Give all of these names once, for the catalogue of texts; those of history tables are the same ones."""
    found = {str(text) for configuration in configurations for text in _texts(configuration)}
    return sorted(found - {""})


def _texts(configuration: AppConfig) -> Iterator[Any]:
    yield configuration.verbose_name
    for model in configuration.get_models():
        if model.__name__.startswith("Historical"):
            continue
        yield from (model._meta.verbose_name, model._meta.verbose_name_plural)
        for field in model._meta.get_fields():
            if isinstance(field, Field):
                yield from (field.verbose_name, field.help_text)


def _lazily(text: Any) -> Any:
    return gettext_lazy(text) if text and not isinstance(text, Promise) else text
