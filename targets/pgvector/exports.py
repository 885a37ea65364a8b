"""How a job makes the tables of a store, and what a container of it runs."""

from __future__ import annotations

from typing import Any

from llmops.compiler.model.exports import Service, Task, Variable
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View
from llmops.targets.pgvector.collections import connection, in_charge, indexes, option
from llmops.targets.pgvector.known import image

PORT = 5432
PASSWORD = "POSTGRES_PASSWORD"
"""What the image sets the superuser's password from."""


def task(lowering: Lowering, store: View[Any], near: str | None) -> Task | None:
    """The SQL files of a store's indexes, run one after the other; running them again changes nothing."""
    if not in_charge(store):
        return None
    paths = [f"{lowering.folder}/{index.address.name}.sql" for index in indexes(lowering, store)]
    if not paths:
        return None
    where, shared = connection(lowering, store), lowering.shared_folder
    lock = f"{shared}/requirements.txt"
    return Task(
        argv=(literal("python"), literal(f"{shared}/apply.py"), where.name, *(literal(path) for path in paths)),
        install=(("python", "-m", "pip", "install", "--require-hashes", "--only-binary=:all:", "-r", lock),),
        tools=("python",),
        variables=(where,),
        files=(*paths, f"{shared}/apply.py", lock),
    )


def service(lowering: Lowering, deployment: View[Any], near: str | None) -> Service | None:
    """The database in a container. No job starts one on its host."""
    store = deployment.ref("store") if deployment.address.kind == "deployment" else None
    if store is None or not in_charge(store) or deployment.has("endpoint") or near is None:
        return None
    version = store.maybe_text("version")
    chosen: Sourced[str] = option(lowering, "image") or (
        version.express(image) if version is not None else literal(image(None))
    )
    return Service(
        argv=(),
        port=literal(PORT),
        health="",
        image=chosen,
        probe=("pg_isready", "--username", "postgres"),
        variables=(Variable(literal(PASSWORD)),),
    )
