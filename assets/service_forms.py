"""The requests of the service X1-ProgramEnrollment as typed shapes (`integration.md` 3.1). Plain Python."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from assets.choices import AssetOwnership, InstallationMethod, RemovalMethod
from foundation.api.decoding import DoesNotFit, convert


Key = Annotated[str, Meta(max_length=60)] | None
Line = Annotated[str, Meta(max_length=254)] | None
Short = Annotated[str, Meta(max_length=30)] | None
Date = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
F = TypeVar("F", bound=msgspec.Struct)
_ENCODER = msgspec.json.Encoder(decimal_format="number", order="sorted")
_PLAIN = msgspec.json.Encoder(decimal_format="number")
# For a customer's own device that is there already.
_NEEDED_WHEN_BROUGHT = ("specification", "asset_type", "nic_id", "head_end_system")


class FormRefused(ValueError):
    """The request is not made as it has to be; nothing was stored. `pointer` says where."""

    def __init__(self, message: str, *, pointer: str) -> None:
        super().__init__(message)
        self.pointer = pointer


class Part(msgspec.Struct, rename="camel", kw_only=True, frozen=True):
    """What every part has: names in camel case; a member that is not known is kept with the request and not read."""


class Customer(Part, frozen=True):
    """Who takes part, by the person id of the customer information system."""

    cis_person_id: Key = None
    cis_account_id: Key = None
    name: Annotated[str, Meta(max_length=200)] | None = None
    home_phone: Key = None
    business_phone: Key = None
    email: Line = None


class ProgramPart(Part, frozen=True):
    """What in; dates are local to the service point."""

    program_code: Annotated[str, Meta(min_length=1, max_length=60)]
    cis_service_agreement_id: Key = None
    start_date: Date | None = None
    end_date: Date | None = None


class Location(Part, frozen=True):
    """Where."""

    division: Key = None
    cis_premise_id: Key = None
    cis_service_point_id: Key = None
    time_zone: Key = None
    address1: Line = None
    address2: Line = None
    address3: Line = None
    address4: Line = None
    city: Annotated[str, Meta(max_length=90)] | None = None
    county: Annotated[str, Meta(max_length=90)] | None = None
    state: Short = None
    country: Short = None
    postal: Short = None


class Asset(Part, frozen=True):
    """One device; `asset_id` is the DACS side's own `deviceId`, where the sender knows it."""

    sequence: Annotated[int, Meta(ge=0, le=32_767)] | None = None
    asset_id: Key = None
    specification: Annotated[str, Meta(max_length=120)] | None = None
    asset_type: Annotated[str, Meta(max_length=120)] | None = None
    badge_no: Key = None
    serial_no: Key = None
    nic_id: Annotated[str, Meta(max_length=100)] | None = None
    head_end_system: Annotated[str, Meta(max_length=50)] | None = None


class EnrolledAssets(Part, frozen=True):
    """With which devices, and how they get there."""

    installation_method: InstallationMethod
    asset_ownership: AssetOwnership
    asset_list: Annotated[list[Asset], Meta(min_length=1, max_length=100)]


class EnrollForm(Part, frozen=True):
    """A request to enroll (enrollProgram)."""

    transaction_id: Annotated[str, Meta(min_length=1, max_length=120)]
    customer_info: Customer
    program_info: ProgramPart
    location_info: Location
    asset_info: EnrolledAssets


class RemovedAssets(Part, frozen=True):
    """Which devices leave the program (none named: all), and whether they leave the place too."""

    removal_method: RemovalMethod | None = None
    asset_list: Annotated[list[Asset], Meta(max_length=100)] = []


class UnenrollForm(Part, frozen=True):
    """A request to unenroll (unenrollProgram)."""

    transaction_id: Annotated[str, Meta(min_length=1, max_length=120)]
    program_info: ProgramPart
    customer_info: Customer = Customer()
    location_info: Location = Location()
    asset_info: RemovedAssets = RemovedAssets()
    unenroll_reason: Line = None
    subscription_id: Key = None


def read_enroll(document: Any) -> EnrollForm:
    """
    Read a request to enroll.

    :raises FormRefused: at the first place that does not fit.
    """
    form = _read(document, EnrollForm)
    _date(form.program_info.start_date, "/programInfo/startDate", required=True)
    info = form.asset_info
    brought = (InstallationMethod.BRING_YOUR_OWN, AssetOwnership.CUSTOMER)
    if (info.installation_method, info.asset_ownership) == brought:
        for index, asset in enumerate(info.asset_list):
            for field in _NEEDED_WHEN_BROUGHT:
                if not (getattr(asset, field) or "").strip():
                    name = msgspec.structs.fields(Asset)[Asset.__struct_fields__.index(field)].encode_name
                    raise FormRefused(
                        f"{name} is required when installationMethod is X1SI and assetOwnership is W1CO.",
                        pointer=f"/assetInfo/assetList/{index}/{name}",
                    )
    return form


def read_unenroll(document: Any) -> UnenrollForm:
    """
    Read a request to unenroll.

    :raises FormRefused: at the first place that does not fit.
    """
    form = _read(document, UnenrollForm)
    _date(form.program_info.end_date, "/programInfo/endDate", required=False)
    return form


def start_date(form: EnrollForm) -> dt.date:
    """Give the local date from which the customer takes part."""
    return dt.date.fromisoformat(form.program_info.start_date or "")


def end_date(form: UnenrollForm) -> dt.date | None:
    """Give the local date that is the first without the customer; None: from now on."""
    return dt.date.fromisoformat(form.program_info.end_date) if form.program_info.end_date else None


def digest(document: Any) -> str:
    """Give the SHA-256 of a request: spaces and the order of keys do not matter, every value does."""
    return hashlib.sha256(_ENCODER.encode(document)).hexdigest()


def plain(document: Any) -> Any:
    """Give a request as it is stored: what JSON has no exact number for stays as near as JSON comes."""
    return json.loads(_PLAIN.encode(document))


def _read(document: Any, kind: type[F]) -> F:
    if not isinstance(document, Mapping):
        raise FormRefused("A JSON object is expected.", pointer="")
    try:
        form = convert(document, kind)
    except DoesNotFit as error:
        where = error.pointer.removesuffix("/").lstrip("/").replace("/", ".")
        text = str(error) if not where or str(error).endswith("is required") else f"{where}: {error}"
        raise FormRefused(f"{text}{'' if text.endswith('.') else '.'}", pointer=error.pointer) from None
    key: str = form.transaction_id  # type: ignore[attr-defined]
    if not key.isprintable() or key != key.strip():
        raise FormRefused("transactionId has no control characters, and no space around it.", pointer="/transactionId")
    return form


def _date(text: str | None, pointer: str, *, required: bool) -> None:
    name = pointer.rpartition("/")[2]
    if not text:
        if required:
            raise FormRefused(f"programInfo.{name} is required.", pointer=pointer)
        return
    try:
        year = dt.date.fromisoformat(text).year
    except ValueError:
        raise FormRefused(
            f"programInfo.{name} is no date of the calendar, as in 2023-06-05.", pointer=pointer
        ) from None
    if not 1971 <= year <= 2200:
        raise FormRefused(f"programInfo.{name} is not from 1971 to 2200.", pointer=pointer)
