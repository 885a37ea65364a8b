"""Text from configs, paths and names is untrusted: these functions make it harmless where it is printed."""

from __future__ import annotations

import re

_UNSAFE = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0, DEL and C1: escape sequences, line ends, bells
    "\u00ad\u061c\u115f\u1160\u180e\u3164\uffa0"  # soft hyphen, Arabic letter mark, fillers that look like nothing
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # zero width, line separators, bidi
    "\ud800-\udfff"  # surrogates, which no encoder takes
    "\U000e0000-\U000e0fff"  # tag characters and variation selectors: text that no one sees
    "]"
)


def escape(text: str) -> str:
    """Text for a terminal or a log, on one line: control, bidi and invisible characters become `\\u{…}`."""
    return _UNSAFE.sub(_code, text)


def escape_char(char: str) -> str:
    """As `escape`, for one character."""
    return _code(_UNSAFE.match(char)) if _UNSAFE.match(char) else char


def _code(match: re.Match[str] | None) -> str:
    assert match is not None
    return f"\\u{{{ord(match.group()):x}}}"


def log_line(text: str) -> str:
    """A finished line for the log of GitHub Actions, in which no command of the runner is left.

    The runner obeys lines that start with `::` (spaces aside), and `##[` anywhere.
    """
    text = text.replace("##[", "##\\u{5b}")
    stripped = text.lstrip()
    return text[: len(text) - len(stripped)] + "\\u{3a}" + stripped[1:] if stripped.startswith("::") else text


def workflow_data(text: str) -> str:
    """Text as the message of a workflow command; line ends may be in it, and stay."""
    lines = text.split("\n")
    return "%0A".join(escape(line).replace("%", "%25") for line in lines)


def workflow_property(text: str) -> str:
    """Text as a property of a workflow command."""
    return workflow_data(text).replace(":", "%3A").replace(",", "%2C")


def code_span(text: str) -> str:
    """Markdown that shows the text and nothing else, with a fence longer than any run of backticks in it."""
    text = escape(text)
    if not text:
        return "` `"
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if text.startswith("`") or text.endswith("`") or (text[0] == text[-1] == " " and text.strip()) else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def table_cell(text: str) -> str:
    """A code span inside a Markdown table, where `|` would end the cell."""
    return code_span(text).replace("|", "\\|")
