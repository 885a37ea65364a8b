"""The parser of YAML events: libyaml's where it is there, else PyYAML's own; and its mistakes in our words."""

from __future__ import annotations

from typing import Any

import yaml

from llmops.compiler.load import codes, words
from llmops.compiler.model.finding import Diagnostic, diagnose
from llmops.compiler.model.sources import Span


class PureParser(yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser):
    """PyYAML's own parser, events only: about eight times slower."""

    def __init__(self, stream: str) -> None:
        yaml.reader.Reader.__init__(self, stream)
        yaml.scanner.Scanner.__init__(self)
        yaml.parser.Parser.__init__(self)


try:
    from yaml._yaml import CParser as _CParser

    Parser: Any = _CParser
except ImportError:  # pragma: no cover - depends on how PyYAML was built
    Parser = PureParser


def dispose(parser: Any) -> None:
    """Break the cycle in which PyYAML's own parser holds itself."""
    if hasattr(parser, "dispose"):
        parser.dispose()


def mistake(path: str, text: str, error: yaml.YAMLError) -> Diagnostic:
    """Where a text is no YAML, and why."""
    mark = getattr(error, "problem_mark", None)
    lines = text.split("\n")
    line = min(mark.line if mark else 0, len(lines) - 1)
    column = min(mark.column if mark else 0, len(lines[line].rstrip("\r")))
    code = codes.CONTROL if "Unicode character escape" in str(getattr(error, "problem", "")) else codes.SYNTAX
    message, help_ = words.syntax(str(getattr(error, "problem", "") or ""), str(getattr(error, "context", "") or ""))
    if lines[line][column : column + 1] == "\t":
        message, help_ = "a tab cannot indent", "indent with spaces"
    return diagnose(code, message, Span(path, line + 1, column + 1, line + 1, column + 2), help=[help_])
