"""`python -m llmops`."""

import os
import sys

if __name__ == "__main__" and not getattr(sys.flags, "safe_path", False):
    # The current folder stands first on the path: it is the user's project, from which nothing is ever imported.
    del sys.path[0]


def main() -> None:
    """The console script."""
    _forget_current_folder()
    from llmops.compiler.cli.main import main as run

    sys.exit(run())


def _forget_current_folder() -> None:
    """An empty entry in PYTHONPATH (`$PYTHONPATH:/more`) puts the current folder on the path too."""
    try:
        here = os.path.realpath(os.curdir)
    except OSError:  # it was removed
        return
    if os.path.basename(here) != "site-packages":  # noqa: PTH119
        sys.path[:] = [entry for entry in sys.path if entry and os.path.realpath(entry) != here]


if __name__ == "__main__":
    main()
