#!/usr/bin/env python3
"""Take the closed lists of Presidio from the installed packages: `targets/presidio/data/lists.json`.

    <environment>/bin/python scripts/targets/presidio_lists.py

Run it with the Python of an environment that holds `presidio-analyzer` and `presidio-anonymizer` in the version of the
target's lock. Presidio looks for what it was told and finds nothing where a name is misspelt, so the target knows which
recognizer finds which entity in which language.
"""

from __future__ import annotations

import inspect
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
TARGET = REPOSITORY / "targets" / "presidio" / "data" / "lists.json"


def main() -> None:
    import presidio_analyzer
    from presidio_analyzer.input_validation.yaml_recognizer_models import (
        CustomRecognizerConfig,
        RecognizerRegistryConfig,
    )
    from presidio_analyzer.predefined_recognizers import SpacyRecognizer
    from presidio_anonymizer.operators import OperatorsFactory

    conf = Path(presidio_analyzer.__file__).parent / "conf"
    shipped = yaml.safe_load((conf / "default_recognizers.yaml").read_text())
    spacy = yaml.safe_load((conf / "spacy.yaml").read_text())
    models = {
        row["lang_code"]: row["model_name"]
        for name in ("spacy_multilingual.yaml", "spacy.yaml")
        for row in yaml.safe_load((conf / name).read_text())["models"]
    }
    lists: dict[str, Any] = {
        "source": f"pypi:presidio-analyzer=={version('presidio-analyzer')} and "
        f"presidio-anonymizer=={version('presidio-anonymizer')}, by scripts/targets/presidio_lists.py",
        "recognizers": [row for row in map(recognizer, shipped["recognizers"]) if row],
        "regex_flags": shipped["global_regex_flags"],
        "named_entities": sorted(SpacyRecognizer.ENTITIES),
        "spacy": {"models": models, **spacy["ner_model_configuration"]},
        "operators": sorted(OperatorsFactory().get_anonymizers()),
        "recognizer_keys": sorted(CustomRecognizerConfig.model_fields),
        "registry_keys": sorted(RecognizerRegistryConfig.model_fields),
        "analyzer_keys": [
            "context_aware_enhancer", "default_score_threshold", "nlp_configuration", "recognizer_registry",
            "supported_languages",
        ],
    }
    TARGET.write_text(json.dumps(lists, indent=1) + "\n")


def recognizer(row: dict[str, Any]) -> dict[str, Any] | None:
    """A recognizer that needs no model: its entities, and its languages with words that make a find surer."""
    from presidio_analyzer import LocalRecognizer
    from presidio_analyzer.recognizer_registry.recognizers_loader_utils import RecognizerListLoader

    cls = RecognizerListLoader.get_existing_recognizer_cls(row.get("class_name") or row["name"])
    languages = [one if isinstance(one, dict) else {"language": one} for one in row.get("supported_languages", ())]
    try:
        made = cls(supported_language=languages[0]["language"]) if languages else cls()
    except ImportError:
        return None  # a package that the lock does not hold
    assert isinstance(made, LocalRecognizer)
    if "supported_language" not in inspect.signature(cls.__init__).parameters:
        return None
    return {"name": row["name"], "entities": sorted(made.supported_entities), "languages": languages}


if __name__ == "__main__":
    main()
