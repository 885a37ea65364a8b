"""Our composition against Hydra's, on random trees: same values, types and order of keys, same class of refusal.

LLMOPS_EQUALITY_TREES says how many trees (400). Runs on Hydra 1.3 and 1.4; scripts/equality_matrix.py runs both.
"""

from __future__ import annotations

import collections
import json
import os
import shutil
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import hydra
import pytest
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import OmegaConf
from omegaconf.errors import GrammarParseError, InterpolationKeyError, InterpolationResolutionError

from llmops.compiler.load.compose import ComposeError, compose
from tests.compiler.load.trees import FEATURES, OURS, Tree, make

TREES = int(os.environ.get("LLMOPS_EQUALITY_TREES", "400"))
CHUNKS = 4
FIRST = int(os.environ.get("LLMOPS_EQUALITY_FIRST", "0"))
REPORT = os.environ.get("LLMOPS_EQUALITY_REPORT")
"""A file to which the counts are appended, a line of JSON for each chunk."""
FAST = "/dev/shm" if Path("/dev/shm").is_dir() else None

ONLY_OURS = {
    "CFG010": "aliases and anchors",
    "CFG012": "tags",
    "CFG014": "a second document",
    "CFG015": "a root that is no map",
    "CFG016": "keys that are no text",
    "CFG018": "ambiguous values",
    "CFG037": "Hydra's own settings",
    "CFG042": "a file used again after it was merged at the root",
    "CFG059": "merging onto an interpolation",
    "CFG062": "resolvers",
    "CFG068": "a map inside a text",
    "CFG072": "functions in overrides",
    "CFG069": "interpolations inside each other",
    "CFG077": "an override through an interpolation",
}
"""What we refuse and Hydra may compose; docs/reference/hydra.md says why."""

CLASSES = {
    "CFG034": "missing",
    "CFG079": "selection",
    "CFG033": "selection",
    "CFG057": "merge",
    "CFG061": "interpolation",
    "CFG065": "interpolation",
    "CFG066": "interpolation",
    "CFG058": "interpolation",
    "CFG071": "override",
    "CFG075": "override",
    "CFG076": "override",
    "CFG067": "interpolation",
    "CFG006": "file",
}


def theirs(tree: Tree, root: Path) -> tuple[str, Any]:
    for folder, files in (("conf", tree.files), ("behind", tree.behind)):
        for name, text in files.items():
            path = root / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    overrides = list(tree.overrides)
    if tree.behind:
        overrides.append(f"hydra.searchpath=['file://{root}/behind']")
    version = {} if hydra.__version__.startswith("1.4") else {"version_base": "1.3"}
    try:
        with initialize_config_dir(str(root / "conf"), **version):
            return "ok", OmegaConf.to_container(hydra_compose("config", overrides=overrides), resolve=True)
    except RecursionError:
        return "interpolation", "recursion"
    except Exception as error:
        return kind_of(error), f"{type(error).__name__}: {error}"


def kind_of(error: BaseException) -> str:
    """A class of refusal, from Hydra's exceptions."""
    chain: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and len(chain) < 5:
        chain.append(at)
        at = at.__cause__ or at.__context__
    text = str(error)
    if isinstance(error, MissingConfigException):
        return "missing"
    if isinstance(error, OverrideParseException):
        return "override"
    if "raised while" in text and "composing config" in text:
        return "merge"
    if isinstance(error, HydraException) and "Error resolving interpolation" in text:
        return "selection"
    if any(
        p in text
        for p in (
            "efaults list",
            "efaults List",
            "efault list",
            "Did you mean to override",
            "possible interpolation keys",
        )
    ):
        return "selection"
    if any(isinstance(e, GrammarParseError | InterpolationKeyError | InterpolationResolutionError) for e in chain):
        return "interpolation"
    if any(
        p in text
        for p in (
            "merging override",
            "override '",
            "Could not append",
            "Could not delete from config",
            "looks like a config group",
        )
    ):
        return "override"
    if type(error).__module__.startswith("yaml"):
        return "file"
    if isinstance(error, HydraException | ValueError | AssertionError):
        return "selection"
    return {"TypeError": "override"}.get(type(error).__name__, type(error).__name__)


def ours(tree: Tree, used: set[str] | None = None) -> tuple[str, Any]:
    folders = [{name: text.encode() for name, text in files.items()} for files in (tree.files, tree.behind)]
    try:
        return "ok", compose(folders, "config", tree.overrides, used)
    except ComposeError as error:
        return error.code, error.message


def shape(value: Any) -> Any:
    """A value with its types and order."""
    if isinstance(value, dict):
        return ("map", [(type(k).__name__, k, shape(v)) for k, v in value.items()])
    if isinstance(value, list):
        return ("list", [shape(v) for v in value])
    return (type(value).__name__, repr(value))


def judge(tree: Tree, root: Path, used: set[str] | None = None) -> tuple[str, str]:
    """The outcome of one tree, and what to show of it."""
    expected, found = theirs(tree, root), ours(tree, used)
    if found[0] in ONLY_OURS and expected[0] != CLASSES.get(found[0]):
        return f"only we refuse: {found[0]}", ""
    if expected[0] == "ok" and found[0] == "ok":
        if shape(expected[1]) == shape(found[1]):
            return "equal", ""
        return "DIFFERENT VALUES", f"hydra {expected[1]}\nours  {found[1]}"
    theirs_class, our_class = expected[0], found[0] if found[0] == "ok" else CLASSES.get(found[0], found[0])
    if theirs_class == our_class or (theirs_class, found[0]) == ("override", "CFG057"):
        return f"both refuse: {our_class}", ""
    if found[0] == "CFG071" and theirs_class != "ok":
        # Hydra 1.4 reads the primary config before it reads the overrides, 1.3 after
        without = ours(replace(tree, overrides=[]))[0]
        if CLASSES.get(without) == theirs_class:
            return "both refuse: one of two mistakes", ""
    return f"DIFFERENT OUTCOME {theirs_class} / {our_class}", f"hydra {expected}\nours  {found}"


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_same_as_hydra(chunk: int, capsys: pytest.CaptureFixture[str]) -> None:
    tally: collections.Counter[str] = collections.Counter()
    features: collections.Counter[str] = collections.Counter()
    shown: list[str] = []
    seeds = range(FIRST + chunk, FIRST + TREES, CHUNKS)
    warnings.simplefilter("ignore")
    for seed in seeds:
        tree = make(seed)
        root = Path(tempfile.mkdtemp(prefix="equality", dir=FAST))
        try:
            used: set[str] = set()
            outcome, detail = judge(tree, root, used)
            features.update(tree.features.union(*(tree.of_file.get(name, ()) for name in used)))
        finally:
            shutil.rmtree(root)
        tally[outcome] += 1
        if detail and len(shown) < 5:
            shown.append(f"seed {seed}: {outcome}; overrides {tree.overrides}\n{detail}")
    total = len(seeds)
    with capsys.disabled():
        print(f"\nhydra {hydra.__version__}, trees {seeds[0]}…{seeds[-1]} of {TREES}: {dict(sorted(tally.items()))}")
        if os.environ.get("LLMOPS_EQUALITY_VERBOSE"):
            print({f: f"{features[f] / total:.0%}" for f in (*FEATURES, *OURS)})
    if REPORT:
        # several processes append to it: one short line each
        with Path(REPORT).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"trees": total, "outcomes": tally, "features": features}) + "\n")
    assert not shown, "\n\n".join(shown)
    if total >= 100:
        assert tally["equal"] >= 0.6 * total, "too few of the trees compose on both sides"
        # a feature counts where the file that has it is selected; a small chunk may hold fewer by chance
        least = 0.05 if total >= 400 else 0.02
        assert {f for f in FEATURES if features[f] < least * total} == set(), "features that too few trees have"
    if total >= 500:
        assert {f for f in OURS if not features[f]} == set()
