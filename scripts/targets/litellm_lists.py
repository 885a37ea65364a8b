#!/usr/bin/env python3
"""Take the closed lists of LiteLLM's config from the installed proxy: `targets/litellm/data/keys.json`.

    <environment>/bin/python scripts/targets/litellm_lists.py

Run it with the Python of an environment that holds `litellm[proxy]` in the version of the target's lock. The proxy
passes over most unknown keys without a word, so the target checks against what the proxy's own types and sources name.
"""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_args

REPOSITORY = Path(__file__).resolve().parents[2]
READ = ("weight", "order", "extra_body")
"""Keys that the router and the calls take by name, and that no signature and no type declares."""
TARGET = REPOSITORY / "targets" / "litellm" / "data" / "keys.json"


def main() -> None:
    import litellm
    from litellm.caching.caching import Cache
    from litellm.constants import (
        OPENAI_CHAT_COMPLETION_PARAMS,
        OPENAI_EMBEDDING_PARAMS,
        OPENAI_TRANSCRIPTION_PARAMS,
        ROUTER_SETTINGS_MANAGED_OUTSIDE_CONFIG,
    )
    from litellm.proxy._types import ConfigGeneralSettings
    from litellm.types.caching import CachingSupportedCallTypes
    from litellm.types.litellm_params import RoutingStrategyName
    from litellm.types.router import LiteLLM_Params, ModelInfo
    from litellm.types.utils import ModelInfoBase, all_litellm_params

    root = Path(litellm.__file__).parent
    proxy = [ast.parse(path.read_text()) for path in sorted((root / "proxy").rglob("*.py"))]
    server = ast.parse((root / "proxy" / "proxy_server.py").read_text())
    load = next(n for n in ast.walk(server) if isinstance(n, ast.AsyncFunctionDef) and n.name == "load_config")
    package = ast.parse((root / "__init__.py").read_text())
    openai = {*OPENAI_CHAT_COMPLETION_PARAMS, *OPENAI_EMBEDDING_PARAMS, *OPENAI_TRANSCRIPTION_PARAMS}
    calls = (litellm.completion, litellm.embedding, litellm.rerank, litellm.transcription, litellm.image_generation)
    taken = {name for call in calls for name in inspect.signature(call).parameters}
    hosted = {name for path in sorted((root / "llms").rglob("*.py")) for name in declared(ast.parse(path.read_text()))}
    params = {*LiteLLM_Params.model_fields, *all_litellm_params, *openai, *taken, *READ} - {"kwargs"}
    general = {*ConfigGeneralSettings.model_fields, *(k for tree in proxy for k in read_from(tree, "general_settings"))}
    router = set(litellm.Router.get_valid_args()) - set(ROUTER_SETTINGS_MANAGED_OUTSIDE_CONFIG)
    lists: dict[str, Any] = {
        "source": f"pypi:litellm=={version('litellm')}, by scripts/targets/litellm_lists.py",
        "sections": sorted({*read_from(server, "config"), "model_list", "litellm_settings"}),
        "litellm_params": sorted(params),
        "provider_params": sorted(hosted),
        "request_params": sorted(openai),
        "model_info": sorted({*ModelInfo.model_fields, *ModelInfoBase.__annotations__}),
        "litellm_settings": sorted({*settable(litellm, package), *compared_with(load, "key")}),
        "router_settings": sorted(router),
        "general_settings": sorted(general),
        "cache_params": sorted(set(inspect.signature(Cache.__init__).parameters) - {"self", "kwargs", "_backend"}),
        "cache_call_types": sorted(get_args(CachingSupportedCallTypes)),
        "routing_strategies": sorted(get_args(RoutingStrategyName)),
        "callbacks": sorted(litellm._known_custom_logger_compatible_callbacks),
        "loads_code": sorted({*loads_code(load), "plugins", "callbacks"}),
        "providers": sorted(p.value for p in litellm.LlmProviders),
    }
    TARGET.write_text(json.dumps(lists, indent=1) + "\n")


def read_from(tree: ast.AST, name: str) -> Iterator[str]:
    """The keys that code takes from a map of that name: `name["key"]`, `name.get("key")`, `"key" in name`."""
    for node in ast.walk(tree):
        holder: ast.expr | None = None
        key: ast.expr | None = None
        if isinstance(node, ast.Subscript):
            holder, key = node.value, node.slice
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            holder, key = node.func.value, node.args[0] if node.args else None
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In):
            holder, key = node.comparators[0], node.left
        held = isinstance(holder, ast.Name) and holder.id == name
        if held and isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield key.value


def declared(tree: ast.AST) -> Iterator[str]:
    """The parameters of its own that a provider's request takes: what its `…Config` class declares."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name.endswith("Config"):
            targets = [field.target for field in node.body if isinstance(field, ast.AnnAssign)]
            yield from (t.id for t in targets if isinstance(t, ast.Name) and t.id[:1].islower())


def settable(module: Any, tree: ast.Module) -> Iterator[str]:
    """Settings of the package: names that it assigns at its top, and that hold plain data."""
    for node in tree.body:
        if not isinstance(node, ast.Assign | ast.AnnAssign):
            continue
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            if isinstance(target, ast.Name) and target.id == target.id.lower() and not target.id.startswith("_"):
                value = getattr(module, target.id, None)
                if value is None or isinstance(value, bool | int | float | str | list | dict):
                    yield target.id


def compared_with(tree: ast.AST, name: str) -> Iterator[str]:
    """The texts that a variable is compared with."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and isinstance(node.left, ast.Name) and node.left.id == name:
            for other in node.comparators:
                if isinstance(other, ast.Constant) and isinstance(other.value, str):
                    yield other.value


def loads_code(load: ast.AST) -> Iterator[str]:
    """The settings from whose value `load_config` imports a Python object."""
    fetched: dict[str, str] = {}
    for node in ast.walk(load):
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name) and isinstance(node.value.func, ast.Attribute) and node.value.args:
                first = node.value.args[0]
                if node.value.func.attr == "get" and isinstance(first, ast.Constant):
                    fetched[target.id] = str(first.value)
        if isinstance(node, ast.If):
            inside = [n for statement in node.body for n in ast.walk(statement)]
            if any(isinstance(n, ast.Name) and n.id == "get_instance_fn" for n in inside):
                yield from compared_with(node.test, "key")
    for node in ast.walk(load):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "get_instance_fn":
            for word in node.keywords:
                if word.arg == "value" and isinstance(word.value, ast.Name) and word.value.id in fetched:
                    yield fetched[word.value.id]


if __name__ == "__main__":
    main()
