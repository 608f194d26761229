"""Typed reads of configuration properties and recipients, by canonical name or alias (C-01 to C-05, C-38)."""

from __future__ import annotations

from lookups.addresses import is_address, split_addresses
from lookups.names import ADDRESSES, CONFIG_PROPS, EMAIL_ID, PROPERTY_NAME, PROPERTY_VALUE, RECIPIENT
from lookups.properties import name_of_property, property_named, recipient_named
from lookups.property_types import NotOfItsType, PropertyType, PropertyValue, read_value
from lookups.queries import tables


class UnknownProperty(LookupError):
    """The product knows no property of this name, and the table has no row of it."""

    def __init__(self, table: str, name: str) -> None:
        super().__init__(f"The lookup {table} has no property {name!r}, and the product knows none of this name.")
        self.table = table
        self.name = name


class UnableToReadProperty(ValueError):
    """A property's value cannot be read as its type."""

    def __init__(self, *, table: str, name: str, value: str, reason: str) -> None:
        super().__init__(f"The property {name} in {table} is {value!r}: {reason}.")
        self.table = table
        self.name = name
        self.value = value


class UnknownRecipient(LookupError):
    """The table has no recipient of this name."""

    def __init__(self, table: str, name: str) -> None:
        super().__init__(f"The lookup {table} has no recipient {name!r}.")
        self.table = table
        self.name = name


class UnableToReadRecipients(ValueError):
    """A recipient's list holds something that is no e-mail address."""

    def __init__(self, *, table: str, name: str, value: str) -> None:
        super().__init__(f"The recipient {name} in {table} holds {value!r}, which is not an e-mail address.")
        self.table = table
        self.name = name
        self.value = value


def config_property(name: str, *, table: str | None = None) -> PropertyValue:
    """
    Give a configuration property, read as its declared type.

    A row under the canonical name counts before rows under other names; without a row the shipped default counts.
    A property that only the site knows is text.

    :param table: the property's own table when left out, and CONFIG_PROPS for a property of the site.
    :raises UnableToReadProperty: when the value cannot be read as the property's type.
    :raises UnknownProperty: when neither the product nor the table knows the name.
    """
    known = property_named(name)
    place = tables.table(name=table or (known.table if known else CONFIG_PROPS))
    names = known.names if known else (name,)
    text = _first_text(place, names, key=PROPERTY_NAME, value=PROPERTY_VALUE)
    if known is None:
        if text is None:
            raise UnknownProperty(place.name, name)
        return text
    value = known.default if text is None else text
    try:
        return read_value(value, known.type, unit=known.unit if known.type is PropertyType.DURATION else "")
    except NotOfItsType as error:
        raise UnableToReadProperty(table=place.name, name=known.name, value=value, reason=str(error)) from None


def recipients(name: str, *, table: str = EMAIL_ID) -> list[str]:
    """
    Give the e-mail addresses of a recipient; an empty list when nobody is entered.

    :raises UnknownRecipient: when neither the product nor the table knows the name.
    :raises UnableToReadRecipients: when the list holds something that is no address.
    """
    place = tables.table(name=table)
    known = recipient_named(name, table=place.name)
    text = _first_text(place, known.names if known else (name,), key=RECIPIENT, value=ADDRESSES)
    if text is None:
        if known is None:
            raise UnknownRecipient(place.name, name)
        text = known.default
    addresses = split_addresses(text)
    for address in addresses:
        if not is_address(address):
            raise UnableToReadRecipients(table=place.name, name=known.name if known else name, value=address)
    return addresses


def _first_text(place: tables.Table, names: tuple[str, ...], *, key: str, value: str) -> str | None:
    column = place.column(key)
    place.column(value)
    by_name: dict[str, str] = {}
    for row in place.rows:
        by_name.setdefault(name_of_property(row[column.name]), row[value])
    return next((by_name[name_of_property(name)] for name in names if name_of_property(name) in by_name), None)
