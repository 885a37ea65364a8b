"""What an editor needs to complete and check configs: the schemas, and which files they are for."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

FOLDER = ".llmops/schemas"


def write_schemas(project: Path) -> list[str]:
    """Write every schema, whole, to .llmops/schemas of the project; only files that differ are touched."""
    from llmops import schemas

    folder = project / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    ignore = folder.parent / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    names = [*schemas.kind_names(), schemas.ENVIRONMENT, "project"]
    for name in names:
        path = folder / f"{name}.json"
        text = json.dumps(schemas.bundle(name), ensure_ascii=False, indent=1) + "\n"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    return names


def refresh_schemas(project: Path) -> None:
    """Write the schemas if they are another version's. An editor's help is no reason to fail."""
    from llmops import __version__

    stamp = project / FOLDER / "version"
    with suppress(OSError):
        if not stamp.is_file() or stamp.read_text(encoding="utf-8") != __version__:
            write_schemas(project)
            stamp.write_text(__version__, encoding="utf-8")


def settings(kinds: list[str], conf: str = "conf") -> str:
    """`.vscode/settings.json`: the YAML extension finds the schema of each kind's folder, and of llmops.yaml."""
    found = {f"./{FOLDER}/{kind}.json": f"{conf}/{kind}/**/*.yaml" for kind in (*kinds, "env")}
    found[f"./{FOLDER}/project.json"] = "llmops.yaml"
    return json.dumps({"yaml.schemas": found}, indent=2) + "\n"
