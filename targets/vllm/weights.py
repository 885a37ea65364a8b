"""Where the engine finds weights: the served model's, its adapters', and those of a model that guesses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.derive.route import served_name
from llmops.compiler.facts import EngineFacts
from llmops.compiler.model.finding import Finding, Label, Severity
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.target import Unsupported
from llmops.compiler.model.view import View
from llmops.targets.vllm.data import of_version
from llmops.targets.vllm.flags import Flag, as_json, unknown_name

FILE = "file://"


def place(model: View[Any]) -> Sourced[str] | None:
    """As `--model` takes it: a repository, a path, or an address of an object store."""
    repo = model.maybe_text("weights", "repo")
    if repo is not None:
        return repo
    uri = model.maybe_text("weights", "uri")
    return None if uri is None else uri.map(lambda text: text.removeprefix(FILE))


def weights(engine: EngineFacts | None, model: View[Any]) -> Iterator[Flag | Finding | Unsupported]:
    found = place(model)
    if found is None:
        return
    yield Flag("model", found, model.at("weights"))
    revision = model.maybe_text("weights", "revision")
    if revision is not None:
        yield Flag("revision", revision, model.at("weights", "revision"))
    form = model.maybe_text("weights", "format")
    if form is not None:
        at = model.at("weights", "format")
        yield Flag("load-format", form, at)
        known = of_version("load_formats", engine.version) if engine else ()
        finding = unknown_name(engine, "format", form, at, known) if engine else None
        if finding is not None:
            yield finding
    if model.has("weights", "file"):
        yield Unsupported(model.at("weights", "file"), "it loads a repository, not one file of it")
    yield from _scheme(engine, model)


def _scheme(engine: EngineFacts | None, model: View[Any]) -> Iterator[Finding]:
    uri = model.maybe_text("weights", "uri")
    if uri is None or engine is None or uri.value.startswith(FILE):
        return
    scheme = uri.value.partition("://")[0]
    known = of_version("schemes", engine.version)
    if known and scheme not in known:
        readable = ", ".join(f"`{name}://`" for name in (*known, "file"))
        yield Finding(
            f"vLLM {engine.version} cannot read weights from `{scheme}://`",
            (Label(model.at("weights", "uri"), "", primary=True),),
            notes=(f"it reads {readable} and repositories",), severity=Severity.ERROR,
        )


def adapters(deployment: View[Any]) -> Iterator[Flag | Finding | Unsupported]:
    """LoRA adapters on the served model, each under a name of its own."""
    modules: list[Any] = []
    for entry in deployment.entries("adapters"):
        adapter = entry.ref()
        if adapter is None:
            continue
        found = place(adapter)
        if found is None:
            yield no_weights(entry.at(), adapter.address.name)
            continue
        if adapter.has("weights", "revision"):
            yield Unsupported(
                adapter.at("weights", "revision"), "it takes the newest revision of an adapter's repository",
                "put the files on a disk: `weights: {uri: file:///adapters/…}`",
            )  # fmt: skip
        reference = entry.get()
        modules.append(as_json({"name": served_name(adapter).because(reference), "path": found.because(reference)}))
    if modules:
        at = deployment.at("adapters")
        every = deployment.get("adapters")
        yield Flag("enable-lora", Sourced(True, every.sources if every else ()), at)
        yield Flag("lora-modules", modules, at)


def speculative(deployment: View[Any]) -> Iterator[Flag | Finding]:
    """The engine's own spelling of a second way to guess tokens."""
    node = deployment.node("speculative")
    if node is None:
        return
    said: dict[str, Any] = {}
    method = node.maybe_text("method")
    if method is not None:
        said["method"] = method
    draft = node.ref("model")
    if draft is not None:
        found = place(draft)
        if found is None:
            yield no_weights(node.at("model"), draft.address.name)
            return
        said["model"] = found.because(node.ref_name("model"))
        revision = draft.maybe_text("weights", "revision")
        if revision is not None:
            said["revision"] = revision
        quantization = draft.maybe_text("quantization")
        if quantization is not None:
            said["quantization"] = quantization
    tokens = node.maybe_integer("tokens")
    if tokens is not None:
        said["num_speculative_tokens"] = tokens
    yield Flag("speculative-config", said, deployment.at("speculative"))


def no_weights(at: tuple[str | int, ...], name: str) -> Finding:
    return Finding(
        f"vLLM serves weights, and `{name}` is a provider's model", (Label(at, "", primary=True),),
        help=("say on the model where its weights are: `weights: {repo: …}`",), severity=Severity.ERROR,
    )  # fmt: skip
