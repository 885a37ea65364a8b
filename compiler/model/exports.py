"""The facts that targets declare for each other. A target that needs a new one adds its type here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Sourced


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable that something reads: a secret's, or a plain one that is known only outside."""

    name: Sourced[str]
    secret: Address | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a deployment or a gateway answers.

    `url` is the base URL of its OpenAI-compatible API, such as `http://127.0.0.1:4000/v1`; `key` is the variable that
    holds its key, None where it needs none; `health` is the URL that answers 200 when it is ready.
    """

    url: Sourced[str]
    key: Variable | None = None
    health: Sourced[str] | None = None
    outside: Variable | None = None
    """The variable that holds the address where it is known only outside; `url` is empty then."""


@dataclass(frozen=True, slots=True)
class Service:
    """How to start what a resource runs: on a host for a CI job, or in a container.

    `argv` is the command, run in the repository's root, after the `install` commands. A container platform runs
    `image` with `args` after the image's own entry point, and mounts files: (path in the repository, path inside).
    `variables` are what it reads, `settings` variables with fixed values. `port` is the one that it listens on.
    `health` is a path on that port that answers 200 when it is ready; empty where it speaks no HTTP. `probe` is a
    command in the container that ends with 0 when it is ready, for images that can ask in no other way.
    """

    argv: tuple[Sourced[str], ...]
    port: Sourced[int]
    health: str
    install: tuple[tuple[str, ...], ...] = ()
    tools: tuple[str, ...] = ()
    image: Sourced[str] | None = None
    args: tuple[Sourced[str], ...] = ()
    mounts: tuple[tuple[str | Sourced[str], str], ...] = ()
    variables: tuple[Variable, ...] = ()
    settings: Mapping[str, Sourced[str]] = field(default_factory=dict)
    key: Variable | None = None
    """The key that its callers show."""
    needs: tuple[Address, ...] = ()
    """Resources that must answer before it starts."""
    files: tuple[str, ...] = ()
    """Files of the repository that decide what it does, beside the configs: a lock file."""
    shares_memory: bool = False
    """Its processes talk through /dev/shm, which is small in a container unless the platform is told otherwise."""
    probe: tuple[str, ...] = ()
    start_up: str | None = None
    """How long it may take until `health` answers, as a duration; None where a minute is enough."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """The earlier results that a gate compares with, where a branch keeps them.

    `branch` is the one whose newest results count, of those whose gate held. `kept` is the file that a run leaves for
    later ones: the CI keeps it if the run was one of that branch itself and `argv` ended with 0. `expected` is where
    `argv` looks for the earlier one; where nothing stands there, it says so and judges the rest of the gate.
    """

    branch: Sourced[str]
    kept: Sourced[str]
    expected: Sourced[str]


@dataclass(frozen=True, slots=True)
class Check:
    """How to run an eval so that its exit code is the gate: for a CI job.

    `argv` is run in the repository's root after the `install` commands and those of `prepare`, which see its variables
    and end it if they fail; `tools` are tool chains to set up first (`python`, `node`); `results` are the files that it
    leaves; `services` must answer while it runs.
    """

    argv: tuple[Sourced[str], ...]
    prepare: tuple[tuple[Sourced[str], ...], ...] = ()
    install: tuple[tuple[str, ...], ...] = ()
    tools: tuple[str, ...] = ()
    variables: tuple[Variable, ...] = ()
    settings: Mapping[str, Sourced[str]] = field(default_factory=dict)
    results: tuple[Sourced[str] | str, ...] = ()
    services: tuple[Address, ...] = ()
    files: tuple[Sourced[str] | str, ...] = ()
    """Files of the repository that decide its outcome, beside the configs: what was compiled for it, a lock file."""
    blocks: bool = True
    """False where the eval reports and never fails."""
    baseline: Baseline | None = None
    """What it compares with, where a branch keeps that; `argv` adds how it judged to the file that LLMOPS_SUMMARY names
    then."""


@dataclass(frozen=True, slots=True)
class Deploy:
    """How a job brings a deployment to its environment. Deployments that share `argv` are brought together.

    `argv` is run in the repository's root after the `install` commands; `tools` are tool chains to set up first
    (`python`, `node`); `variables` are what it reads.
    """

    argv: tuple[Sourced[str], ...]
    variables: tuple[Variable, ...] = ()
    settings: Mapping[str, Sourced[str]] = field(default_factory=dict)
    install: tuple[tuple[str, ...], ...] = ()
    tools: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """How to do what a resource asks for, once: fill an index, make a dataset, train a model. For a CI job.

    `argv` is run in the repository's root after the `install` commands and those of `prepare`, which see its variables
    and end it if they fail; `tools` are tool chains to set up first; `results` are the files and folders that it
    leaves; `services` must answer while it runs.
    """

    argv: tuple[Sourced[str], ...]
    prepare: tuple[tuple[Sourced[str], ...], ...] = ()
    install: tuple[tuple[str, ...], ...] = ()
    tools: tuple[str, ...] = ()
    variables: tuple[Variable, ...] = ()
    settings: Mapping[str, Sourced[str]] = field(default_factory=dict)
    results: tuple[Sourced[str] | str, ...] = ()
    services: tuple[Address, ...] = ()
    files: tuple[Sourced[str] | str, ...] = ()
    """Files of the repository that decide its outcome, beside the configs: what was compiled for it, its data."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What a fine-tuning leaves: the folder (from the repository's root) or the address of its weights.

    `rank` is that of an adapter, None where they are whole weights.
    """

    place: Sourced[str]
    rank: Sourced[int] | None = None


@dataclass(frozen=True, slots=True)
class ToolServer:
    """How the functions of a tool are reached over the Model Context Protocol.

    `transport` is `stdio` (then `argv` starts it, in the repository's root), `http` or `sse` (then `url` is its
    address). `functions` are those that may be called: of a function tool its own name, of a server its allow-list.
    """

    transport: str
    functions: tuple[Sourced[str], ...]
    argv: tuple[Sourced[str], ...] = ()
    url: Sourced[str] | None = None
    outside: Variable | None = None
    """The variable that holds the address where it is known only outside; `url` is None then."""
    install: tuple[tuple[str, ...], ...] = ()
    variables: tuple[Variable, ...] = ()
    settings: Mapping[str, Sourced[str]] = field(default_factory=dict)
    key: Variable | None = None
    """The key that its callers show in the header `Authorization: Bearer`."""
    files: tuple[Sourced[str] | str, ...] = ()
    """Files of the repository that `argv` runs and reads, at least."""


@dataclass(frozen=True, slots=True)
class App:
    """How a served flow is called over HTTP.

    `url` is the whole address. `body` is the JSON body with the flow's inputs as `{{ name }}`; `answer` and
    `passages` are the keys, joined by dots, at which the reply holds the answer and the list of retrieved passages.
    """

    url: Sourced[str]
    method: str
    body: Mapping[str, Any]
    answer: Sourced[str] | None = None
    passages: Sourced[str] | None = None
    key: Variable | None = None
    outside: Variable | None = None
    """The variable that holds the deployment's base address where it is known only outside; `url` is the path then."""
    health: Sourced[str] | None = None


@dataclass(frozen=True, slots=True)
class Collection:
    """Where an index is kept, as the target of its store makes it: what whoever fills or searches it must know.

    `name` is the table or collection, `schema` what it stands in, where the engine has that. `element` is `full` or
    `half`; `algorithm` is `hnsw`, `ivfflat` or `flat`; `build` and `search` are its numbers by our names (`m`,
    `ef_construction`; `ef`, `probes`). `indexes` are the names of what stands beside it: `vector`, `keyword`.
    """

    engine: str
    store: Address
    name: Sourced[str]
    metric: Sourced[str]
    algorithm: Sourced[str]
    element: Sourced[str]
    dimension: Sourced[int] | None = None
    schema: Sourced[str] | None = None
    build: Mapping[str, Sourced[int]] = field(default_factory=dict)
    search: Mapping[str, Sourced[int]] = field(default_factory=dict)
    indexes: Mapping[str, Sourced[str]] = field(default_factory=dict)
    language: Sourced[str] | None = None
    """The language of its words, where they are searched."""
    url: Sourced[str] | None = None
    """Its store's address, where a config says it; else `outside` holds it."""
    outside: Variable | None = None
    """The variable that holds the address, or all that is needed to connect."""
    key: Variable | None = None
    """The key that its store asks for, where the address does not hold it."""


@dataclass(frozen=True, slots=True)
class Screen:
    """How an app itself puts texts to a guardrail: through a program of the engine that runs beside it.

    `argv` starts it, in the repository's root; guardrails of one `argv` share it. It reads a JSON object a line and
    writes one: `{"load": name}` is answered with `{"ready": name}` once the guardrail can be asked, `{"guard": name,
    "text": …}` (with what the text goes with: `question`, `passages`) with `{"text", "blocked", "found"}`.
    """

    argv: tuple[Sourced[str], ...]
    install: tuple[tuple[str, ...], ...] = ()
    variables: tuple[Variable, ...] = ()
    settings: Mapping[str, Sourced[str]] = field(default_factory=dict)
    needs: tuple[Address, ...] = ()
    """Resources that must answer before it is asked."""
    files: tuple[str, ...] = ()
    """Files of the repository that it runs and reads, and the lock file that installs it."""


@dataclass(frozen=True, slots=True)
class Screened:
    """That whoever runs a flow or an agent asks the guardrails of these `stages` itself."""

    stages: tuple[str, ...]
