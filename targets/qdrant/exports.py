"""How a job makes the collections of a store, and what a container of it runs."""

from __future__ import annotations

from typing import Any

from llmops.compiler.model.exports import Service, Task, Variable
from llmops.compiler.model.sourced import Sourced, combine, literal
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View
from llmops.targets.qdrant.collections import PORT, in_charge, indexes, key, of_index
from llmops.targets.qdrant.known import image

ADDRESS = "QDRANT_URL"
"""The script's variable of the address, where a config says it."""
SERVER_KEY = "QDRANT__SERVICE__API_KEY"
"""What the server sets its own key from."""


def task(lowering: Lowering, store: View[Any], near: str | None) -> Task | None:
    """The script that makes a store's collections; running it again changes nothing."""
    if not in_charge(store):
        return None
    made = [(index, of_index(lowering, index, near)) for index in indexes(lowering, store)]
    if not made:
        return None
    shared = lowering.shared_folder
    lock, script = f"{shared}/requirements.txt", f"{shared}/apply.py"
    first = made[0][1]
    assert first is not None
    outside, url, secret = first.outside, first.url, key(store)
    words: list[Sourced[str]] = [literal("python"), literal(script)]
    words.append(outside.name if outside is not None else literal(ADDRESS))
    words.append(secret.name if secret is not None else literal("-"))
    paths = [f"{lowering.folder}/{index.address.name}.json" for index, _ in made]
    words += [combine(lambda n, p: f"{n}={p}", c.name, literal(path)) for (_, c), path in zip(made, paths, strict=True)
              if c is not None]
    return Task(
        argv=tuple(words),
        install=(("python", "-m", "pip", "install", "--require-hashes", "--only-binary=:all:", "-r", lock),),
        tools=("python",),
        variables=tuple(v for v in (outside, secret) if v is not None),
        settings={} if outside is not None or url is None else {ADDRESS: url},
        files=(*paths, *(path.replace(".json", ".fields.json") for path in paths), script, lock),
    )


def service(lowering: Lowering, deployment: View[Any], near: str | None) -> Service | None:
    """The server in a container. No job starts one on its host."""
    store = deployment.ref("store") if deployment.address.kind == "deployment" else None
    if store is None or not in_charge(store) or deployment.has("endpoint") or near is None:
        return None
    version = store.maybe_text("version")
    option = lowering.options.maybe_text("image") if lowering.options else None
    secret = key(store)
    return Service(
        argv=(),
        port=literal(PORT),
        health="",  # it answers at /readyz, but its image has nothing that could ask
        image=option or (version.express(image) if version is not None else literal(image(None))),
        variables=() if secret is None else (Variable(literal(SERVER_KEY), secret.secret),),
        key=secret,
    )
