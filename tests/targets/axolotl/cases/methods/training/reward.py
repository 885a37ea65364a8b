"""Whether an answer is right."""


def right(completions: list[str], answer: list[str], **_: object) -> list[float]:
    return [float(expected in completion) for completion, expected in zip(completions, answer, strict=True)]
