"""The image that a container platform runs: the published one of the version, for the accelerators of the pool."""

from __future__ import annotations

from typing import Any

from llmops.compiler.derive.hardware import accelerator, pool
from llmops.compiler.derive.hardware import engine as engine_facts
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.sources import Fact
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View
from llmops.targets.vllm.data import image_name


def image(lowering: Lowering, deployment: View[Any]) -> Sourced[str] | None:
    """None where no image of that version for those accelerators is known."""
    version = _version(lowering, deployment)
    own = lowering.options.maybe_text("image") if lowering.options else None
    if own is not None and _complete(own.value):
        return own
    if version is None:
        return None
    tag = version.map(lambda text: f"v{text}" if text[:1].isdigit() else text)
    if own is not None:
        return tag.map(lambda text: f"{own.value}:{text}").because(own)
    vendor = _vendor(lowering, deployment)
    name = image_name(vendor.value, version.value) if vendor is not None else None
    return None if name is None else tag.map(lambda text: f"{name.value}:{text}").because(name, vendor)


def _complete(image: str) -> bool:
    """Whether it has a tag or a digest: a colon before the last slash is a registry's port."""
    return "@" in image or ":" in image.rpartition("/")[2]


def _version(lowering: Lowering, deployment: View[Any]) -> Sourced[str] | None:
    """Images are of whole releases: `0.11` is the newest of them that is known, no version the newest of all."""
    written = deployment.maybe_text("version")
    if written is not None and (written.value.count(".") > 1 or not written.value[:1].isdigit()):
        return written.map(lambda text: text.removeprefix("v") if text[1:2].isdigit() else text)
    engine = engine_facts(lowering.facts, deployment)
    if engine is None or (written is not None and not engine.exact):
        return None
    known = Sourced(engine.version, (Fact(engine.fact, engine.source, engine.as_of),), raw=True)
    return known.because(written)


def _vendor(lowering: Lowering, deployment: View[Any]) -> Sourced[str] | None:
    """Whose accelerators it runs on; NVIDIA's where nothing is said, as the engine's own documentation has it."""
    cores = deployment.maybe_number("hardware", "cpu")
    if cores is not None:
        return Sourced("cpu", cores.sources, raw=True)
    machines = pool(lowering.reader, deployment)
    if machines is None:
        return Sourced("nvidia", (), raw=True)
    name = machines.maybe_text("accelerator")
    if name is not None and name.value == "cpu":
        return Sourced("cpu", name.sources, raw=True).because(deployment.maybe_text("hardware", "pool"))
    gpu = accelerator(lowering.reader, lowering.facts, deployment)
    return None if gpu is None else gpu.map(lambda row: row.vendor).because(deployment.maybe_text("hardware", "pool"))
