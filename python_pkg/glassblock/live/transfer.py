"""To the host: numbers of one forward pass leave each device in one copy, for which the forward does not wait.

On CUDA they go into pinned memory while the model goes on, and an event says when they are there. Other
accelerators have no such copy that could be relied on: there the numbers stay on the device until they are read.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float32]


class Transfer:
    """Tensors on their way to the host.

    Parameters
    ----------
    tensors
        On any devices, of any dtype and shape. Nobody else writes to them.
    """

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        self._shapes = [tuple(x.shape) for x in tensors]
        self._buffers: list[tuple[list[int], Tensor, Any]] = []
        on: dict[torch.device, list[int]] = defaultdict(list)
        for index, x in enumerate(tensors):
            on[x.device].append(index)
        self._here = {index: tensors[index] for index in on.pop(torch.device("cpu"), ())}
        for indices in on.values():
            flat = torch.cat([tensors[index].reshape(-1).float() for index in indices])
            self._buffers.append((indices, *to_host(flat)))

    @property
    def ready(self) -> bool:
        """Whether reading would not wait."""
        return all(event is not None and event.query() for _, _, event in self._buffers)

    def arrays(self) -> list[Array]:
        """Return the tensors as arrays, float32, in the order in which they were given. Waits for the devices."""
        found = {index: x.float().numpy() for index, x in self._here.items()}
        for indices, buffer, event in self._buffers:
            if event is not None:
                event.synchronize()
            sizes = [math.prod(self._shapes[index]) for index in indices]
            pieces = np.split(_numbers(buffer), np.cumsum(sizes)[:-1])
            found |= {i: piece.reshape(self._shapes[i]) for i, piece in zip(indices, pieces, strict=True)}
        return [found[index] for index in range(len(self._shapes))]


def to_host(flat: Tensor) -> tuple[Tensor, Any]:
    """Start the copy of a tensor to the host.

    Returns
    -------
    Tensor
        Where it will be; the tensor itself on a device that cannot copy while it computes.
    Event or None
        When it will be there.
    """
    if flat.device.type != "cuda":
        return flat, None
    host = torch.empty(flat.shape, dtype=flat.dtype, pin_memory=True)
    host.copy_(flat, non_blocking=True)
    event: Any = torch.cuda.Event()  # type: ignore[no-untyped-call]
    event.record(torch.cuda.current_stream(flat.device))
    return host, event


def _numbers(buffer: Tensor) -> Array:
    """Return a buffer as an array; on the meta device there are no numbers."""
    if buffer.is_meta:
        return np.full(buffer.shape, np.nan, np.float32)
    array: Array = buffer.cpu().numpy()
    return array
