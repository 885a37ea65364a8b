"""Where the engine finds weights: the served model's, its adapters', and those of a model that guesses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.derive import finetune
from llmops.compiler.derive.placement import platform
from llmops.compiler.derive.route import served_name
from llmops.compiler.facts import EngineFacts
from llmops.compiler.model.exports import Trained
from llmops.compiler.model.finding import Finding, Label, Severity
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View
from llmops.targets.vllm.data import of_version
from llmops.targets.vllm.flags import Flag, as_json, unknown_name

FILE, HUB = "file://", "hf://"
FOLDER = "/models"
"""Where a container finds the folders that a job made."""
RANK = {"max_lora_rank", "max-lora-rank"}
"""Written in `args` it is taken as it is."""


def place(lowering: Lowering, deployment: View[Any], model: View[Any]) -> Sourced[str] | None:
    """As `--model` takes it: a repository, a path, or an address of an object store."""
    repo = model.maybe_text("weights", "repo")
    if repo is not None:
        return repo
    tuning = finetune.of_model(model)
    if tuning is not None:
        return _made(lowering, deployment, model, tuning)
    uri = model.maybe_text("weights", "uri")
    return None if uri is None else uri.map(lambda text: text.removeprefix(FILE))


def _made(
    lowering: Lowering, deployment: View[Any], model: View[Any], tuning: View[Any]
) -> Sourced[str] | None:
    """What a fine-tuning leaves: the folder that its job wrote, in a container the place where that is mounted."""
    trained = lowering.ask(Trained, tuning)
    if trained is None:
        return None
    named = model.ref_name("weights", "finetune")
    if not is_folder(trained.place.value):
        return trained.place.map(lambda text: text.removeprefix(HUB)).because(named)
    on = platform(lowering.reader, deployment)
    if on is None:
        return trained.place.because(named)
    return Sourced(f"{FOLDER}/{tuning.address.name}", named.sources if named else (), raw=True).because(on)


def is_folder(where: str) -> bool:
    """A folder from the repository's root, and no address."""
    return "://" not in where


def folders(lowering: Lowering, deployment: View[Any]) -> Iterator[tuple[Sourced[str], str]]:
    """The folders of trained weights that a container must have: where they are, and where it finds them."""
    served = [deployment.ref("model"), *(entry.ref() for entry in deployment.entries("adapters"))]
    seen: set[str] = set()
    for model in served:
        tuning = finetune.of_model(model) if model is not None else None
        trained = lowering.ask(Trained, tuning) if tuning is not None else None
        if tuning is None or trained is None or not is_folder(trained.place.value) or tuning.address.name in seen:
            continue
        seen.add(tuning.address.name)
        yield trained.place, f"{FOLDER}/{tuning.address.name}"


def mistaken(lowering: Lowering, deployment: View[Any]) -> Iterator[Finding]:
    """An adapter in the place of whole weights, and the other way round."""
    model = deployment.ref("model")
    tuning = finetune.of_model(model) if model is not None else None
    if model is not None and tuning is not None and not finetune.merged(tuning):
        base = tuning.maybe_text("base")
        yield Finding(
            f"`{model.address.name}` is an adapter, and no whole weights",
            (Label(deployment.at("model"), "", primary=True), Label(tuning.at("adapter"), "what is trained")),
            help=(
                f"serve its base: `model: {base.value if base else '…'}`, `adapters: [{model.address.name}]`",
                "or merge it: `output: {merge: true}` in the fine-tuning",
            ),
            severity=Severity.ERROR,
        )  # fmt: skip
    for entry in deployment.entries("adapters"):
        adapter = entry.ref()
        tuning = finetune.of_model(adapter) if adapter is not None else None
        if adapter is not None and tuning is not None and finetune.merged(tuning):
            yield Finding(
                f"`{adapter.address.name}` are whole weights, and no adapter", (Label(entry.at(), "", primary=True),),
                help=(f"serve them by a deployment of their own: `model: {adapter.address.name}`",),
                severity=Severity.ERROR,
            )  # fmt: skip


def weights(
    lowering: Lowering, engine: EngineFacts | None, deployment: View[Any], model: View[Any]
) -> Iterator[Flag | Finding | Unsupported]:
    found = place(lowering, deployment, model)
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


def adapters(
    lowering: Lowering, engine: EngineFacts | None, deployment: View[Any]
) -> Iterator[Flag | Finding | Unsupported]:
    """LoRA adapters on the served model, each under a name of its own; the rank is the largest that was trained."""
    modules: list[Any] = []
    ranks: list[Sourced[int]] = []
    for entry in deployment.entries("adapters"):
        adapter = entry.ref()
        if adapter is None:
            continue
        found = place(lowering, deployment, adapter)
        if found is None:
            yield no_weights(entry.at(), adapter.address.name)
            continue
        if adapter.has("weights", "revision"):
            yield Unsupported(
                adapter.at("weights", "revision"), "it takes the newest revision of an adapter's repository",
                "put the files on a disk: `weights: {uri: file:///adapters/…}`",
            )  # fmt: skip
        reference = entry.get()
        tuning = finetune.of_model(adapter)
        trained = lowering.ask(Trained, tuning) if tuning is not None else None
        if trained is not None and trained.rank is not None:
            ranks.append(trained.rank.because(adapter.ref_name("weights", "finetune"), reference))
        modules.append(as_json({"name": served_name(adapter).because(reference), "path": found.because(reference)}))
    if modules:
        at = deployment.at("adapters")
        every = deployment.get("adapters")
        yield Flag("enable-lora", Sourced(True, every.sources if every else ()), at)
        yield Flag("lora-modules", modules, at)
        if ranks and not RANK & set(deployment.value.get("args") or {}):
            yield Flag("max-lora-rank", _rank(engine, max(ranks, key=lambda rank: rank.value)), at)


def _rank(engine: EngineFacts | None, trained: Sourced[int]) -> Sourced[int]:
    """The smallest rank that the engine knows and that is enough; it refuses an adapter of a larger one."""
    option = engine.option("max-lora-rank") if engine is not None else None
    known = sorted(int(choice) for choice in (option.choices if option is not None else None) or ())
    return trained.map(lambda rank: next((one for one in known if one >= rank), rank))


def speculative(lowering: Lowering, deployment: View[Any]) -> Iterator[Flag | Finding]:
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
        found = place(lowering, deployment, draft)
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
    """For a model whose weights are nowhere: a provider's, or of a fine-tuning that no tool does."""
    return Finding(
        f"vLLM serves weights, and `{name}` is a provider's model", (Label(at, "", primary=True),),
        help=("say on the model where its weights are: `weights: {repo: …}`",), severity=Severity.ERROR,
    )  # fmt: skip
