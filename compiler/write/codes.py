"""The codes of plan and apply."""

from __future__ import annotations

from llmops.compiler.model.finding import Code, Severity

DRIFT = Code(
    code="OUT001", name="drift", severity=Severity.ERROR,
    summary="Generated files differ from what the configs give.",
    why="What is committed, reviewed and deployed is then not what the configs say.",
    bad="# conf/ was edited, generated/ was not compiled again",
    good="# llmops compile, then commit conf/ and generated/ together",
)  # fmt: skip
EDITED_ARTIFACT = Code(
    code="OUT002", name="edited-artifact", severity=Severity.ERROR,
    summary="A generated file was changed by hand since it was written.",
    why="Compiling would throw the change away; it belongs in the config that the line comes from.",
    bad="max-num-seqs: 512   # edited in generated/",
    good="max_num_seqs: 512   # edited in conf/, then compiled",
)  # fmt: skip
FOREIGN_FILE = Code(
    code="OUT003", name="foreign-file", severity=Severity.ERROR,
    summary="A file that llmops did not write stands where an artifact belongs.",
    why="Nobody knows whether it may be lost. With the same bytes it would be adopted silently.",
    bad="# generated/prod/vllm/answerer.yaml written by another tool",
    good="# moved away, or given up with: llmops compile --force generated/prod/vllm/answerer.yaml",
)  # fmt: skip
EDITED_ORPHAN = Code(
    code="OUT004", name="edited-orphan", severity=Severity.WARNING,
    summary="A file that is no longer produced was changed by hand, so it is kept.",
    why="Files that are no longer produced are deleted, but never somebody's work.",
    bad="# generated/dev/old/judge.yaml edited, then `judge` was taken out of dev",
    good="# deleted by hand, or with: llmops compile --force generated/dev/old/judge.yaml",
)  # fmt: skip
PATH_COLLISION = Code(
    code="OUT005", name="path-collision", severity=Severity.ERROR,
    summary="Two artifacts would be one file on some file systems.",
    why="macOS and Windows do not tell `Answer.yaml` from `answer.yaml`: one would overwrite the other.",
    bad="# conf/model/Answer.yaml and conf/model/answer.yaml",
    good="# conf/model/answer.yaml and conf/model/answer_long.yaml",
)  # fmt: skip
OUTSIDE_PLACES = Code(
    code="OUT006", name="path-outside-places", severity=Severity.ERROR,
    summary="A target would write at a place that it does not declare.",
    why="A compile touches `generated/`, the lock and the declared places, and nothing else of a repository.",
    bad="# a target that makes `/src/client.py`",
    good='# a target with places=("src/llmops_client/",)',
)  # fmt: skip
UNPORTABLE_PATH = Code(
    code="OUT007", name="unportable-path", severity=Severity.ERROR,
    summary="An artifact's path cannot exist on every system.",
    why="A checkout on another system would fail or lose the file.",
    bad="# conf/model/aux.yaml",
    good="# conf/model/auxiliary.yaml",
)  # fmt: skip
LINK_IN_THE_WAY = Code(
    code="OUT008", name="link-in-the-way", severity=Severity.ERROR,
    summary="A symbolic link stands where a folder or file of llmops belongs.",
    why="Behind a link, a write could land anywhere; nothing is ever written through one.",
    bad="# generated -> ../elsewhere",
    good="# generated/ is a folder",
)  # fmt: skip
NOT_A_FILE = Code(
    code="OUT009", name="not-a-file", severity=Severity.ERROR,
    summary="A folder or a special file stands where an artifact belongs, or a file where its folder belongs.",
    why="It is not llmops' to remove.",
    bad="# generated/prod is a file",
    good="# moved away",
)  # fmt: skip
CORRUPT_LOCK = Code(
    code="OUT010", name="corrupt-lock", severity=Severity.WARNING,
    summary="A line of llmops.lock cannot be read.",
    why="What it said is unknown: a file that it stood for is taken for foreign, unless its bytes are the new ones.",
    bad="# a line cut short",
    good="# the lock as it was committed, or compiled anew",
)  # fmt: skip
LOCK_HELD = Code(
    code="OUT011", name="lock-held", severity=Severity.ERROR,
    summary="Another llmops process is writing this project.",
    why="Two writers at once could leave files of both. The system frees the lock when its holder ends.",
    bad="# two `llmops compile` at the same time",
    good="# one after the other",
)  # fmt: skip
CHANGED_MEANWHILE = Code(
    code="OUT012", name="changed-meanwhile", severity=Severity.ERROR,
    summary="A file changed between reading and writing.",
    why="The plan was made for other bytes; writing could lose the change.",
    bad="# an editor saves generated/prod/vllm/answerer.yaml during a compile",
    good="# compile again",
)  # fmt: skip
DISK_FULL = Code(
    code="OUT013", name="disk-full", severity=Severity.ERROR,
    summary="There is no room to write.",
    why="Everything is staged before anything is replaced, so the old files stand unchanged.",
    bad="# 0 bytes free, or a quota used up",
    good="# room for the generated files once more",
)  # fmt: skip
PERMISSION_DENIED = Code(
    code="OUT014", name="permission-denied", severity=Severity.ERROR,
    summary="The system does not allow a write or a read.",
    why="The file, its folder or the whole disk is read-only for this user.",
    bad="# generated/ belongs to root",
    good="# generated/ belongs to who compiles",
)  # fmt: skip
TOO_MUCH_OUTPUT = Code(
    code="OUT015", name="too-much-output", severity=Severity.ERROR,
    summary="The artifacts are more than a compile may write.",
    why="A small config can multiply without end (environments × targets × resources); a limit keeps the disk usable.",
    bad="# 300 000 files",
    good="# fewer environments or targets in one project",
)  # fmt: skip
WRITE_FAILED = Code(
    code="OUT016", name="write-failed", severity=Severity.ERROR,
    summary="The system refused to read or write a file.",
    why="A device error, a name too long for this file system or too many open files: nothing was replaced.",
    bad="# input/output error",
    good="# the cause removed, then compiled again",
)  # fmt: skip
WRITE_UNFINISHED = Code(
    code="OUT017", name="write-unfinished", severity=Severity.ERROR,
    summary="A write stopped after it had begun to replace files; the next one finishes it.",
    why="The journal in .llmops/ knows what is left to do, so old and new files are not mixed for longer than that.",
    bad="# the disk failed half way",
    good="# the cause removed, then compiled again",
)  # fmt: skip
DAMAGED_STAGE = Code(
    code="OUT018", name="damaged-stage", severity=Severity.WARNING,
    summary="An interrupted write could not be finished as it was planned.",
    why="Staged files are not synced one by one; after a power cut some may be lost. Compiling makes them again.",
    bad="# power cut during a compile",
    good="# compiled again",
)  # fmt: skip

CODES: tuple[Code, ...] = (
    DRIFT, EDITED_ARTIFACT, FOREIGN_FILE, EDITED_ORPHAN, PATH_COLLISION, OUTSIDE_PLACES, UNPORTABLE_PATH,
    LINK_IN_THE_WAY, NOT_A_FILE, CORRUPT_LOCK, LOCK_HELD, CHANGED_MEANWHILE, DISK_FULL, PERMISSION_DENIED,
    TOO_MUCH_OUTPUT, WRITE_FAILED, WRITE_UNFINISHED, DAMAGED_STAGE,
)  # fmt: skip
