"""Policies as paragraphs."""


def split(row):
    parts = [part.strip() for part in row["text"].split("\n\n")]
    return [{"text": part, "file": row["file"]} for part in parts if not part.startswith("#")]
