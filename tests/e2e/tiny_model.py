#!/usr/bin/env python3
"""A Llama of two layers with random weights, and a tokenizer whose tokens are bytes: made here, fetched from nowhere.

It knows nothing, yet everything that trains, merges or serves a model takes it for one: chat template, end of turn,
padding, weights in safetensors. Half a megabyte.
"""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

END, PAD, START = "<|im_end|>", "<|pad|>", "<|im_start|>"
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
CONTEXT = 512


def make(folder: Path) -> Path:
    """The model in `folder`, made once a process with the libraries of TRL's environment; some seconds."""
    return Path(shutil.copytree(_made(), folder))


@cache
def _made() -> Path:
    from tests.tools.toolbox import require_tool, run_tool

    python = require_tool("trl").parent / "python"
    place = tempfile.TemporaryDirectory(prefix="tiny-model-")
    atexit.register(place.cleanup)
    folder = Path(place.name) / "model"
    done = run_tool([python, Path(__file__).resolve(), folder], folder.parent, {"HF_HUB_OFFLINE": "1"})
    assert done.ok, done
    return folder


def tokenizer() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers  # type: ignore[import-not-found, unused-ignore]
    from transformers import PreTrainedTokenizerFast  # type: ignore[import-not-found, unused-ignore]

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    bytes_ = Tokenizer(models.BPE(vocab={token: n for n, token in enumerate([PAD, START, END, *letters])}, merges=[]))
    bytes_.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_.decoder = decoders.ByteLevel()
    made = PreTrainedTokenizerFast(
        tokenizer_object=bytes_, eos_token=END, pad_token=PAD, additional_special_tokens=[START]
    )
    made.chat_template = CHAT_TEMPLATE
    return made


def build(folder: str) -> None:
    import torch  # type: ignore[import-not-found, unused-ignore]
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    words = tokenizer()
    words.save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=len(words), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, max_position_embeddings=CONTEXT, tie_word_embeddings=False, bos_token_id=None,
        eos_token_id=words.eos_token_id, pad_token_id=words.pad_token_id,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)


if __name__ == "__main__":
    build(sys.argv[1])
