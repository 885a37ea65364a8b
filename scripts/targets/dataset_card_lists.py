#!/usr/bin/env python3
"""Take the closed lists of dataset cards: `targets/dataset_card/data/keys.json`.

    <environment>/bin/python scripts/targets/dataset_card_lists.py HUB_DOCS

`HUB_DOCS` is a repository of huggingface/hub-docs, whose pages list the licences and the keys; the Python is that of an
environment that holds `huggingface-hub` in the version that the tests pin, whose class names the rest.
"""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

TARGET = Path(__file__).resolve().parents[2] / "targets" / "dataset_card" / "data" / "keys.json"
CLOSED = ("annotations_creators", "language_creators", "multilinguality", "size_categories", "source_datasets")


def main(hub_docs: str) -> None:
    from huggingface_hub import DatasetCardData

    def git(*words: str) -> str:
        done = subprocess.run(["git", "-C", hub_docs, *words], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    card = git("show", "HEAD:datasetcard.md").split("---")[1]
    page = git("show", "HEAD:docs/hub/repositories-licenses.md")
    licences = {name: title.strip() for title, name in re.findall(r"^\|([^|]+)\|\s*`([^`]+)`\s*\|", page, re.MULTILINE)}
    described = inspect.getdoc(DatasetCardData) or ""
    options = {name: _options(described, name) for name in CLOSED}
    taken = set(inspect.signature(DatasetCardData.__init__).parameters)
    arguments = taken - {"self", "kwargs", "ignore_metadata_errors", "train_eval_index"} | {"train-eval-index"}
    commit, date = git("log", "-1", "--format=%H %cs").split()
    lists = {
        "source": f"github:huggingface/hub-docs@{commit}:docs/hub/repositories-licenses.md, datasetcard.md; "
        f"pypi:huggingface-hub=={version('huggingface-hub')}#repocard_data.py; "
        "by scripts/targets/dataset_card_lists.py",
        "as_of": date,
        "keys": sorted({*arguments, *re.findall(r"^([a-z][a-z_-]*):", card, re.MULTILINE)}),
        "licences": sorted(licences),
        "families": sorted(name for name, title in licences.items() if title.endswith("family")),
        "values": options,
    }
    TARGET.write_text(json.dumps(lists, indent=1) + "\n")


def _options(text: str, name: str) -> list[str]:
    """What the class says that a field may be: the quoted words behind `Options are:`."""
    part = text.split(f"{name} (", 1)[1].split("Options are:", 1)[1]
    return sorted(re.findall(r"'([^']+)'", re.split(r"\n\s*[a-z_]+ \(", part)[0]))


if __name__ == "__main__":
    main(*sys.argv[1:])
