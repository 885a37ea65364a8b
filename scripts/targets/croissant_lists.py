#!/usr/bin/env python3
"""Take the closed lists of Croissant from the installed validator: `targets/croissant/data/keys.json`.

    <environment>/bin/python scripts/targets/croissant_lists.py

Run it with the Python of an environment that holds `mlcroissant` in the version that the tests pin. JSON-LD passes over
a key that its context does not know, so the target checks against the properties of the validator's own node classes.
"""

from __future__ import annotations

import dataclasses
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parents[2] / "targets" / "croissant" / "data" / "keys.json"
RAI = "http://mlcommons.org/croissant/RAI/"


def main() -> None:
    from mlcroissant._src.core.constants import DataType, EncodingFormat
    from mlcroissant._src.core.context import Context, CroissantVersion
    from mlcroissant._src.core.rdf import Rdf, make_context
    from mlcroissant._src.structure_graph.nodes import (
        creative_work,
        field,
        file_object,
        file_set,
        metadata,
        organization,
        person,
        record_set,
        source,
    )

    latest = CroissantVersion.LATEST_VERSION.value
    context = Context(conforms_to=latest)
    words = make_context(context)
    rdf = Rdf(context=words)
    kinds = {
        "sc:Dataset": metadata.Metadata, "cr:FileObject": file_object.FileObject, "cr:FileSet": file_set.FileSet,
        "cr:RecordSet": record_set.RecordSet, "cr:Field": field.Field, "sc:Organization": organization.Organization,
        "sc:Person": person.Person, "sc:CreativeWork": creative_work.CreativeWork,
        "source": source.Source, "extract": source.Extract, "transform": source.Transform,
    }  # fmt: skip

    def keys(kind: Any) -> list[str]:
        found = set()
        for one in dataclasses.fields(kind):
            url = one.metadata.get("url") if one.metadata else None
            url = url(context) if callable(url) and not isinstance(url, str) else url
            if url:
                text = str(url)
                found.add(f"rai:{text.removeprefix(RAI)}" if text.startswith(RAI) else rdf.shorten_key(text))
        return sorted(found)

    lists = {
        "source": f"pypi:mlcroissant=={version('mlcroissant')}, by scripts/targets/croissant_lists.py",
        "conforms_to": latest,
        "context": words,
        "keys": {name: keys(kind) for name, kind in kinds.items()},
        "data_types": sorted({rdf.shorten_value(str(v)) for k, v in vars(DataType).items() if k[0] != "_"}),
        "formats": sorted(v for k, v in vars(EncodingFormat).items() if k[0] != "_"),
        "file_properties": sorted(p.name for p in source.FileProperty),
    }
    TARGET.write_text(json.dumps(lists, indent=1) + "\n")


if __name__ == "__main__":
    main()
