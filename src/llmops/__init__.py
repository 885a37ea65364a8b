"""The llmops compiler: configs of an LLM application in, the files that its tools read out."""

__version__ = "0.1.0"
