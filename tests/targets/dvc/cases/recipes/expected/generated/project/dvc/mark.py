#!/usr/bin/env python3
"""Note that a stage ran: what depends on it runs again. A stage that fills a database leaves no other file."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

if __name__ == "__main__":
    mark = Path(sys.argv[1])
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.write_text(f"{datetime.now(UTC).isoformat()}\n")
