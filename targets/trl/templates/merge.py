#!/usr/bin/env python3
"""Merge an adapter into the weights that it was trained on, and write them with their tokenizer.

    python merge.py <adapter folder> <folder to write>
"""

from __future__ import annotations

import sys

from peft import AutoPeftModelForCausalLM  # type: ignore[import-not-found, unused-ignore]
from transformers import AutoTokenizer  # type: ignore[import-not-found, unused-ignore]


def main(adapter: str, target: str) -> None:
    model = AutoPeftModelForCausalLM.from_pretrained(adapter, dtype="auto")
    model.merge_and_unload().save_pretrained(target)
    AutoTokenizer.from_pretrained(adapter).save_pretrained(target)
    print(f"merged {adapter} into {target}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
