"""One product with its peers for the whole tier; logs are shown when a test fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from pytest_socket import enable_socket

from tests.functional.harness.client import Client
from tests.functional.harness.configuration import (
    DACS_CANARY,
    DERMS_CANARY,
    DROP_CANARY,
    OPERATOR_CANARY,
    document,
    file_connections,
)
from tests.functional.harness.peers import Peer
from tests.functional.harness.product import Product


_HERE = Path(__file__).parent
_products: list[Product] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker("functional")
            item.add_marker("enable_socket")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.failed and _HERE in item.path.parents:
        for product in _products:
            report.sections.append((f"product log, last lines ({product.var}/product.log)", product.log()[-6000:]))


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    enable_socket()
    return tmp_path_factory.mktemp("functional")


@pytest.fixture(scope="session")
def dacs_process(logs: Path) -> Iterator[Peer]:
    yield from _run_peer("dacs", logs)


@pytest.fixture(scope="session")
def derms_process(logs: Path) -> Iterator[Peer]:
    yield from _run_peer("derms", logs)


@pytest.fixture(scope="session")
def mail_process(logs: Path) -> Iterator[Peer]:
    yield from _run_peer("mail", logs)


@pytest.fixture(scope="session")
def drop_process(logs: Path) -> Iterator[Peer]:
    yield from _run_peer("drop", logs)


@pytest.fixture(scope="session")
def objects_process(logs: Path) -> Iterator[Peer]:
    yield from _run_peer("objects", logs)


def _run_peer(kind: str, logs: Path) -> Iterator[Peer]:
    peer = Peer(kind=kind, logs=logs)
    try:
        peer.start()
        yield peer
    finally:
        peer.stop()


@pytest.fixture(scope="session")
def product(
    logs: Path,
    dacs_process: Peer,
    derms_process: Peer,
    mail_process: Peer,
    drop_process: Peer,
    objects_process: Peer,
) -> Iterator[Product]:
    config = logs / "config.yaml"
    files = file_connections(drop=drop_process, objects=objects_process)
    settings = document(dacs=dacs_process, derms=derms_process, mail=mail_process, files=files)
    config.write_text(yaml.safe_dump(settings))
    product = Product(
        var=logs / "var",
        config=config,
        password=OPERATOR_CANARY,
        environment={"DACS_PASSWORD": DACS_CANARY, "DERMS_PASSWORD": DERMS_CANARY, "DROP_PASSWORD": DROP_CANARY},
    )
    _products.append(product)
    try:
        product.start()
        yield product
    finally:
        product.stop()
        _products.remove(product)


@pytest.fixture
def dacs(dacs_process: Peer) -> Peer:
    return _afresh(dacs_process)


@pytest.fixture
def derms(derms_process: Peer) -> Peer:
    return _afresh(derms_process)


@pytest.fixture
def drop(drop_process: Peer) -> Peer:
    return _afresh(drop_process)


@pytest.fixture
def objects(objects_process: Peer) -> Peer:
    return _afresh(objects_process)


@pytest.fixture
def mail(mail_process: Peer) -> Peer:
    return _afresh(mail_process)


def _afresh(peer: Peer) -> Peer:
    peer.restart_if_stopped()
    peer.reset()
    return peer


@pytest.fixture
def client(product: Product) -> Client:
    return product.client()
