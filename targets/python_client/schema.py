"""From the JSON Schema of an answer to types of Python: a TypedDict for each map that it describes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from llmops.targets.python_client.words import class_name, usable, written

SIMPLE = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
CHECKED = frozenset((
    "type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "oneOf", "allOf",
    "$ref", "$defs", "definitions", "minLength", "maxLength", "pattern", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "minItems", "maxItems", "uniqueItems",
    # words for people, and for readers of the schema
    "$schema", "$id", "$comment", "title", "description", "examples", "default", "deprecated", "readOnly", "writeOnly",
))
"""What the package checks, or may pass over."""
MOST = 40
"""How deep a schema may be nested."""


@dataclass(slots=True)
class Types:
    """The classes of one schema. `code` are their lines, those that others need first; `unknown` are words of the
    schema that nothing checks, each with where it stands."""

    root: Any
    prefix: str
    code: list[list[str]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    made: dict[str, str] = field(default_factory=dict)
    typing: set[str] = field(default_factory=set)

    def of(self, schema: Any, *place: str) -> str:
        """The type of a value that follows a schema."""
        if not isinstance(schema, Mapping) or len(place) > MOST:
            return self._any()
        self.unknown.extend(f"{'.'.join((*place, word))}" for word in schema if word not in CHECKED)
        if "$ref" in schema:
            return self._referred(str(schema["$ref"]))
        if "const" in schema:
            return self._constants([schema["const"]])
        if "enum" in schema and isinstance(schema["enum"], list):
            return self._constants(schema["enum"])
        for word in ("anyOf", "oneOf"):
            if isinstance(schema.get(word), list) and schema[word]:
                return self._either(self.of(one, *place, str(n)) for n, one in enumerate(schema[word]))
        if isinstance(schema.get("allOf"), list) and len(schema["allOf"]) == 1 and "properties" not in schema:
            return self.of(schema["allOf"][0], *place)
        wanted = schema.get("type", "object" if "properties" in schema else None)
        if isinstance(wanted, list):
            return self._either(self._typed(str(one), schema, place) for one in wanted)
        return self._typed(str(wanted), schema, place)

    def _typed(self, wanted: str, schema: Mapping[str, Any], place: tuple[str, ...]) -> str:
        if wanted in SIMPLE:
            return SIMPLE[wanted]
        if wanted == "array":
            return f"list[{self.of(schema.get('items', True), *place, 'item')}]"
        if wanted != "object":
            return self._any()
        if schema.get("properties"):
            return self._map(schema, place)
        others = schema.get("additionalProperties", True)
        return f"dict[str, {self.of(others, *place, 'value')}]"

    def _map(self, schema: Mapping[str, Any], place: tuple[str, ...]) -> str:
        name = self._name(*place)
        return self._class(name, schema, place)

    def _class(self, name: str, schema: Mapping[str, Any], place: tuple[str, ...]) -> str:
        required = set(schema.get("required") or ())
        fields = {key: self.of(below, *place, key) for key, below in schema["properties"].items()}
        marked = {
            key: type_ if key in required else self._optional(type_) for key, type_ in fields.items()
        }
        self.typing.add("TypedDict")
        if all(usable(key) for key in marked):
            self.code.append([f"class {name}(TypedDict):", *(f"    {key}: {type_}" for key, type_ in marked.items())])
        else:
            # names in quotes inside: a class that another one needs may stand further down
            inside = [f"        {written(key)}: {written(type_)}," for key, type_ in marked.items()]
            self.code.append([f"{name} = TypedDict(", f"    {written(name)},", "    {", *inside, "    },", ")"])
        return name

    def _optional(self, type_: str) -> str:
        self.typing.add("NotRequired")
        return f"NotRequired[{type_}]"

    def _referred(self, reference: str) -> str:
        if reference in self.made:
            return self.made[reference]
        schema: Any = self.root
        keys = reference.removeprefix("#/").split("/") if reference.startswith("#/") else []
        for key in keys:
            schema = schema.get(key.replace("~1", "/").replace("~0", "~")) if isinstance(schema, Mapping) else None
        if not keys or not isinstance(schema, Mapping):
            self.unknown.append(f"$ref {reference}")
            return self._any()
        if isinstance(schema.get("properties"), Mapping) and schema["properties"]:
            self.made[reference] = self._name(keys[-1])
            return self._class(self.made[reference], schema, (keys[-1],))
        self.made[reference] = self._any()  # of a shape without fields that contains itself
        self.made[reference] = self.of(schema, keys[-1])
        return self.made[reference]

    def _constants(self, values: list[Any]) -> str:
        if not values or not all(isinstance(one, (str, bool, int, type(None))) for one in values):
            return self._any()
        self.typing.add("Literal")
        texts = [written(one) if isinstance(one, str) else repr(one) for one in values]
        return f"Literal[{', '.join(dict.fromkeys(texts))}]"

    def _either(self, types: Iterator[str]) -> str:
        found = list(dict.fromkeys(types))
        return "Any" if "Any" in found else " | ".join(found)

    def _any(self) -> str:
        self.typing.add("Any")
        return "Any"

    def _name(self, *place: str) -> str:
        name, number = class_name(self.prefix, *place), 2
        made = name
        while made in self.names:
            made, number = f"{name}{number}", number + 1
        self.names.add(made)
        return made
