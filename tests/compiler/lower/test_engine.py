"""The lower pass with small targets of our own: what it enables, asks, refuses and reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from llmops.compiler.driver import Compilation, Options, compile_project, toolkit
from llmops.compiler.load.disk import Memory
from llmops.compiler.lower.registry import Registry
from llmops.compiler.model.artifact import Artifact
from llmops.compiler.model.exports import Endpoint
from llmops.compiler.model.request import Request
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.target import Lowering, Target, Unsupported
from llmops.schemas.types import GATEWAY, PIPELINE
from tests.support.projects import MINIMAL

Lower = Callable[[Lowering], Iterable[Any]]
ONE_GATEWAY = {
    "llmops.yaml": "name: small\nenvironments: {dev: [], prod: []}\n",
    "conf/config.yaml": "defaults:\n  - gateway: [main]\n  - model: [answerer]\n  - env: dev\n",
    "conf/model/answerer.yaml": MINIMAL["conf/model/answerer.yaml"],
    "conf/gateway/main.yaml": "engine: tool\nroutes: {answerer: {}}\ncooldown: 5s\n",
}


class Small(Registry):
    """Targets of a test; those that come with the compiler do not exist."""

    def __init__(self, *targets: Target, options: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self._made = {target.name: target for target in targets}
        self._options = options or {}

    def get(self, name: str) -> Target | None:
        return self._made.get(name)

    def options(self, name: str) -> Mapping[str, Any] | None:
        return self._options if name in self._made else None


def compiled(files: dict[str, str], *targets: Target, environments: tuple[str, ...] = ()) -> Compilation:
    tools = replace(toolkit(), rules=(), registry=Small(*targets))
    return compile_project(Memory(files), Request(environments=environments), Options(dead_keys=True), tools)


def target(name: str, lower: Lower, **more: Any) -> Target:
    return Target(name=name, title=name, since="0.1", lower=lower, **more)


def gateway_file(lowering: Lowering) -> Iterable[Artifact]:
    for gateway in lowering.reader.of(GATEWAY, engine="tool"):
        names = [Sourced(route.name, (route.source(),)) for route in gateway.entries("routes")]
        yield Artifact(f"{gateway.address.name}.yaml", {"names": names}, (gateway.address,))


def said(result: Compilation, *codes: str) -> list[tuple[str, str, str]]:
    return [
        (d.code, f"{d.primary.span.file}:{d.primary.span.line}:{d.primary.span.column}" if d.primary else "", d.message)
        for d in result.diagnostics
        if d.code in codes or not codes
    ]


def test_each_environment_gets_its_own_folder() -> None:
    result = compiled(ONE_GATEWAY, target("tool", gateway_file))
    assert [(e.path, e.scope) for e in result.emitted] == [
        ("generated/dev/tool/main.yaml", "dev"), ("generated/prod/tool/main.yaml", "prod"),
    ]


def test_an_unknown_target_is_one_message() -> None:
    result = compiled(ONE_GATEWAY)
    assert said(result, "TGT001") == [("TGT001", "conf/gateway/main.yaml:1:9", "there is no target named `tool`")]
    assert result.emitted == ()


def test_what_is_the_same_everywhere_is_written_once() -> None:
    shared = target("tool", lambda _: [Artifact("lock.yaml", {"a": 1}, shared=True)])
    assert [e.path for e in compiled(ONE_GATEWAY, shared).emitted] == ["generated/project/tool/lock.yaml"]
    differs = target("tool", lambda low: [Artifact("lock.yaml", {"a": low.reader.project.env}, shared=True)])
    assert [row[0] for row in said(compiled(ONE_GATEWAY, differs), "TGT008")] == ["TGT008"]


def test_two_artifacts_with_one_path() -> None:
    twice = target("tool", lambda _: [Artifact("a.yaml", {"a": 1}), Artifact("a.yaml", {"a": 2})])
    result = compiled(ONE_GATEWAY, twice, environments=("dev",))
    assert said(result, "TGT008") == [
        ("TGT008", "conf/gateway/main.yaml:1:9", "two artifacts would be written to `generated/dev/tool/a.yaml`"),
    ]


def test_unsupported_fields_are_reported_at_their_place() -> None:
    def lower(lowering: Lowering) -> Iterable[Unsupported]:
        for gateway in lowering.reader.of(GATEWAY):
            yield Unsupported(gateway.at("cooldown"), "it never rests")

    result = compiled(ONE_GATEWAY, target("tool", lower))
    assert said(result, "TGT002") == [
        ("TGT002", "conf/gateway/main.yaml:3:11", "tool cannot express this: it never rests"),
    ]


def test_a_key_that_nothing_reads() -> None:
    result = compiled(ONE_GATEWAY, target("tool", gateway_file))
    assert ("TGT003", "conf/gateway/main.yaml:3:11", "nothing reads `cooldown`") in said(result, "TGT003")
    assert not any("routes" in message or "engine" in message for _, _, message in said(result, "TGT003"))


def test_targets_that_ask_each_other_for_the_same_fact() -> None:
    def ask(lowering: Lowering, gateway: Any, near: str | None) -> Endpoint | None:
        return lowering.ask(Endpoint, gateway, "inside" if near is None else None)

    def lower(lowering: Lowering) -> Iterable[Artifact]:
        for gateway in lowering.reader.of(GATEWAY):
            lowering.ask(Endpoint, gateway)
        return []

    result = compiled(ONE_GATEWAY, target("tool", lower, exports={Endpoint: ask}), environments=("dev",))
    assert said(result, "TGT004") == [
        ("TGT004", "conf/gateway/main.yaml:1:9",
         "tool waits for itself: Endpoint of gateway.main → Endpoint of gateway.main → Endpoint of gateway.main"),
    ]


def test_a_platform_answers_before_an_engine() -> None:
    def answer(url: str) -> Callable[..., Endpoint]:
        return lambda *_: Endpoint(literal(url))

    def lower(lowering: Lowering) -> Iterable[Artifact]:
        for gateway in lowering.reader.of(GATEWAY):
            endpoint = lowering.ask(Endpoint, gateway)
            assert endpoint is not None
            yield Artifact("a.yaml", {"url": endpoint.url})

    engine = target("tool", lower, exports={Endpoint: answer("http://engine")})
    platform = target("place", lambda _: [], exports={Endpoint: answer("http://platform")}, order=10)
    files = {**ONE_GATEWAY, "conf/env/dev.yaml": "env: {platform: place}\n"}
    made = {e.path: e.data for e in compiled(files, engine, platform).emitted}
    assert made["generated/dev/tool/a.yaml"] == {"url": "http://platform"}
    assert made["generated/prod/tool/a.yaml"] == {"url": "http://engine"}


def test_of_several_that_answer_one_can_be_meant() -> None:
    def before(lowering: Lowering, gateway: Any, near: str | None) -> Endpoint | None:
        inner = lowering.ask(Endpoint, gateway, near, of="place")
        return None if inner is None else Endpoint(inner.url.map(lambda url: f"{url}/guarded"))

    def lower(lowering: Lowering) -> Iterable[Artifact]:
        for gateway in lowering.reader.of(GATEWAY):
            found = [lowering.ask(Endpoint, gateway), lowering.ask(Endpoint, gateway, of="place")]
            yield Artifact("a.yaml", {"urls": [one.url for one in found if one is not None]})

    guard = target("tool", lower, exports={Endpoint: before}, order=15)
    engine = target("place", lambda _: [], exports={Endpoint: lambda *_: Endpoint(literal("http://engine"))})
    files = {**ONE_GATEWAY, "conf/env/dev.yaml": "env: {platform: place}\n"}
    made = {e.path: e.data for e in compiled(files, guard, engine).emitted}
    assert made["generated/dev/tool/a.yaml"] == {"urls": ["http://engine/guarded", "http://engine"]}
    assert made["generated/prod/tool/a.yaml"] == {"urls": []}


def with_overrides(patch: str) -> dict[str, str]:
    return {**ONE_GATEWAY, "conf/gateway/main.yaml": ONE_GATEWAY["conf/gateway/main.yaml"] + f"overrides: {patch}\n"}


def test_overrides_patch_the_data_of_an_artifact() -> None:
    result = compiled(with_overrides("{tool: {main.yaml: {extra: 1}}}"), target("tool", gateway_file))
    assert result.emitted[0].data == {"names": ["answerer"], "extra": 1}


def test_an_override_that_changes_nothing_is_an_error() -> None:
    same = compiled(with_overrides("{tool: {main.yaml: {names: [answerer]}}}"), target("tool", gateway_file))
    assert said(same, "TGT005") == [
        ("TGT005", "conf/gateway/main.yaml:4:39", "this override changes nothing in `main.yaml`"),
    ]
    other = compiled(with_overrides("{tool: {mian.yaml: {a: 1}}}"), target("tool", gateway_file))
    assert said(other, "TGT005") == [("TGT005", "conf/gateway/main.yaml:4:20", "tool writes no `mian.yaml`")]


def test_the_patched_artifact_is_checked_again() -> None:
    closed = target(
        "tool", gateway_file, check=lambda _, data: [f"it has no key `{k}`" for k in data if k != "names"]
    )
    result = compiled(with_overrides("{tool: {main.yaml: {extra: 1}}}"), closed)
    assert said(result, "TGT006") == [("TGT006", "conf/gateway/main.yaml:4:20", "`main.yaml`: it has no key `extra`")]


PIPELINE_FILES = {
    **ONE_GATEWAY,
    "conf/config.yaml": ONE_GATEWAY["conf/config.yaml"].replace("  - env", "  - pipeline: [checks]\n  - env"),
    "conf/pipeline/checks.yaml": "engine: ci\ntriggers: {manual: {}}\nstages: {lint: {run: make lint}}\n",
}


def one_for_all(lowering: Lowering) -> Iterable[Artifact]:
    for pipeline in lowering.reader.of(PIPELINE):
        yield Artifact("/.ci/x.yaml", {"environments": sorted(lowering.readers)}, (pipeline.address,))


def test_project_scope_is_lowered_once_and_sees_all_environments() -> None:
    ci = target("ci", one_for_all, scope="project", places=(".ci/",))
    result = compiled(PIPELINE_FILES, target("tool", gateway_file), ci)
    made = {e.path: (e.scope, e.data) for e in result.emitted}
    assert made[".ci/x.yaml"] == ("project", {"environments": ["dev", "prod"]})
    some = compiled(PIPELINE_FILES, target("tool", gateway_file), ci, environments=("dev",))
    assert [e.path for e in some.emitted] == ["generated/dev/tool/main.yaml"]
