"""Nothing in compiler/ but rules/ and derive/ learns the name of a kind, and nothing in it that of a tool.

What is looked at are names and texts of the code itself. Docstrings are prose, and what a code or a rule gives as an
example (`bad`, `good`) is a piece of somebody's project.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmops.compiler.lower.registry import built_in
from llmops.schemas import ENVIRONMENT, kind_names

COMPILER = Path(__file__).parents[2] / "compiler"
KNOW_KINDS = ("rules", "derive")
OTHER_TOOLS = (
    "anthropic", "argo", "aws", "docker", "gitlab", "grafana", "helm", "hugging face", "huggingface", "jenkins",
    "kubectl", "kubernetes", "langfuse", "mlflow", "ollama", "prometheus", "ragas", "sagemaker",
)  # fmt: skip
"""Tools that no target is called by."""

TOOLS_ALLOWED = {
    ("cli/console.py", "GITHUB_ACTIONS"): "the variable that says by whom the log is read, whose commands it obeys",
    ("derive/tools.py", "mcp"): "a field of the kind tool: the protocol",
    ("derive/training.py", "dvc"): "a field of a dataset's source: where its rows lie",
    ("load/compose.py", "compose"): "the verb, as Hydra's own function is called",
    ("load/environment.py", "compose_environment"): "the verb",
    ("load/project.py", "compose_environment"): "the verb",
}
KINDS_ALLOWED = {
    ("cli/commands/targets.py", "target"): "the word for what is counted: a target is no kind there",
    ("cli/drawing.py", "target"): "the end of an edge, in JSON",
    ("diagnostics/render/sarif.py", "tool"): "SARIF's word for who reports",
    ("lower/registry.py", "TARGET"): "what a target's module calls itself",
    ("write/lock.py", "target"): "who made an artifact, in the lock",
}

_TARGETS = {spelling for name in built_in() for spelling in (name, name.replace("-", "_"), name.replace("-", " "))}
_TOOL = re.compile(
    r"(?<![a-z0-9])(?:" + "|".join(map(re.escape, sorted({*_TARGETS, *OTHER_TOOLS}))) + r")(?![a-z0-9])", re.IGNORECASE
)
_KINDS = frozenset(kind_names())
_IN_A_PATH = re.compile(r"\bconf/(" + "|".join(sorted(_KINDS)) + r")\b")


def texts_and_names(tree: ast.AST) -> Iterator[tuple[int, str, bool]]:
    """Line, text, and whether it is a name of the code; without docstrings and examples."""
    prose = {id(node) for parent in ast.walk(tree) for node in (*_docstrings(parent), *_examples(parent))}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.lineno, node.value, False
        for attribute in ("id", "attr", "name", "arg", "module", "asname"):
            name = getattr(node, attribute, None)
            if isinstance(name, str):
                yield getattr(node, "lineno", 0), name.rpartition(".")[2], True


def _docstrings(parent: ast.AST) -> Iterator[ast.expr]:
    """Texts that stand alone: docstrings, and those below a constant or an attribute."""
    for statement in getattr(parent, "body", []) if isinstance(getattr(parent, "body", None), list) else []:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            yield statement.value


def _examples(parent: ast.AST) -> Iterator[ast.AST]:
    if not isinstance(parent, ast.Call):
        return
    examples: list[ast.expr] = [word.value for word in parent.keywords if word.arg in ("bad", "good")]
    if isinstance(parent.func, ast.Name) and parent.func.id in ("Code", "_code"):
        examples += [one for one in parent.args if isinstance(one, ast.Constant) and isinstance(one.value, str)][-2:]
    for example in examples:
        yield from ast.walk(example)


def tools_in(code: str) -> Iterator[tuple[int, str]]:
    """Where code names a tool: in a word of a text, or in a part of a name."""
    for line, text, _ in texts_and_names(ast.parse(code)):
        if _TOOL.search(text):
            yield line, text


def kinds_in(code: str) -> Iterator[tuple[int, str]]:
    """Where code names a kind: as a whole text or the start of an address, in a config's path, by its constant."""
    for line, text, is_name in texts_and_names(ast.parse(code)):
        if is_name:
            known = text.lower() in _KINDS and text.isupper()
        else:
            known = text.removesuffix(".") in _KINDS or _IN_A_PATH.search(text) is not None
        if known:
            yield line, text


def _modules() -> Iterator[tuple[str, str]]:
    for path in sorted(COMPILER.rglob("*.py")):
        yield path.relative_to(COMPILER).as_posix(), path.read_text(encoding="utf-8")


def _found(kinds: bool) -> set[tuple[str, str, int]]:
    out = set()
    for module, code in _modules():
        if kinds and module.startswith(KNOW_KINDS):
            continue
        out |= {(module, text, line) for line, text in (kinds_in(code) if kinds else tools_in(code))}
    return out


@pytest.mark.parametrize("kinds", [False, True], ids=["tools", "kinds"])
def test_the_compiler_names_none(kinds: bool) -> None:
    allowed = KINDS_ALLOWED if kinds else TOOLS_ALLOWED
    found = _found(kinds)
    named = sorted(one for one in found if one[:2] not in allowed)
    assert [f"compiler/{module}:{line}: {text!r}" for module, text, line in named] == []
    assert set(allowed) <= {(module, text) for module, text, _ in found}, "allowed, and no longer there"


def test_only_rules_and_derivations_import_the_kinds() -> None:
    """The constants of schemas/types.py are kinds by name."""
    users = {module.partition("/")[0] for module, code in _modules() if "llmops.schemas.types" in code}
    assert users <= set(KNOW_KINDS)


def test_a_tool_is_seen_wherever_it_stands() -> None:
    name = built_in()[0]
    module = name.replace("-", "_")
    broken = [
        f"if engine == {name!r}: pass", f"{{{name!r}: 1}}", f"x = 'run {name} twice'", f"x = f'{name}/{{y}}.yaml'",
        f"def {module}_value(): ...", f"row.{module}_prefix", f"call({module}=1)", f"import {module}",
        f"from llmops.targets.{module} import x", f"x = '{name.upper()}'", "x = 'on Kubernetes'",
        "hugging_face = 'huggingface'",
        f"Code('TGT999', 'name', Severity.ERROR, 'About {name}.', 'why', 'bad', 'good')",
    ]  # fmt: skip
    assert [code for code in broken if not list(tools_in(code))] == []
    fine = [
        f'def f():\n    """As {name} does."""', f"# {name}\nx = 1", f"A = 1\n'''{name}'''",
        "x = 'recomposed, inspected'",
        f"rule(bad='engine: {name}', good=f'engine: {name}')",
        f"Code('TGT999', 'name', Severity.ERROR, 'sum', 'why', 'engine: {name}x', 'engine: {name}')",
    ]  # fmt: skip
    assert [code for code in fine if list(tools_in(code))] == []


@pytest.mark.parametrize("kind", [kind for kind in kind_names() if kind != ENVIRONMENT])
def test_a_kind_is_seen_wherever_it_stands(kind: str) -> None:
    broken = [
        f"if kind == {kind!r}: pass", f"Address({kind!r}, name)", f"spec[{kind!r}]", f"{{{kind!r}: 1}}",
        f"x.get({kind!r})", f"f'{kind}.{{name}}'", f"x = 'conf/{kind}/a.yaml'",
        f"x = f'say it in conf/{kind}/{{name}}'", f"reader.of({kind.upper()})",
        f"from llmops.schemas.types import {kind.upper()}",
    ]  # fmt: skip
    assert [code for code in broken if not list(kinds_in(code))] == []
    fine = [
        f"{kind} = 1", f"x.{kind}", f"x = 'a {kind} of its own'", f"rule(bad='{kind}: x')",
        f'def f():\n    """{kind}"""',
    ]  # fmt: skip
    assert [code for code in fine if list(kinds_in(code))] == []
