"""The product as a contender, and the scratch database that benchmarks of VEE run on."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from django.db import connection, connections

from benchmarks.parts import vee_world as world
from vee.operations import intake, processing


@contextlib.contextmanager
def scratch_database(models: Sequence[Any] = ()) -> Iterator[None]:
    """Give an empty database of the kind that DATABASE_URL names, with tables of these models besides the product's."""
    own_name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        with connection.schema_editor() as editor:
            for model in models:
                editor.create_model(model)
        yield
    finally:
        connections.close_all()
        connection.creation.destroy_test_db(own_name, verbosity=0)


def run_product(paths: list[Path]) -> None:
    """Let each of as many processes as there are files load its file and then process what is due."""
    run_each(_load_and_process, paths)


def _load_and_process(path: Path) -> None:
    with path.open("rb") as stream:
        row = intake.receive_file(name=path.name, stream=stream, format="nem12", at=world.AT, wake=False)
    intake.load_file(file_id=row.pk, at=world.AT, onward=True)
    processing.process_due(at=world.AT)


def run_each(work: Callable[[Path], None], paths: list[Path]) -> None:
    """Do work for each file, in a process of its own when there are several."""
    if len(paths) == 1:
        work(paths[0])
        return
    connections.close_all()
    context = multiprocessing.get_context("fork")
    started = [context.Process(target=work, args=[path]) for path in paths]
    for process in started:
        process.start()
    for process in started:
        process.join()
        assert process.exitcode == 0, "a worker failed"
