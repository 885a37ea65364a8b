"""`python -m llmops`."""

import sys

if __name__ == "__main__" and not getattr(sys.flags, "safe_path", False):
    # The current folder stands first on the path: it is the user's project, from which nothing is ever imported.
    del sys.path[0]


def main() -> None:
    """The console script."""
    from llmops.compiler.cli.main import main as run

    sys.exit(run())


if __name__ == "__main__":
    main()
