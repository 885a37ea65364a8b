from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter

from llmops.compiler.cli.code_page import code_text
from llmops.compiler.diagnostics.codes import all_codes, code_named, is_rule, rules


def test_every_code_is_documented():
    codes = all_codes()
    assert codes
    for code in codes:
        assert re.fullmatch("[A-Z]{3}[0-9]{3}", code.code)
        assert re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", code.name), code
        assert all((code.summary, code.why, code.bad, code.good, code.since)), code


def test_no_two_codes_share_a_code_or_a_name():
    codes = all_codes()
    for word in ("code", "name"):
        uses = Counter(getattr(code, word) for code in codes)
        assert [text for text, count in uses.items() if count > 1] == []


def test_a_code_is_found_by_code_and_by_name():
    for code in all_codes():
        assert code_named(code.code) == code
        assert code_named(code.name) == code
    assert code_named("XXX999") is None


def test_only_what_rules_report_can_be_silenced():
    assert {code.code for code in all_codes() if is_rule(code)} == {code.code for _, code in rules()}
    for name, silence in (("MOD002", True), ("CFG055", False)):
        code = code_named(name)
        assert code is not None
        assert ("Silence" in code_text(code)) == silence


def test_listing_codes_imports_nothing_heavy():
    script = (
        "import sys; from llmops.compiler.diagnostics.codes import all_codes; all_codes();"
        "print([m for m in ('hydra', 'omegaconf', 'networkx', 'jsonschema', 'jinja2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
