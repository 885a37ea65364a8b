"""An artifact's data becomes bytes, with the origins of each line; what was written is read back and compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from llmops.compiler.emit import json, text, toml, yaml
from llmops.compiler.emit.codes import MISREAD, TOO_LARGE
from llmops.compiler.emit.header import header, plain_address
from llmops.compiler.emit.sourcemap import Lines, Origins, line_of, starts_a_file_text, together
from llmops.compiler.emit.tree import MAX_BYTES, Node, Problem, Tree, Unwritable, data, misread
from llmops.compiler.model.artifact import Artifact, Emitted, Format
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.sourced import Sourced

_FORMATS: Mapping[Format, tuple[Callable[[Node], Lines], Callable[[str, Any], tuple[KeyPath, str] | None]]] = {
    Format.YAML: (yaml.write, yaml.difference),
    Format.JSON: (json.write, json.difference),
    Format.JSONL: (json.write_lines, json.lines_difference),
    Format.TOML: (toml.write, toml.difference),
}
_WITH_HEADER = frozenset((Format.YAML, Format.TOML, Format.TEXT, Format.MARKDOWN))


@dataclass(frozen=True, slots=True)
class EmitResult:
    """The file, or why there is none: exactly one of the two.

    Problems know places as `At`, since which file an environment's key path stands in is known to the caller alone.
    """

    emitted: Emitted | None
    problems: tuple[Problem, ...] = ()


def emit(artifact: Artifact, *, target: str, scope: str, path: str, escape: Callable[[str], str]) -> EmitResult:
    """Serialise an artifact. `path` is its place relative to the repository; `escape` is the target's.

    Every text of the body that stands in a `Sourced` which is not `raw`, keys of maps inside it included, goes through
    `escape`; plain and `raw` texts are the target's own.
    """
    tree = Tree(escape, target, comments=artifact.format is Format.YAML and artifact.comment is not None)
    try:
        content, origins, plain = _bytes(artifact, tree, path)
        if artifact.because:  # an empty line comes from nothing
            lines = zip(origins, content.split(b"\n"), strict=False)
            origins = [together(own, artifact.because) if text else own for own, text in lines]
    except Unwritable as stop:
        return EmitResult(None, (*tree.problems, stop.problem))
    if not tree.problems and len(content) > MAX_BYTES:
        tree.problems.append(Problem(TOO_LARGE, f"{path} would be larger than {MAX_BYTES // 1024 // 1024} MiB"))
    if tree.problems:
        return EmitResult(None, tuple(tree.problems))
    return EmitResult(
        Emitted(
            path, target, scope, content, tuple(origins),
            tuple(dict.fromkeys(plain_address(one) for one in artifact.about)), artifact.executable, plain,
        )
    )


def _bytes(artifact: Artifact, tree: Tree, path: str) -> tuple[bytes, list[Origins], Any]:
    if artifact.format is Format.VERBATIM:
        return _verbatim(artifact.body, path)
    plain: Any = None
    front = Lines()
    if artifact.format in (Format.TEXT, Format.MARKDOWN):
        if artifact.front is not None:
            front, plain = _front(artifact, tree, path)
        lines = text.write(artifact.body, tree, markdown=artifact.format is Format.MARKDOWN)
    else:
        lines, plain = _data(artifact.body, artifact.format, tree, path)
    if artifact.comment is not None and artifact.format in _WITH_HEADER:
        _put_header(artifact, lines)
    joined = "".join(f"{line}\n" for line in (*front.text, *lines.text))
    return b"" if tree.problems else joined.encode(), [*front.origins, *lines.origins], plain


def _front(artifact: Artifact, tree: Tree, path: str) -> tuple[Lines, Any]:
    """The data before a Markdown text, between the lines that tell it apart."""
    lines, plain = _data(artifact.front, Format.YAML, tree, path)
    lines.text[:] = ["---", *lines.text, "---"]
    lines.origins[:] = [(), *lines.origins, ()]
    return lines, plain


def _data(body: Any, as_: Format, tree: Tree, path: str) -> tuple[Lines, Any]:
    root = tree.node(body)
    if tree.problems:
        return Lines(), None
    plain = data(root)
    write, difference = _FORMATS[as_]
    lines = write(root)
    found = difference("\n".join(lines.text) + "\n" if lines.text else "", plain)
    if found is not None:
        raise Unwritable(misread(path, *found))
    return lines, plain


def _put_header(artifact: Artifact, lines: Lines) -> None:
    sentence, sources = header(artifact.about)
    line = f"{artifact.comment} {sentence}"
    if artifact.format is Format.MARKDOWN and artifact.comment == "#":
        line = f"<!-- {sentence.replace('--', '- -')} -->"
    # A script's interpreter stands in the first line or nowhere.
    at = 1 if lines.text and lines.text[0].startswith("#!") else 0
    lines.text.insert(at, line)
    lines.origins.insert(at, sources)


def _verbatim(body: Any, path: str) -> tuple[bytes, list[Origins], None]:
    origins: Origins = ()
    numbered = False
    while isinstance(body, Sourced):
        numbered = starts_a_file_text(body.sources)
        origins, body = together(origins, body.sources), body.value
    if isinstance(body, str):
        body = body.encode(errors="surrogatepass")
    if not isinstance(body, bytes):
        raise Unwritable(Problem(MISREAD, f"the target's {path} is {type(body).__name__} instead of bytes", origins))
    count = body.count(b"\n") + (not body.endswith(b"\n") and body != b"")
    return body, [line_of(origins, n) if numbered else origins for n in range(count)], None
