"""Refresh `data/gpus.json`: memory and compute capability from dstack's gpuhunt, bandwidth from aiconfigurator.

    pip download --no-deps gpuhunt==0.1.34
    python scripts/facts/refresh_gpus.py gpuhunt-0.1.34-py3-none-any.whl CLONES

CLONES holds a clone of ai-dynamo/aiconfigurator as `ai-dynamo+aiconfigurator`. What a driver or an engine
reported as the memory that is really there stands in `gpu_sightings.json` beside this script, each with its source,
and so does what a vendor's page says against gpuhunt.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
from pathlib import Path
from typing import Any

from common import DATA, finish, parser, read_wheel, render

MEMBER = "gpuhunt/_internal/constraints.py"
SYSTEMS = "aic-core/src/aiconfigurator_core/systems"
SIGHTINGS = Path(__file__).with_name("gpu_sightings.json")
GIB = 2**30
RESOURCES = {"nvidia": "nvidia.com/gpu", "amd": "amd.com/gpu"}
# Our name of a row, where the memory must tell two of one name apart.
SPLIT = {("A100", 40): "A100-40GB", ("A100", 80): "A100-80GB", ("V100", 16): "V100-16GB", ("V100", 32): "V100-32GB"}
ALIASES = {
    "A100-40GB": ["A100", "NVIDIA-A100-SXM4-40GB"],
    "A100-80GB": ["NVIDIA-A100-SXM4-80GB", "NVIDIA-A100-80GB-PCIe", "A100-80GB-SXM"],
    "A10G": ["NVIDIA-A10G"],
    "B200": ["NVIDIA-B200"],
    "H100": ["H100-80GB", "H100-SXM", "NVIDIA-H100-80GB-HBM3", "H100_SXM"],
    "H200": ["NVIDIA-H200", "H200-SXM"],
    "L4": ["NVIDIA-L4"],
    "L40S": ["NVIDIA-L40S"],
    "MI300X": ["AMD-Instinct-MI300X"],
    "RTX3090": ["RTX-3090", "RTX 3090", "NVIDIA-GeForce-RTX-3090"],
    "RTX4090": ["RTX-4090", "RTX 4090", "NVIDIA-GeForce-RTX-4090"],
    "RTX5090": ["RTX-5090", "RTX 5090", "NVIDIA-GeForce-RTX-5090"],
    "T4": ["Tesla-T4", "NVIDIA-Tesla-T4"],
    "V100-16GB": ["V100", "Tesla-V100-SXM2-16GB"],
    "V100-32GB": ["Tesla-V100-SXM2-32GB"],
}
# The file of aiconfigurator that speaks of a row.
SYSTEM_OF = {
    "A100-80GB": "a100_sxm",
    "A30": "a30",
    "B200": "b200_sxm",
    "B300": "b300_sxm",
    "GB200": "gb200",
    "H100": "h100_sxm",
    "H200": "h200_sxm",
    "L4": "l4",
    "L40S": "l40s",
    "RTXPRO6000": "rtx_pro_6000_server",
}
DISPUTED = frozenset({"GB300", "MI308X"})  # the sources contradict each other about their memory
RESOURCE_SOURCE = "https://kubernetes.io/docs/tasks/manage-gpus/scheduling-gpus/"
Row = dict[str, Any]


def listed(text: str, table: str) -> list[Row]:
    """The keyword arguments of each call in a list of gpuhunt's constraints."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == table:
            assert isinstance(node.value, ast.List)
            calls = [call for call in node.value.elts if isinstance(call, ast.Call)]
            wanted = ("name", "memory", "compute_capability")
            return [
                {str(word.arg): ast.literal_eval(word.value) for word in call.keywords if word.arg in wanted}
                for call in calls
            ]
    raise SystemExit(f"no {table} in {MEMBER}")


def system(clones: Path, name: str) -> tuple[Row, str, str]:
    """What aiconfigurator says of a machine: bandwidth and compute capability, with place and day."""
    clone, path = clones / "ai-dynamo+aiconfigurator", f"{SYSTEMS}/{name}.yaml"

    def git(*words: str) -> str:
        return subprocess.run(["git", "-C", clone, *words], capture_output=True, text=True, check=True).stdout

    commit, day = git("log", "-1", "--format=%H %cs").split()
    said = dict(re.findall(r"^  (mem_bw|mem_capacity|sm_version): (\d+)", git("show", f"HEAD:{path}"), re.MULTILINE))
    row: Row = {"bandwidth": int(said["mem_bw"]), "memory": int(said["mem_capacity"])}
    if "sm_version" in said:
        row["compute_capability"] = [int(said["sm_version"]) // 10, int(said["sm_version"]) % 10]
    return row, f"github:ai-dynamo/aiconfigurator@{commit}:{path}", day


def listed_rows(text: str, source: str, day: str) -> dict[str, Row]:
    """The rows that gpuhunt bears out: memory and compute capability."""
    rows: dict[str, Row] = {}
    twice: set[str] = set()
    for vendor, table in (("nvidia", "KNOWN_NVIDIA_GPUS"), ("amd", "KNOWN_AMD_GPUS")):
        for said in listed(text, table):
            name = SPLIT.get((said["name"], said["memory"]), str(said["name"]))
            if name in rows:  # one name, two sizes, and no name of ours for each: the size is unknown
                twice.add(name)
            rows[name] = {
                "vendor": vendor,
                "memory": said["memory"] * GIB,
                "resource": RESOURCES[vendor],
                "source": f"{source}; resource: {RESOURCE_SOURCE}",
                "as_of": day,
            }
            if "compute_capability" in said:
                rows[name]["compute_capability"] = list(said["compute_capability"])
    return {name: row for name, row in rows.items() if name not in twice | DISPUTED}


def add_systems(rows: dict[str, Row], clones: Path) -> None:
    """Add what aiconfigurator says: the bandwidth, and the other columns where nothing is known yet."""
    for name, place in SYSTEM_OF.items():
        said, source, day = system(clones, place)
        bare = {"vendor": "nvidia", "resource": RESOURCES["nvidia"], "source": f"resource: {RESOURCE_SOURCE}"}
        row = rows.get(name, bare | {"as_of": day})
        rows[name] = said | row | {"bandwidth": said["bandwidth"], "source": f"{source}; {row['source']}"}
        if name == "B300":  # gpuhunt has 10.0 for it; the machine's own file says otherwise
            rows[name]["compute_capability"] = said["compute_capability"]


def main() -> int:
    """Join the sources, write the table."""
    command = parser(main.__doc__ or "")
    command.add_argument("wheel", type=Path)
    command.add_argument("clones", type=Path)
    options = command.parse_args()
    raw, day = read_wheel(options.wheel, MEMBER)
    rows = listed_rows(raw.decode(), f"pypi:gpuhunt=={options.wheel.name.split('-')[1]}#{MEMBER}", day)
    add_systems(rows, options.clones)
    told = json.loads(SIGHTINGS.read_text(encoding="utf-8"))
    for name, said in told["vendors"].items():  # a vendor's own page outweighs a list of somebody else's
        rows[name] |= {"memory": said["memory"], "source": f"memory: {said['source']}; {rows[name]['source']}"}
    for name, seen in told["rows"].items():
        rows[name] |= {"visible_memory": seen["bytes"], "visible_source": seen["source"]}
    for name, aliases in ALIASES.items():
        rows[name]["aliases"] = aliases
    return finish({DATA / "gpus.json": render({"rows": rows})}, options.check)


if __name__ == "__main__":
    raise SystemExit(main())
