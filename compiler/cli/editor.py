"""What an editor needs to complete and check configs: the schemas, and which files they are for."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmops.compiler.write.tree import Tree

FOLDER = ".llmops/schemas"


def write_schemas(project: Path) -> list[str]:
    """Write every schema, whole, to .llmops/schemas of the project; only files that differ are touched.

    Raises OSError and `BlockedError`: a repository may come with links there, and none is followed.
    """
    from llmops import schemas
    from llmops.compiler.write.tree import Tree

    names = [*schemas.kind_names(), schemas.ENVIRONMENT, "project"]
    with Tree(project) as tree:
        tree.make_folders(FOLDER)
        if not tree.exists(".llmops/.gitignore"):
            tree.write(".llmops/.gitignore", b"*\n")
        for name in names:
            text = json.dumps(schemas.bundle(name), ensure_ascii=False, indent=1) + "\n"
            _replace(tree, f"{FOLDER}/{name}.json", text.encode("utf-8"))
    return names


def _replace(tree: Tree, path: str, data: bytes) -> None:
    if tree.look(path).content != data:
        tree.remove(path)
        tree.write(path, data)


def refresh_schemas(project: Path) -> None:
    """Write the schemas if they are another version's. An editor's help is no reason to fail."""
    from llmops import __version__
    from llmops.compiler.write.tree import BlockedError, Tree

    stamp, version = f"{FOLDER}/version", __version__.encode()
    with suppress(OSError, BlockedError), Tree(project) as tree:
        if tree.look(stamp).content != version:
            write_schemas(project)
            _replace(tree, stamp, version)


def settings(kinds: list[str], conf: str = "conf") -> str:
    """`.vscode/settings.json`: the YAML extension finds the schema of each kind's folder, and of llmops.yaml."""
    found = {f"./{FOLDER}/{kind}.json": f"{conf}/{kind}/**/*.yaml" for kind in (*kinds, "env")}
    found[f"./{FOLDER}/project.json"] = "llmops.yaml"
    return json.dumps({"yaml.schemas": found}, indent=2) + "\n"
