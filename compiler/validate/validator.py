"""Whether a resource is accepted: jsonschema_rs where its wheel is installed, else jsonschema.

The two accept the same: Python's `$` is held to the end of the text, and no schema uses what they see differently
(schemas/README.md). One validator a schema is compiled, once a process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Protocol

from llmops.compiler.model.keys import KeyPath


class Validator(Protocol):
    def accepts(self, value: Any) -> bool: ...

    def complaints(self, value: Any) -> Iterator[tuple[KeyPath, str]]:
        """The library's own words, for what we have none for: path and text."""


class _Rust:
    def __init__(self, schema: Mapping[str, Any]) -> None:
        import jsonschema_rs

        self._validator = jsonschema_rs.Draft202012Validator(dict(schema))

    def accepts(self, value: Any) -> bool:
        try:
            return self._validator.is_valid(value)
        except ValueError:  # a value that is not JSON's: a date, a set
            return False

    def complaints(self, value: Any) -> Iterator[tuple[KeyPath, str]]:
        try:
            for error in self._validator.iter_errors(value):
                yield tuple(error.instance_path), error.message
        except ValueError as error:
            yield (), str(error)


class _Python:
    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._validator = _python_class()(schema)

    def accepts(self, value: Any) -> bool:
        return bool(self._validator.is_valid(value))

    def complaints(self, value: Any) -> Iterator[tuple[KeyPath, str]]:
        for error in self._validator.iter_errors(value):
            yield tuple(error.absolute_path), error.message


@cache
def _python_class() -> Any:
    from jsonschema import Draft202012Validator, ValidationError, validators

    from llmops.compiler.validate.explain import regex

    def pattern(validator: Any, wanted: str, value: Any, schema: Any) -> Iterator[ValidationError]:
        if isinstance(value, str) and not regex(wanted).search(value):
            yield ValidationError(f"it does not match {wanted}")

    extend: Any = validators.extend  # it has no types
    return extend(Draft202012Validator, {"pattern": pattern})


@cache
def _engine() -> Callable[[Mapping[str, Any]], Validator]:
    try:
        import jsonschema_rs  # noqa: F401
    except ImportError:
        return _Python
    return _Rust


def compiled(schema: Mapping[str, Any]) -> Validator:
    """A validator of a schema that needs no other (schemas.bundled)."""
    return _engine()(schema)
