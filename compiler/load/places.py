"""The places of keys and values, for whoever asks: the file is read again, since hardly any file is ever asked for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from llmops.compiler.load import gate
from llmops.compiler.load.parse import Memo, Spot, read_places
from llmops.compiler.model.keys import KeyPath


class Places:
    """The places of keys and values in files, read again when asked for; the files asked for last are kept."""

    KEEP = 256

    def __init__(self) -> None:
        self._memo = Memo()
        self._kept: OrderedDict[str, Mapping[KeyPath, Spot]] = OrderedDict()

    def of(self, path: str, data: bytes) -> Mapping[KeyPath, Spot]:
        known = self._kept.get(path)
        if known is None:
            text, _ = gate.decode(path, data)
            known = {} if text is None else read_places(path, text, self._memo)
            self._kept[path] = known
            if len(self._kept) > self.KEEP:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(path)
        return known
