"""From a deployment to the flags of `vllm serve`, as its config file takes them: without dashes in front."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.derive.hardware import engine as engine_facts
from llmops.compiler.derive.hardware import parallelism
from llmops.compiler.derive.model import task as task_of
from llmops.compiler.derive.route import served_name
from llmops.compiler.facts import EngineFacts
from llmops.compiler.model.artifact import Artifact
from llmops.compiler.model.finding import Finding, Label, Severity
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View
from llmops.schemas.types import DEPLOYMENT
from llmops.targets.vllm.flags import Flag, check, entry, idle, unknown_name
from llmops.targets.vllm.secrets import gated, renamed
from llmops.targets.vllm.weights import adapters, mistaken, no_weights, place, speculative, weights

PORT = 8000
"""vLLM's own default."""
FIELDS = (
    "dtype", "kv_cache_dtype", "max_model_len", "gpu_memory_utilization", "max_num_seqs", "max_num_batched_tokens",
)
"""Fields that are called as the flag is."""
SWITCHES = {"prefix_caching": "enable-prefix-caching", "chunked_prefill": "enable-chunked-prefill"}
POOLING = ("embedding", "rerank")
"""Tasks whose answer is no text: the engine's runner for them must be said where weights could do both."""
FOREIGN = ("speech", "image")


Made = Flag | Finding | Unsupported


def lower(lowering: Lowering) -> Iterator[Artifact | Unsupported | Finding]:
    for deployment in lowering.reader.of(DEPLOYMENT, engine="vllm"):
        model = deployment.ref("model")
        if model is None or deployment.has("endpoint"):
            continue
        wrong = list(mistaken(lowering, deployment))
        yield from wrong
        if wrong:
            continue
        if place(lowering, deployment, model) is None:
            yield no_weights(deployment.at("model"), model.address.name)
            continue
        engine = engine_facts(lowering.facts, deployment)
        yield from _version(deployment, engine)
        yield from gated(lowering, deployment, model)
        yield from renamed(lowering, deployment)
        flags: dict[str, Flag] = {}
        for made in _all(lowering, engine, deployment, model):
            if not isinstance(made, Flag):
                yield made
                continue
            name = _canonical(engine, made)
            if name in flags and flags[name].at is not None:
                yield _twice(made, flags[name])
                continue
            flags[name] = made
            finding = check(lowering.facts, engine, made) if engine is not None else None
            if finding is not None:
                yield finding
        reference = deployment.ref_name("model")
        body = dict(
            entry(flag, reference if flag.at is not None and flag.at[:2] == model.address.path else None)
            for flag in flags.values()
            if not idle(engine, flag)
        )
        about = (deployment.address, Sourced(model.address, (), raw=True).because(reference))
        yield Artifact(f"{deployment.address.name}.yaml", body, about)


def _all(lowering: Lowering, engine: EngineFacts | None, deployment: View[Any], model: View[Any]) -> Iterator[Made]:
    yield from weights(lowering, engine, deployment, model)
    yield Flag("served-model-name", served_name(model), model.at("served_name"))
    yield Flag("host", literal("0.0.0.0"))  # the platform or the host decides who reaches it
    yield Flag("port", deployment.maybe_integer("port") or literal(PORT))
    yield from _model(engine, deployment, model)
    yield from _task(lowering, model)
    for field in FIELDS:
        chosen = deployment.get(field)
        if chosen is not None:
            yield Flag(field.replace("_", "-"), chosen, deployment.at(field))
    for field, name in SWITCHES.items():
        switch = deployment.maybe_flag(field)
        if switch is not None:
            yield Flag(name, switch, deployment.at(field))
    yield from _parallel(deployment)
    yield from adapters(lowering, engine, deployment)
    yield from speculative(lowering, deployment)
    for written, value in (deployment.tree("args") or {}).items():
        head, dot, rest = written.partition(".")
        yield Flag(head.replace("_", "-") + dot + rest, value, deployment.at("args", written), written)


def _model(engine: EngineFacts | None, deployment: View[Any], model: View[Any]) -> Iterator[Made]:
    quantization = model.maybe_text("quantization")
    if quantization is not None:
        yield Flag("quantization", quantization, model.at("quantization"))
    trusted = model.maybe_flag("trust_remote_code")
    if trusted is not None and model.written("trust_remote_code"):
        yield Flag("trust-remote-code", trusted, model.at("trust_remote_code"))
    dimension = model.maybe_integer("dimension")
    if dimension is not None:
        # It refuses requests for a shorter vector unless the model's configuration says which lengths are possible.
        yield Flag("hf-overrides", {"matryoshka_dimensions": [dimension]}, model.at("dimension"))
    args = deployment.value.get("args") or {}
    parser = model.maybe_text("tool_parser")
    if parser is not None:
        yield Flag("enable-auto-tool-choice", Sourced(True, parser.sources), model.at("tool_parser"))
        yield Flag("tool-call-parser", parser, model.at("tool_parser"))
        if engine is not None and not _plugin(args, "tool"):
            yield from _known(unknown_name(engine, "tool parser", parser, model.at("tool_parser"), engine.tool_parsers))
    reasoning = model.maybe_text("reasoning_parser")
    if reasoning is not None:
        at = model.at("reasoning_parser")
        yield Flag("reasoning-parser", reasoning, at)
        if engine is not None and not _plugin(args, "reasoning"):
            yield from _known(unknown_name(engine, "reasoning parser", reasoning, at, engine.reasoning_parsers))


def _known(finding: Finding | None) -> Iterator[Finding]:
    if finding is not None:
        yield finding


def _plugin(args: dict[str, Any], what: str) -> bool:
    """Whether code of the user's own brings further parsers."""
    return any(name.replace("-", "_") == f"{what}_parser_plugin" for name in args)


def _task(lowering: Lowering, model: View[Any]) -> Iterator[Made]:
    task = task_of(lowering.facts, model)
    if task is None:
        return
    if task.value in POOLING:
        yield Flag("runner", Sourced("pooling", task.sources, raw=True), model.at("task"))
    elif task.value in FOREIGN and model.has("task"):
        yield Unsupported(model.at("task"), "it makes texts and vectors")


def _parallel(deployment: View[Any]) -> Iterator[Flag]:
    """As written; the tensor's part follows from the accelerators of a replica."""
    split = parallelism(deployment)
    tensor = deployment.maybe_integer("parallel", "tensor")
    if tensor is None and split is not None and split.tensor > 1:
        tensor = Sourced(split.tensor, split.sources)
    if tensor is not None:
        yield Flag("tensor-parallel-size", tensor, deployment.at("parallel", "tensor"))
    for field in ("pipeline", "data"):
        size = deployment.maybe_integer("parallel", field)
        if size is not None:
            yield Flag(f"{field}-parallel-size", size, deployment.at("parallel", field))
    expert = deployment.maybe_flag("parallel", "expert")
    if expert is not None:
        yield Flag("enable-expert-parallel", expert, deployment.at("parallel", "expert"))


def _canonical(engine: EngineFacts | None, flag: Flag) -> str:
    """The name that all spellings of a flag share; a part of an option (`compilation-config.level`) is its own."""
    option = engine.option(flag.name) if engine is not None else None
    return option.name if option is not None else flag.name


def _version(deployment: View[Any], engine: EngineFacts | None) -> Iterator[Finding]:
    """Flags that could not be held against those of the version that will run."""
    version = deployment.maybe_text("version")
    if version is None or (engine is not None and engine.exact and engine.asked == version.value):
        return
    nearest = f"those of {engine.version} were taken" if engine is not None else "they were not checked"
    yield Finding(
        f"the flags of vLLM {version.value} are not known: {nearest}",
        (Label(deployment.at("version"), "", primary=True),), severity=Severity.INFO, unknown=True,
    )  # fmt: skip


def _twice(flag: Flag, first: Flag) -> Finding:
    """A flag in `args` that follows from a field already."""
    assert flag.at is not None
    assert first.at is not None
    return Finding(
        f"`{flag.written or flag.name}` follows from `{first.at[-1]}`",
        (Label(flag.at, "said here as well", primary=True, key_only=True), Label(first.at, "it follows from this")),
        help=("remove it from `args`",), severity=Severity.ERROR,
    )  # fmt: skip
