"""How long it takes to emit 1 000 artifacts of 0.7 kB, against libyaml's own dumper and loader in the same run.

    python bench/emit.py

Prints milliseconds (best of several rounds, interleaved) and ratios, which travel between machines better than the
milliseconds do.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import yaml

from llmops.compiler.emit import yaml as writer
from llmops.compiler.emit.emitter import emit
from llmops.compiler.emit.tree import Tree, data
from llmops.compiler.model.artifact import Artifact, Format
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.sources import At

COUNT = 1000
ROUNDS = 5


def body(n: int) -> dict[str, Any]:
    def value(of: Any, *path: str | int) -> Sourced[Any]:
        return Sourced(of, (At("prod", ("deployment", f"d{n}", *path)),))

    resources = {"cpu": "8", "memory": "32Gi", "nvidia.com/gpu": value("2", "hardware", "count")}
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": value(f"answerer-{n}"), "labels": {"app": value(f"answerer-{n}"), "tier": "prod"}},
        "spec": {
            "predictor": {
                "minReplicas": value(1, "replicas", "min"),
                "maxReplicas": value(4, "replicas", "max"),
                "model": {
                    "modelFormat": {"name": "vllm"},
                    "args": [
                        value(16384, "max_model_len").map("--max-model-len={}".format),
                        value(256, "max_num_seqs").map("--max-num-seqs={}".format),
                        value("bfloat16", "dtype").map("--dtype={}".format),
                    ],
                    "resources": {"limits": resources, "requests": {"cpu": "4", "memory": "16Gi"}},
                    "env": [
                        {"name": "HF_HOME", "value": "/models"},
                        {"name": "NOTE", "value": value("a b: c", "note")},
                    ],
                },
            }
        },
    }


def one(tree: Any, form: Format = Format.YAML) -> bytes:
    artifact = Artifact("x.yaml", tree, (Address("deployment", "answerer"),), form)
    emitted = emit(artifact, target="demo", scope="prod", path="generated/prod/demo/x.yaml", escape=str).emitted
    assert emitted is not None
    return emitted.content


def main() -> None:
    trees = [body(n) for n in range(COUNT)]
    nodes = [Tree(str, "demo").node(tree) for tree in trees]
    plains = [data(node) for node in nodes]
    texts = ["\n".join(writer.write(node).text) + "\n" for node in nodes]
    work: dict[str, Callable[[], Any]] = {
        "emit": lambda: [one(tree) for tree in trees],
        "  take apart": lambda: [Tree(str, "demo").node(tree) for tree in trees],
        "  plain data": lambda: [data(node) for node in nodes],
        "  write": lambda: [writer.write(node) for node in nodes],
        "  read back": lambda: [writer.difference(text, plain) for text, plain in zip(texts, plains, strict=True)],
        "emit as JSON": lambda: [one(tree, Format.JSON) for tree in trees],
        "CSafeDumper": lambda: [yaml.dump(plain, Dumper=yaml.CSafeDumper, sort_keys=False) for plain in plains],
        "CSafeLoader": lambda: [yaml.load(text, yaml.CSafeLoader) for text in texts],
        "json.dumps": lambda: [json.dumps(plain, indent=2) for plain in plains],
    }
    best = dict.fromkeys(work, float("inf"))
    for _ in range(ROUNDS):
        for name, run in work.items():
            start = time.perf_counter()
            run()
            best[name] = min(best[name], time.perf_counter() - start)
    size = sum(map(len, texts)) / COUNT
    print(f"{COUNT} artifacts of {size:.0f} bytes, best of {ROUNDS}")
    for name, seconds in best.items():
        print(f"{name:14} {seconds * 1000:7.1f} ms   {seconds / best['CSafeDumper']:5.2f} x CSafeDumper")


if __name__ == "__main__":
    main()
