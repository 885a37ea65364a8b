from __future__ import annotations

from llmops.compiler.diagnostics.locate import locate, span_of, writers
from llmops.compiler.model.finding import Edit, Finding, Fix, Label, Severity
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.project import Composed
from llmops.compiler.model.sources import FromDefault, FromFile, FromOverride, Origin, Span, Write
from tests.compiler.diagnostics.cases import IDX001, span

FILE = "conf/model/embedder.yaml"
PROFILE = "conf/env/prod.yaml"
DIMENSION = ("model", "embedder", "dimension")


class Told:
    """A history that was written down by hand."""

    def __init__(self, writes: dict[KeyPath, list[tuple[Origin, object]]], keys: dict[KeyPath, Span]) -> None:
        self._writes, self._keys = writes, keys

    def writes(self, path: KeyPath) -> tuple[Write, ...]:
        return tuple(Write(origin, value) for origin, value in self._writes.get(path, ()))

    def key(self, path: KeyPath) -> Span | None:
        return self._keys.get(path)

    def through(self, path: KeyPath) -> tuple[KeyPath, ...]:
        return ()


def composed() -> Composed:
    whole = Span(FILE, 1, 1, 5, 1)
    writes = {
        ("model", "embedder"): [(FromFile(whole), {})],
        DIMENSION: [
            (FromFile(span(FILE, 4, 12, 4)), 1536),
            (FromFile(span(PROFILE, 8, 16, 3), layer="profile"), 768),
        ],
        ("model", "embedder", "task"): [(FromDefault("model", "/properties/task"), "chat")],
        ("model", "embedder", "params"): [(FromFile(span(FILE, 2, 3, 5)), {})],
        ("model", "embedder", "params", "top_p"): [
            (FromFile(span(FILE, 3, 3, 5)), 1),
            (FromOverride("model.embedder.params.top_p=2", span("<override 1>", 1, 29, 1)), 2),
        ],
    }
    keys = {DIMENSION: span(PROFILE, 8, 5, 9), ("model", "embedder", "params"): span(FILE, 2, 1, 6)}
    return Composed("prod", {}, Told(writes, keys))


def test_the_last_writer_is_pointed_at():
    assert span_of(composed(), DIMENSION) == span(PROFILE, 8, 16, 3)
    assert span_of(composed(), ("model", "embedder", "params", "top_p")) == span("<override 1>", 1, 29, 1)
    assert span_of(composed(), DIMENSION, key_only=True) == span(PROFILE, 8, 5, 9)


def test_what_has_no_place_is_shown_by_what_holds_it():
    assert span_of(composed(), ("model", "embedder", "task")) == Span(FILE, 1, 1, 5, 1)
    assert span_of(composed(), ("model", "embedder", "params", "seed", 0)) == span(FILE, 2, 1, 6)
    assert span_of(composed(), ("model", "nobody")) is None


def test_a_finding_gets_its_places():
    at = span("conf/index/handbook.yaml", 4, 12, 4)
    fix = Fix("write 768", (Edit(DIMENSION, "768"),), safe=True)
    lost = Fix("drop it", (Edit(("model", "nobody"), ""),))
    finding = Finding(
        "they differ",
        (*writers(composed(), DIMENSION), Label(at, "expected 768", primary=True)),
        fixes=(fix, lost), found="1024", secret=True,
    )
    made = locate(IDX001, finding, composed(), level=Severity.WARNING)
    assert made.severity is Severity.WARNING
    assert [(place.span, place.text) for place in made.labels] == [
        (at, "expected 768"),
        (span(FILE, 4, 12, 4), "1536 at first"),
        (span(PROFILE, 8, 16, 3), "then env `prod` makes it 768"),
    ]
    assert made.fixes == (Fix("write 768", (Edit(span(PROFILE, 8, 16, 3), "768"),), safe=True),)
    assert (made.environments, made.resource, made.path, made.secret) == (("prod",), None, None, True)


def test_resource_and_path_are_those_of_the_primary_place():
    made = locate(IDX001, Finding("x", (Label(DIMENSION, primary=True),)), composed())
    assert (made.resource, made.path) == ("model.embedder", "model.embedder.dimension")
    made = locate(IDX001, Finding("x", (Label(("env", "region"), primary=True),)), composed())
    assert (made.resource, made.path, made.labels) == (None, "env.region", ())
