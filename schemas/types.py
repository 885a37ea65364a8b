"""The kinds as typed constants, and the names of their fields.

Written by `make generate` from the schemas: edit those instead.
"""

from __future__ import annotations

from typing import Literal

from llmops.compiler.model.kinds import Kind
from llmops.schemas import kind

AgentField = Literal[
    "model", "prompt", "tools", "guardrails", "handoffs", "memory", "max_steps", "budget", "params", "approval",
    "output_schema", "timeout", "via", "framework", "description", "owner", "labels", "overrides",
]

AppField = Literal[
    "purpose", "use", "languages", "traffic", "risk", "budget", "contacts", "description", "owner", "labels",
    "overrides",
]

DatasetField = Literal[
    "files", "source", "rows", "derive", "format", "columns", "splits", "trust", "sensitivity", "licence", "revision",
    "digest", "max_rows", "fields", "acl", "description", "owner", "labels", "overrides",
]

DeploymentField = Literal[
    "model", "serves", "runs", "gateway", "store", "image", "pull", "container_name", "platform", "endpoint", "engine",
    "version", "adapters", "hardware", "replicas", "balance", "restart", "max_model_len", "dtype", "kv_cache_dtype",
    "gpu_memory_utilization", "max_num_seqs", "max_num_batched_tokens", "prefix_caching", "chunked_prefill",
    "speculative", "parallel", "args", "command", "env", "secrets", "port", "publish", "networks", "probes", "volumes",
    "uses", "schedule", "rollout", "grace", "access", "region", "sku", "capacity_tpm", "chart", "roles", "security",
    "timeout", "budget", "description", "owner", "labels", "overrides",
]

EvalField = Literal[
    "runner", "type", "subject", "subjects", "rows", "metrics", "judge", "repetitions", "concurrency", "seed", "gate",
    "slices", "redteam", "load", "tasks", "budget", "results", "timeout", "description", "owner", "labels",
    "overrides",
]

ExperimentField = Literal[
    "flow", "arms", "unit", "metric", "minimum_rows", "end", "power", "alpha", "description", "owner", "labels",
    "overrides",
]

FinetuneField = Literal[
    "base", "from", "data", "method", "adapter", "trainer", "version", "params", "template", "tokens", "validation",
    "hardware", "distributed", "reward", "report_to", "output", "schedule", "budget", "platform", "description",
    "owner", "labels", "overrides",
]

FlowField = Literal[
    "inputs", "steps", "outputs", "access", "guardrails", "history", "budget", "timeout", "stream", "sensitivity",
    "description", "owner", "labels", "overrides",
]

GatewayField = Literal[
    "engine", "version", "endpoint", "routes", "keys", "limits", "budget", "strategy", "timeout", "stream_timeout",
    "retries", "cooldown", "cache", "callbacks", "secret", "drop_params", "params", "description", "owner", "labels",
    "overrides",
]

GuardrailField = Literal[
    "stage", "detector", "engine", "model", "action", "entities", "threshold", "message", "prompt", "streaming",
    "languages", "topics", "latency", "params", "description", "owner", "labels", "overrides",
]

IndexField = Literal[
    "documents", "runner", "embedder", "store", "chunking", "loader", "metric", "collection", "algorithm",
    "compression", "fields", "keyword", "acl", "refresh", "vectors", "description", "owner", "labels", "overrides",
]

ModelField = Literal[
    "provider", "id", "weights", "task", "params", "served_name", "version", "region", "endpoint", "via",
    "quantization", "chat_template", "tokenizer", "tool_parser", "reasoning_parser", "dimension", "prefixes", "facts",
    "trust_remote_code", "replacement", "description", "owner", "labels", "overrides",
]

PipelineField = Literal[
    "engine", "triggers", "stages", "runner", "forks", "concurrency", "login", "permissions", "description", "owner",
    "labels", "overrides",
]

PromptField = Literal[
    "messages", "files", "variables", "syntax", "output_schema", "examples", "params", "variants", "cache", "label",
    "description", "owner", "labels", "overrides",
]

SecretField = Literal[
    "variable", "stores", "variables", "rotate", "optional", "description", "owner", "labels", "overrides",
]

StoreField = Literal[
    "engine", "version", "endpoint", "secret", "auth", "region", "database", "sku", "retention", "encrypted",
    "description", "owner", "labels", "overrides",
]

TargetField = Literal["description", "owner", "labels", "overrides"]

ToolField = Literal[
    "parameters", "mcp", "effects", "trust", "sensitivity", "approval", "egress", "returns", "endpoint", "code",
    "function", "secret", "timeout", "retries", "sandbox", "limits", "description", "owner", "labels", "overrides",
]

EnvField = Literal[
    "production", "platform", "region", "namespace", "context", "domain", "registry", "pools", "proxy", "vars",
]

AGENT: Kind[AgentField] = kind("agent")
APP: Kind[AppField] = kind("app")
DATASET: Kind[DatasetField] = kind("dataset")
DEPLOYMENT: Kind[DeploymentField] = kind("deployment")
EVAL: Kind[EvalField] = kind("eval")
EXPERIMENT: Kind[ExperimentField] = kind("experiment")
FINETUNE: Kind[FinetuneField] = kind("finetune")
FLOW: Kind[FlowField] = kind("flow")
GATEWAY: Kind[GatewayField] = kind("gateway")
GUARDRAIL: Kind[GuardrailField] = kind("guardrail")
INDEX: Kind[IndexField] = kind("index")
MODEL: Kind[ModelField] = kind("model")
PIPELINE: Kind[PipelineField] = kind("pipeline")
PROMPT: Kind[PromptField] = kind("prompt")
SECRET: Kind[SecretField] = kind("secret")
STORE: Kind[StoreField] = kind("store")
TARGET: Kind[TargetField] = kind("target")
TOOL: Kind[ToolField] = kind("tool")
ENV: Kind[EnvField] = kind("env")
