#!/usr/bin/env python3
"""Take the closed list of Label Studio's tags from the installed SDK: `targets/label_studio/data/keys.json`.

    <environment>/bin/python scripts/targets/label_studio_lists.py

Run it with the Python of an environment that holds `label-studio-sdk` in the version that the tests pin. The SDK takes
a tag that it does not know for one without a meaning.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parents[2] / "targets" / "label_studio" / "data" / "keys.json"
DOCS = "labelstud.io/tags, read on 2026-11-24"
ATTRIBUTES = {
    "View": [], "Header": ["value"], "Text": ["name", "value", "valueType"],
    "Paragraphs": ["name", "value", "valueType", "layout", "nameKey", "textKey"],
    "Choices": ["name", "toName", "choice", "required"], "Choice": ["value"],
    "Labels": ["name", "toName", "choice"], "ParagraphLabels": ["name", "toName", "choice"], "Label": ["value"],
    "Rating": ["name", "toName", "maxRating", "required"], "TextArea": ["name", "toName", "required"],
    "Pairwise": ["name", "toName"],
}  # fmt: skip
"""What the documentation of each tag that the target writes names, as far as it writes it."""


def main() -> None:
    from label_studio_sdk.label_interface import control_tags, label_tags, object_tags

    def tags(mapping: dict[str, str], module: Any) -> set[str]:
        return {getattr(module, name).model_fields["tag"].default for name in mapping.values()}

    lists = {
        "source": f"pypi:label-studio-sdk=={version('label-studio-sdk')}#label_interface, {DOCS}; "
        "by scripts/targets/label_studio_lists.py",
        "controls": sorted(tags(control_tags._TAG_TO_CLASS, control_tags) - {""}),
        "objects": sorted(tags(object_tags._TAG_TO_CLASS, object_tags) - {""}),
        "labels": sorted(label_tags._LABEL_TAGS),
        "attributes": ATTRIBUTES,
    }
    TARGET.write_text(json.dumps(lists, indent=1) + "\n")


if __name__ == "__main__":
    main()
