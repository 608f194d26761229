"""The OpenAPI schema is valid and names every address of this version."""

from __future__ import annotations

import re
from typing import Any

import pytest
from drf_spectacular.validation import validate_schema

from tests.functional.harness.client import Client
from tests.functional.harness.product import Product


FLOW = "OUTL-BA-DRMS_DACS_ENROLLRQ"
ADDRESSES = [
    ("post", f"/ic/api/integration/v1/flows/oracleutilities/{FLOW}/1.0/enroll-to-dacs"),
    ("post", f"/api/v1/flows/{FLOW}/enroll-to-dacs"),
    ("get", "/api/v1/flow-runs/"),
    ("get", "/api/v1/flow-runs/{id}/"),
    ("get", "/api/v1/lookups/{name}/"),
    ("put", "/api/v1/lookups/{name}/"),
    ("get", "/api/v1/lookups/{name}/translate"),
    ("put", "/api/v1/measuring-components/{id}/"),
    ("post", "/api/v1/master-data/"),
    ("post", "/api/v1/imds/"),
    ("get", "/api/v1/imds/{id}/"),
    ("post", "/api/v1/imds/{id}/perform-vee/"),
    ("post", "/api/v1/imds/{id}/discard/"),
    ("post", "/api/v1/imds/{id}/force-complete/"),
    ("post", "/api/v1/imds/{id}/edit/"),
    ("post", "/api/v1/reading-files/"),
    ("get", "/api/v1/reading-files/{id}/"),
    ("get", "/api/v1/measurements/"),
    ("get", "/api/v1/todos/"),
    ("get", "/api/v1/vee-exceptions/"),
]


@pytest.fixture(scope="module")
def schema(product: Product) -> dict[str, Any]:
    return product.client().read("/api/schema/", format="json")


def test_it_is_a_valid_openapi_3_1_document(schema: dict[str, Any]) -> None:
    assert schema["openapi"].startswith("3.1")
    validate_schema(schema)


@pytest.mark.parametrize(("method", "path"), ADDRESSES)
def test_it_contains_the_address(schema: dict[str, Any], method: str, path: str) -> None:
    # What stands between braces is the server's own name for it.
    operations = {re.sub(r"{\w+}", "{}", place): methods for place, methods in schema["paths"].items()}
    wanted = re.sub(r"{\w+}", "{}", path)
    assert wanted in operations, sorted(operations)
    assert method in operations[wanted]


def test_every_operation_has_a_name_of_its_own(schema: dict[str, Any]) -> None:
    names = [
        operation["operationId"]
        for operations in schema["paths"].values()
        for method, operation in operations.items()
        if method in ("get", "post", "put", "patch", "delete")
    ]
    assert len(names) == len(set(names))


def test_the_browsable_page_is_served_from_this_host(client: Client) -> None:
    answer = client.get("/api/docs/")

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
