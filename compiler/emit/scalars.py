"""How YAML reads a scalar without quotes: by 1.1 (PyYAML, Go's older readers) or by 1.2 (most others)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

AMBIGUOUS: Final = object()
"""The reading of a text that the two versions, or two readers of one version, read differently."""

_WORDS: Final = {"null": None, "true": True, "false": False}
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)\Z")
_FLOAT: Final = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+(?:e[-+][0-9]+)?\Z")

# Whatever any version calls something else than text, a little widened: too many quotes do no harm.
_OTHER: Final = re.compile(
    r"""(?: [-+]?[0-9][0-9_,]* (?: \.[0-9_.]* )? (?: e[-+]?[0-9]+ )?     # 08 1_000 1. 1e5 1.2.3
          | [-+]?\.[0-9_.]+ (?: e[-+]?[0-9]+ )?                          # .5
          | [-+]?e[-+]?[0-9_]+                                          # e15, for npm's yaml
          | [-+]?0b[01_]+ | [-+]?0o?[0-7_]+ | [-+]?0x[0-9a-f_]+
          | [-+]?[0-9][0-9_]* (?: :[0-5]?[0-9] )+ (?: \.[0-9_]* )?       # base 60
          | [-+]?\.inf | \.nan
          | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2} .*                            # dates and times
          | y | n | yes | no | on | off | true | false | null | ~ | = | << | [-+.]* )\Z""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)


@lru_cache(maxsize=4096)
def read_plain(text: str) -> Any:
    """What a scalar without quotes means, if all readers agree, else AMBIGUOUS."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.match(text):
        return int(text) if len(text) < 25 else AMBIGUOUS
    if _FLOAT.match(text):
        return float(text)
    return AMBIGUOUS if _OTHER.match(text) else text
