"""Every error is a problem document (`application/problem+json`), whatever was wrong."""

from __future__ import annotations

import json

import pytest
import requests

from tests.functional.harness.client import ENROLL, GUIDE_ENROLL, Client, problem
from tests.functional.harness.product import Product


DOORS = [
    pytest.param("/api/v1/imds/", id="initial measurements"),
    pytest.param(ENROLL, id="a flow"),
    pytest.param(GUIDE_ENROLL, id="a flow at the guide's address"),
]
JSON = {"Content-Type": "application/json"}


class TestUnknown:
    @pytest.mark.parametrize(
        "path",
        ["/nothing", "/api/v1/nothing/", "/api/v1/imds/999999999/", "/api/v1/imds/not-a-number/", "/ic/api/nothing"],
    )
    def test_address_is_not_found(self, client: Client, path: str) -> None:
        problem(client.get(path), 404, "not_found")

    def test_address_without_an_account_is_not_found_either(self, product: Product) -> None:
        problem(Client(url=product.url).get("/nothing"), 404, "not_found")


class TestUnreadable:
    @pytest.mark.parametrize("path", DOORS)
    @pytest.mark.parametrize(
        "body",
        [
            pytest.param(b"{", id="cut"),
            pytest.param(b"", id="empty"),
            pytest.param(b'{"params": [1, 2', id="cut in a list"),
            pytest.param(b'{"params": "\xff"}', id="not UTF-8"),
            pytest.param(b'{"params": [], "params": []}', id="a key twice"),
            pytest.param(b'{"params": NaN}', id="no number"),
            pytest.param(b'{"params": "a\\u0000b"}', id="a NUL"),
            pytest.param(b'{"params": "\\ud800"}', id="half a character"),
            pytest.param(b"[" * 2_000 + b"]" * 2_000, id="deep nesting"),
            pytest.param(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, id="very deep nesting"),
        ],
    )
    def test_body_is_refused(self, client: Client, path: str, body: bytes) -> None:
        problem(client.post(path, data=body, headers=JSON), 400)

    def test_master_data_without_a_json_line_is_refused(self, client: Client) -> None:
        headers = {"Content-Type": "application/x-ndjson"}
        problem(client.post("/api/v1/master-data/", data=b"one\ntwo\n", headers=headers), 400)

    def test_a_form_without_its_file_is_refused(self, client: Client) -> None:
        answer = client.post("/api/v1/reading-files/", files={"format": (None, "nem12")})

        problem(answer, 400)

    def test_a_file_that_says_it_is_base64_and_is_not_is_refused(self, client: Client) -> None:
        headers = {"Content-Transfer-Encoding": "base64"}
        parts = {"format": (None, "nem12"), "file": ("a.csv", "!!! nothing of that !!!", "text/csv", headers)}

        problem(client.post("/api/v1/reading-files/", files=parts), 400)

    def test_a_cut_form_is_refused(self, client: Client) -> None:
        body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n100,NEM'
        headers = {"Content-Type": "multipart/form-data; boundary=b"}

        problem(client.post("/api/v1/reading-files/", data=body, headers=headers), 400)


class TestTooLarge:
    @pytest.mark.parametrize("path", DOORS)
    def test_body_is_refused_and_the_limit_is_named(self, client: Client, path: str) -> None:
        body = b'{"params": "' + b"x" * (9 * 1024 * 1024) + b'"}'

        document = problem(client.post(path, data=body, headers=JSON), 413, "too_large")

        assert any(character.isdigit() for character in document["detail"])


class TestNotAllowed:
    def test_method_names_those_that_are(self, client: Client) -> None:
        answer = client.request("DELETE", "/api/v1/imds/")

        problem(answer, 405, "method_not_allowed")
        assert "POST" in answer.headers["Allow"]

    @pytest.mark.parametrize("path", DOORS)
    def test_without_an_account(self, product: Product, path: str) -> None:
        answer = Client(url=product.url).post(path, json={})

        problem(answer, 401, "unauthenticated")
        assert answer.headers["WWW-Authenticate"].startswith("Basic")

    def test_with_a_wrong_password(self, product: Product) -> None:
        answer = Client(url=product.url, username="operator", password="wrong").get("/api/v1/todos/")

        problem(answer, 401, "unauthenticated")

    def test_with_an_account_that_has_no_right(self, product: Product) -> None:
        code = (
            "from django.contrib.auth import get_user_model as m; "
            "m().objects.filter(username='nobody').exists() or "
            "m().objects.create_user('nobody', password='no rights 123')"
        )
        product.manage("shell", "-c", code)

        nobody = Client(url=product.url, username="nobody", password="no rights 123")

        problem(nobody.post("/api/v1/imds/", json=[]), 403, "forbidden")
        problem(nobody.enroll(), 403, "forbidden")
        problem(nobody.get("/api/v1/todos/"), 403, "forbidden")

    def test_media_type(self, client: Client) -> None:
        answer = client.post("/api/v1/imds/", data=b"<xml/>", headers={"Content-Type": "application/xml"})

        problem(answer, 415, "unsupported_media_type")


class TestToken:
    def test_a_token_opens_the_same_doors(self, product: Product) -> None:
        key = product.manage("drf_create_token", "operator").stdout.split()[2]

        systems = Client(url=product.url, token=key)

        assert systems.get("/api/v1/todos/").status_code == 200
        problem(Client(url=product.url, token="0" * 40).get("/api/v1/todos/"), 401, "unauthenticated")


class TestHealth:
    @pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
    def test_needs_no_account(self, product: Product, path: str) -> None:
        answer = requests.get(product.url + path, timeout=10)

        assert (answer.status_code, answer.json()["status"]) == (200, "ok")


def test_problem_documents_are_valid_json_for_odd_paths(client: Client) -> None:
    answer = client.get("/api/v1/%22%3Cscript%3E/%0d%0aX-Injected:%201/")

    assert json.loads(answer.text)["status"] == 404
    assert "X-Injected" not in answer.headers
