"""The facts that targets declare for each other. A target that needs a new one adds its type here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Sourced


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a deployment or a gateway answers.

    `url` is the base URL of its OpenAI-compatible API, such as `http://127.0.0.1:4000/v1`; `key` is the variable that
    holds its key, None where it needs none; `health` a path below the server's root that answers 200 when ready.
    """

    url: Sourced[str]
    key: Sourced[str] | None = None
    health: str | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """How to start what a resource runs, on a host: for a CI job, or for a platform that builds a container.

    `argv` is the command, run in the repository's root; `install` are commands before it, one list of arguments each;
    `image` is what a container platform runs, with `args` after the image's own entry point and `mounts` as
    (path in the repository, path in the container). `variables` are the variables it reads: name to secret's address,
    or to None for a plain variable of the CI.
    """

    argv: tuple[Sourced[str], ...]
    port: Sourced[int]
    install: tuple[tuple[str, ...], ...] = ()
    image: Sourced[str] | None = None
    args: tuple[Sourced[str], ...] = ()
    mounts: tuple[tuple[str, str], ...] = ()
    variables: Mapping[str, Sourced[Any]] = field(default_factory=dict)
    health: str = "/health"
    needs: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """How to run an eval so that its exit code is the gate: for a CI job.

    `argv` is run in the repository's root; `install` as in `Service`; `results` are the files it leaves; `services`
    are resources that must answer while it runs (a gateway without endpoint or platform).
    """

    argv: tuple[Sourced[str], ...]
    install: tuple[tuple[str, ...], ...] = ()
    tools: tuple[str, ...] = ()
    """Tool chains that the job sets up first: `python`, `node`."""
    variables: Mapping[str, Sourced[Any]] = field(default_factory=dict)
    results: tuple[str, ...] = ()
    services: tuple[Address, ...] = ()
    timeout_minutes: int = 15
