from __future__ import annotations

from llmops.targets.litellm.escapes import no_environment
from tests.support.escapes import refuses, survives_canaries, takes_no_time


def test_what_would_be_read_from_the_environment_is_refused() -> None:
    refuses(no_environment, ["os.environ/PATH", "Bearer os.environ/PATH"], ["os.environ", "environ/PATH"])


def test_it_takes_or_refuses_every_text_at_once() -> None:
    survives_canaries(no_environment)
    takes_no_time(no_environment)
