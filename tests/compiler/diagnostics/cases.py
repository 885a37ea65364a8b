"""Diagnostics that the renderers' tests share: those of a real project, and hostile ones."""

from __future__ import annotations

from llmops.compiler.model.finding import Code, Diagnostic, Edit, Fix, Place, Severity, diagnose
from llmops.compiler.model.sources import SourceFile, Span

FILES = {
    "conf/deployment/answerer.yaml":
        "model: answerer\nengine: vllm\nhardware: {pool: gpu, count: 2}\nmax_model_len: 131072\n",
    "conf/env/prod.yaml": "env:\n  production: true\n\nmodel:\n  embedder:\n    params: {}\n\n    dimension: 768\n",
    "conf/flow/support.yaml": "access: public\nsteps:\n  answer:\n    model: anwserer\n",
    "conf/index/handbook.yaml": "documents: [handbook]\nstore: vectors\nembedder: embedder\ndimension: 1024\n",
    "conf/model/answerer.yaml":
        "provider: openai\nid: gpt-4o-mini\nsecret: sk-live-1234567890\nparams: {max_tokens: 8k}\n",
    "conf/model/embedder.yaml": "weights:\n  repo: a/b\ntask: embedding\ndimension: 1536\n",
    "conf/prompt/wide.yaml": "messages:\n\t- user: \"日本語 e\u0301 {{ nmae }}\"  # tabs, wide and combining\n",
    "conf/prompt/long.yaml": "system: " + "word " * 80 + "{{ nmae }}" + " word" * 80 + "\n",
    "conf/prompt/block.yaml": "messages:\n  - system: |\n      many\n      lines\n",
}
SOURCES = {path: SourceFile(path, text.encode()) for path, text in FILES.items()}
SOURCES["<override 1>"] = SourceFile("<override 1>", b"model.answerer.params.temperature=3.0")
ENVIRONMENTS = ("dev", "prod")


def code(name: str, slug: str, severity: Severity = Severity.ERROR) -> Code:
    return Code(name, slug, severity, f"About {slug}.", "Because.", "bad: 1", "good: 2")


REF001 = code("REF001", "unknown-reference")
SCH003 = code("SCH003", "wrong-type")
SCH004 = code("SCH004", "out-of-range")
IDX001 = code("IDX001", "dimension-mismatch")
SRV003 = code("SRV003", "kv-cache-too-small")
PRM001 = code("PRM001", "undeclared-variable")
PIP002 = code("PIP002", "secret-literal")
OUT002 = code("OUT002", "edited-artifact")
EVL010 = code("EVL010", "gate-reports-only", Severity.WARNING)
REF004 = code("REF004", "unused-file", Severity.INFO)
CODES = (REF001, SCH003, SCH004, IDX001, SRV003, PRM001, PIP002, OUT002, EVL010, REF004)


def span(file: str, line: int, column: int, length: int) -> Span:
    return Span(file, line, column, line, column + length)


CASES: tuple[Diagnostic, ...] = (
    diagnose(
        REF001, "no model is named `anwserer`", span("conf/flow/support.yaml", 4, 12, 8),
        help=("did you mean `answerer` (conf/model/answerer.yaml)?",), environments=("dev", "prod"),
        fixes=(Fix("write `answerer`", (Edit(span("conf/flow/support.yaml", 4, 12, 8), "answerer"),), safe=True),),
        path="flow.support.steps.answer.model",
    ),
    diagnose(
        SCH003, "`max_tokens` must be a whole number of tokens", span("conf/model/answerer.yaml", 4, 22, 2),
        'this is the text "8k"', help=("write 8192 if 8 Ki tokens are meant, 8000 if not",),
        environments=("dev", "prod"), expected="integer", found="8k",
    ),
    diagnose(
        IDX001, "the index stores 1024 numbers per chunk, its embedder makes 768",
        span("conf/index/handbook.yaml", 4, 12, 4), "expected 768",
        more=(
            Place(span("conf/model/embedder.yaml", 4, 12, 4), "1536 at first"),
            Place(span("conf/env/prod.yaml", 8, 16, 3), "then env `prod` makes it 768"),
        ),
        help=("drop `dimension` from the index: it is derived",), environments=("prod",), expected="768", found="1024",
    ),
    diagnose(
        SRV003, "`answerer` does not fit: 48.0 GiB needed on each GPU, 40.2 GiB usable",
        span("conf/deployment/answerer.yaml", 3, 18, 3), "L40S: 48 GB, of which 0.90 may be used",
        more=(Place(span("conf/deployment/answerer.yaml", 4, 16, 6), "16.0 GiB is the KV cache of one such request"),
              Place(span("conf/deployment/answerer.yaml", 1, 8, 8), "30.5 GiB of weights")),
        notes=("30.5 weights + 16.0 KV cache + 1.5 activations = 48.0 GiB (facts/gpus.yaml, 2026-09)",),
        help=("`max_model_len: 65536` fits; so do an fp8 KV cache (40.0 GiB) or 4 GPUs (24.8 GiB)",),
        environments=("prod",),
    ),
    diagnose(
        PIP002, "a secret must not be written in a config", span("conf/model/answerer.yaml", 3, 9, 18),
        "looks like an OpenAI key", found="sk-live-1234567890", secret=True, environments=("dev", "prod"),
        help=("name the secret instead: `secret: openai`, and say where it lives in conf/secret/openai.yaml",),
        notes=("if it was committed it stays in git's history: revoke it first",),
    ),
    diagnose(
        SCH004, "a key of the line above it", span("conf/model/answerer.yaml", 3, 1, 6), "also on the secret's line",
        environments=("dev", "prod"),
    ),
    diagnose(PRM001, "no variable is named `nmae`", span("conf/prompt/wide.yaml", 2, 21, 4), "not declared"),
    diagnose(PRM001, "no variable is named `nmae`", span("conf/prompt/long.yaml", 1, 412, 4), "not declared"),
    diagnose(PRM001, "a text over lines", Span("conf/prompt/block.yaml", 2, 13, 5, 1), "starts here"),
    diagnose(SCH004, "`temperature` must be between 0 and 2", span("<override 1>", 1, 35, 3), "3.0"),
    diagnose(
        OUT002, "generated/prod/vllm/answerer.yaml was changed by hand",
        span("generated/prod/vllm/answerer.yaml", 14, 20, 3),
        "compiled as 256, from conf/deployment/answerer.yaml:9:15",
    ),
    diagnose(
        EVL010, "eval.answer_quality never blocks", span("conf/flow/support.yaml", 1, 9, 6), environments=("prod",)
    ),
    diagnose(REF004, "no environment selects conf/model/old.yaml", None),
)

EVIL = (
    "a\x1b[31mred\x07\n::error::x\r\u202ebidi\u200bzero\U000e0041tag\ud800 `b` ``c``"
    " %0A ##[add-mask] | [l](1) {0} <b>@me</b>"
)
EVIL_FILE = "conf/evil\n::add-mask::x,y:z\x1b]8;;http://e\x07.yaml"
EVIL_BYTES = b"key: a\x1b[31mred \xe2\x80\xae ::stop \xff ##[group]\x00 end\n::error::line two\n"
EVIL_SOURCE = {EVIL_FILE: SourceFile(EVIL_FILE, EVIL_BYTES)}


def hostile() -> Diagnostic:
    return Diagnostic(
        code="REF001", name="unknown-reference", severity=Severity.ERROR, message=EVIL,
        labels=(
            Place(span(EVIL_FILE, 1, 6, 5), EVIL, primary=True),
            Place(span(EVIL_FILE, 2, 1, 9), EVIL),
            Place(span("conf/other" + EVIL, 2, 1, 9), EVIL),
        ),
        notes=(EVIL,), help=(EVIL,), environments=(EVIL,), resource=EVIL, path=EVIL, expected=EVIL, found=EVIL,
    )
