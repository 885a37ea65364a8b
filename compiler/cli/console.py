"""What a run prints, and how: what was asked for on stdout, all else on stderr; colour only where it is wanted."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TextIO

from llmops.compiler.diagnostics.escape import log_line
from llmops.compiler.diagnostics.redact import hide

WHEN = ("auto", "always", "never")
FORMATS = ("text", "json", "sarif", "github")


def wants_color(when: str, environment: Mapping[str, str], tty: bool) -> bool:
    """The flag wins, then NO_COLOR, FORCE_COLOR and TERM=dumb, then whether a person is likely to look."""
    if when != "auto":
        return when == "always"
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR"):
        return True
    return tty and environment.get("TERM") != "dumb"


@dataclass(slots=True)
class Console:
    """The two streams. A reader that went away ends nothing: the run goes on, and its exit code stands."""

    when: str = "auto"
    quiet: bool = False
    verbose: bool = False
    progress: bool = True
    format: str | None = None
    directory: str | None = None
    secrets: tuple[str, ...] = ()
    """What the configs hold and no one may see."""
    _closed: set[int] = field(default_factory=set)

    @property
    def shape(self) -> str:
        """The output format: the flag's, else GitHub's own inside of its Actions, else text."""
        if self.format is not None:
            return self.format
        return "github" if os.environ.get("GITHUB_ACTIONS") == "true" else "text"

    @property
    def color(self) -> bool:
        return self.shape != "github" and wants_color(self.when, os.environ, sys.stderr.isatty())

    @property
    def out_color(self) -> bool:
        return self.shape != "github" and wants_color(self.when, os.environ, sys.stdout.isatty())

    @property
    def links(self) -> bool:
        """Whether stderr follows OSC 8 links: only a terminal does."""
        return self.color and sys.stderr.isatty()

    @property
    def logged(self) -> bool:
        """Whether the runner of GitHub Actions reads along, and obeys commands."""
        return self.shape == "github" or os.environ.get("GITHUB_ACTIONS") == "true"

    def out(self, text: str, *, commands: bool = False) -> None:
        """What was asked for. `commands` are meant for the runner; all else is made harmless to it."""
        self._write(sys.stdout, text, commands)

    def err(self, text: str) -> None:
        self._write(sys.stderr, text, False)

    def note(self, text: str) -> None:
        """A line that `-q` leaves out."""
        if not self.quiet:
            self.err(text)

    def _write(self, stream: TextIO, text: str, commands: bool) -> None:
        number = 2 if stream is sys.stderr else 1
        if number in self._closed or not text:
            return
        text = hide(text, self.secrets)
        if self.logged and not commands:
            text = "".join(log_line(line) for line in text.splitlines(keepends=True))
        try:
            stream.write(text)
            stream.flush()
        except BrokenPipeError:
            self._closed.add(number)
            close_quietly(stream)

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Says what is going on once it takes longer than a second; on a terminal, outside of CI."""
        if not (self.progress and not self.quiet and sys.stderr.isatty() and not os.environ.get("CI")):
            yield
            return
        shown = threading.Event()
        text = f"{what} …"

        def show() -> None:
            shown.set()
            self.err(f"\r{text}")

        timer = threading.Timer(1.0, show)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()
            if shown.is_set():
                self.err(f"\r{' ' * len(text)}\r")


def close_quietly(stream: TextIO) -> None:
    """Point a stream whose reader is gone at nothing, so that the flush at exit does not complain."""
    try:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)
    except (OSError, ValueError):
        pass


def prepare_streams() -> None:
    """Any text can be printed, whatever the encoding of the terminal."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
