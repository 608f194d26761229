from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from foundation.api import idempotency, problems
from foundation.api.renderers import to_json
from foundation.models import IdempotentRequest


pytestmark = pytest.mark.django_db


class Door:
    """Counts what it did."""

    def __init__(self, status: int = 202) -> None:
        self.calls = 0
        self.status = status

    def __call__(self) -> Response:
        self.calls += 1
        return Response({"call": self.calls}, status=self.status)


def request(key: str | None = "K", path: str = "/door/", user: Any = None) -> Request:
    headers = {} if key is None else {"HTTP_IDEMPOTENCY_KEY": key}
    made = Request(APIRequestFactory().post(path, {}, format="json", **headers))
    made.user = user or get_user_model().objects.get_or_create(username="ada")[0]
    return made


class TestAnswerOnce:
    def test_calls_each_time_without_a_key(self) -> None:
        door = Door()

        for _ in range(2):
            idempotency.answer_once(request(None), digest="d", respond=door)

        assert door.calls == 2
        assert not IdempotentRequest.objects.exists()

    def test_calls_once_per_key_and_repeats_the_answer(self) -> None:
        door = Door()

        first = idempotency.answer_once(request(), digest="d", respond=door)
        again = idempotency.answer_once(request(), digest="d", respond=door)

        assert door.calls == 1
        assert isinstance(first, Response)
        assert (again.status_code, again.content, again["Idempotent-Replayed"]) == (202, b'{"call":1}', "true")

    def test_refuses_the_key_with_another_body(self) -> None:
        door = Door()
        idempotency.answer_once(request(), digest="d", respond=door)

        with pytest.raises(problems.IdempotencyKeyReused):
            idempotency.answer_once(request(), digest="e", respond=door)

        assert door.calls == 1

    def test_keeps_keys_of_accounts_and_addresses_apart(self) -> None:
        door = Door()
        other = get_user_model().objects.create_user("grace")

        for made in (request(), request(path="/window/"), request(user=other)):
            idempotency.answer_once(made, digest="d", respond=door)

        assert door.calls == 3

    def test_keeps_no_refusal(self) -> None:
        door = Door(status=400)

        for _ in range(2):
            assert idempotency.answer_once(request(), digest="d", respond=door).status_code == 400

        assert door.calls == 2
        assert not IdempotentRequest.objects.exists()

    def test_keeps_nothing_when_the_work_fails(self) -> None:
        def fails() -> Response:
            get_user_model().objects.create_user("half-done")
            raise problems.InvalidBody("no")

        with pytest.raises(problems.InvalidBody):
            idempotency.answer_once(request(), digest="d", respond=fails)

        assert not IdempotentRequest.objects.exists()
        assert not get_user_model().objects.filter(username="half-done").exists()

    def test_says_that_the_first_request_is_still_running(self) -> None:
        made = request()
        scope = f"{made.user.pk} POST /door/"
        IdempotentRequest.objects.create(scope=scope, key="K", digest="d")

        with pytest.raises(problems.RequestInProgress):
            idempotency.answer_once(made, digest="d", respond=Door())

    @pytest.mark.parametrize("key", ["", " ", "x" * 256, "é"])
    def test_refuses_a_key_that_is_not_usable(self, key: str) -> None:
        door = Door()

        with pytest.raises(problems.InvalidBody):
            idempotency.answer_once(request(key), digest="d", respond=door)

        assert door.calls == 0


@pytest.mark.django_db(transaction=True)
class TestEightClientsAtOnce:
    def test_get_one_effect_and_one_answer(self) -> None:
        # reliability A3
        user = get_user_model().objects.create_user("ada")

        def respond() -> Response:
            made = get_user_model().objects.create_user(f"effect-{uuid.uuid4()}")
            return Response({"id": made.pk}, status=202)

        def client(_number: int) -> tuple[int, bytes]:
            try:
                answer = idempotency.answer_once(request(user=user), digest="d", respond=respond)
                return answer.status_code, to_json(answer.data) if isinstance(answer, Response) else answer.content
            finally:
                connection.close()

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(client, range(8)))

        assert len(set(answers)) == 1
        assert answers[0][0] == 202
        assert get_user_model().objects.filter(username__startswith="effect-").count() == 1
