"""Record one forward pass: which operation made which value, inside which module.

A `TorchFunctionMode` sees every operation at the level at which people write them (``softmax``, not its kernels), and
every call of a module is seen, so that it is known which modules an operation runs in. Layers that are alike run
once; the others are answered with empty tensors of the shapes that the first one returned, and nothing inside of them
is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch
from torch import nn
from torch._C._functorch import is_functorch_wrapped_tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map

from glassblock.reader.tracing.answers import Answers
from glassblock.reader.tracing.calls import calls_seen, forwards_seen
from glassblock.reader.tracing.escapes import hollow
from glassblock.reader.tracing.fold import Fold
from glassblock.reader.tracing.perform import Performer
from glassblock.reader.tracing.record import Call, Op, Recording, Ref, Value
from glassblock.reader.tracing.steps import base, canonical, is_view, made, step_name, tensors, writes
from glassblock.reader.walk import walk

MOST_BYTES = 4 << 30
"""Memory that activations may take where they have numbers: all of them are kept while a model is traced."""


class Tracer(TorchFunctionMode):
    """Records the operations that run while it is entered.

    Parameters
    ----------
    model
        The model.
    fold
        Which of its modules are alike, and so run once.
    most_bytes
        Memory that activations may take where they have numbers; None sets no limit.
    """

    def __init__(self, model: nn.Module, fold: Fold, *, most_bytes: int | None = MOST_BYTES) -> None:
        super().__init__()
        self.recording = Recording()
        self.steps: list[str] = []
        """Names of all operations, also of those that made nothing and so are not in the recording."""
        self._stack: list[Call] = []
        self._of: dict[int, int] = {}
        self._alive: list[torch.Tensor] = []
        self._versions: list[int | None] = []
        self._storages: set[int] = set()
        self._bytes, self._most_bytes = 0, most_bytes
        self._paused = False
        self._perform = Performer(self.recording)
        self._model, self._fold = model, fold
        self._names: dict[int, tuple[str, bool]] = {}
        self._forwards: dict[int, Callable[..., Any]] = {}
        self._paths: dict[int, tuple[str, ...]] = {}
        self._looked_inside = False
        self._learn(walk(model, closed=fold.keys))
        self._answers = Answers(self.recording, fold, self._fresh)

    def tell(self, numbers: Iterable[tuple[Any, Any]]) -> None:
        """Say which numbers the inputs stand for; only whole ones and truth values matter."""
        for empty, known in numbers:
            if isinstance(known, torch.Tensor) and not known.is_floating_point():
                self._perform.known.learn(empty, known)

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Run the model, and record it."""
        layers = [self._model.get_submodule(path) for path in self._fold.keys]
        with self, calls_seen(self.seen), forwards_seen(layers, self.seen) as self._forwards:
            self._model(*args, **kwargs)

    def seen(self, original: Callable[..., Any], module: nn.Module, args: Any, kwargs: Any) -> Any:
        """Record a call of a module of the model; of others there is nothing to say."""
        path = None if self._paused else self._path(module)
        if path is None:
            return original(module, *args, **kwargs)
        return self._call(original, path, module, args, kwargs)

    def value_of(self, tensor: torch.Tensor) -> int:
        """Return the number of the value that a tensor is."""
        return self._values(tensor)[0]

    def tensor(self, value: int) -> torch.Tensor | None:
        """Return the tensor of a value; None where something was written over it since, in place."""
        tensor = self._alive[value]
        return tensor if _version(tensor) == self._versions[value] else None

    def _learn(self, modules: Iterable[tuple[str, nn.Module]]) -> None:
        """Learn the paths of modules, and the names of their parameters and buffers."""
        for path, module in modules:
            known = self._paths.get(id(module), ())
            if path not in known:
                self._paths[id(module)] = (*known, path)
            prefix = f"{path}." if path else ""
            for held, trained in ((module._buffers, False), (module._parameters, True)):  # noqa: SLF001
                for name, tensor in held.items():
                    if tensor is not None:
                        self._names.setdefault(id(tensor), (prefix + name, trained))

    def _look_inside(self) -> bool:
        """Learn what is inside of all layers, because something was met that may come from there; False if known."""
        if self._looked_inside:
            return False
        self._looked_inside = True
        self._learn(walk(self._model))
        return True

    def _path(self, module: nn.Module) -> str | None:
        """Return the path of a module; of several the one within the module that runs."""
        paths = self._paths.get(id(module))
        if paths is None:
            return self._path(module) if self._look_inside() else None
        if len(paths) > 1 and self._stack:
            inside = f"{self._stack[-1].path}."
            return next((path for path in paths if path.startswith(inside)), paths[0])
        return paths[0]

    def __torch_function__(
        self,
        func: Callable[..., Any],
        _types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run the operation, or answer it, and record what it read and made."""
        kwargs = kwargs or {}
        if self._paused:
            return func(*args, **kwargs)
        name = step_name(func)
        if name is None:
            return func(*args, **kwargs)
        if name == "__iter__":  # as torch does it, in an operation that is seen
            with self:
                return iter(args[0].unbind(0))
        self.steps.append(name)
        step = len(self.steps) - 1
        inputs = tensors((args, kwargs))
        before = [self._value(tensor) for tensor in inputs]
        result = self._perform.run(name, func, args, kwargs, inputs, before)
        self._record(step, args, kwargs, inputs, before, result)
        return result

    def _record(
        self,
        step: int,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        inputs: list[torch.Tensor],
        before: list[int],
        result: Any,
    ) -> None:
        name = self.steps[step]
        new = made(name, inputs, result)
        if not new:
            return
        index = len(self.recording.ops)
        reads = list(before)
        if writes(name) and inputs and is_view(inputs[0]):
            reads.append(self._value(base(inputs[0])))
        plain = all(self.recording.values[v].number is not None for v in reads)
        outputs = tuple(self._new(tensor, index, plain=plain) for tensor in new)
        self.recording.ops.append(
            Op(
                index=index,
                name=canonical(name),
                call=self._stack[-1].index if self._stack else None,
                inputs=tuple(reads),
                outputs=outputs,
                args=self._refs(args, inputs, before),
                kwargs=self._refs(kwargs, inputs, before),
                step=step,
            )
        )

    def _refs(self, tree: Any, inputs: list[torch.Tensor], before: list[int]) -> Any:
        of = {id(tensor): value for tensor, value in zip(inputs, before, strict=True)}
        return tree_map(lambda leaf: Ref(of[id(leaf)]) if id(leaf) in of else leaf, tree)

    def _new(self, tensor: torch.Tensor, op: int | None, *, plain: bool = True) -> int:
        index = len(self.recording.values)
        name, trained = ("", False) if op is not None else self._names.get(id(tensor), ("", False))
        dtype = str(tensor.dtype).removeprefix("torch.")
        number = self._number(tensor) if plain and not name else None
        self.recording.values.append(Value(index, tuple(tensor.shape), dtype, op, name, trained, number))
        self._of[id(tensor)] = index
        self._versions.append(_version(tensor))
        self._alive.append(tensor)  # an id is only unique while its object lives
        if op is not None and self._most_bytes is not None and not hollow(tensor):
            self._weigh(tensor, self._most_bytes)
        return index

    def _fresh(self, like: torch.Tensor, op: int) -> tuple[torch.Tensor, int]:
        """Return an empty tensor like another one, and the value that it is."""
        self._paused = True
        fresh = torch.zeros_like(like)
        self._paused = False
        return fresh, self._new(fresh, op)

    def _weigh(self, tensor: torch.Tensor, most: int) -> None:
        """Count the memory of what was made with numbers, and refuse to go on where it is too much."""
        if is_functorch_wrapped_tensor(tensor) or tensor.layout is not torch.strided:
            return
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in self._storages:
            self._storages.add(storage.data_ptr())
            self._bytes += storage.nbytes()
        if self._bytes > most:
            raise MemoryError(f"its activations take more than {most >> 30} GB on the inputs that were found")

    def _number(self, tensor: torch.Tensor) -> float | None:
        """Return the number of a scalar that was made of numbers of the code, not of the model's."""
        if tensor.ndim or hollow(tensor) or tensor.is_complex() or is_functorch_wrapped_tensor(tensor):
            return None
        paused, self._paused = self._paused, True
        number = float(tensor)
        self._paused = paused
        return number

    def _values(self, tree: Any) -> tuple[int, ...]:
        """Return the values of the tensors that go in or out of a call; what is asked of them is no step of its own."""
        paused, self._paused = self._paused, True
        values = tuple(self._value(tensor) for tensor in tensors(tree))
        self._paused = paused
        return values

    def _value(self, tensor: torch.Tensor) -> int:
        found = self._of.get(id(tensor))
        if found is not None:
            return found
        if id(tensor) not in self._names and self._stack:  # the model's own inputs come before its first call
            self._look_inside()
        return self._new(tensor, None)

    def _call(self, original: Callable[..., Any], path: str, module: nn.Module, args: Any, kwargs: Any) -> Any:
        """Call a module, and record the call."""
        call = Call(
            index=len(self.recording.calls),
            path=path,
            parents=(),
            inputs=self._values((args, kwargs)),
            first=len(self.recording.ops),
        )
        call.parents = (*(outer.index for outer in self._stack), call.index)
        self.recording.calls.append(call)
        self._stack.append(call)
        asking = vars(module).get("forward")
        try:
            if path in self._fold.keys:
                learn = partial(self._learn, walk(module, call.path))
                vars(module)["forward"] = self._answers.forward(self._forwards[id(module)], call, learn)
            result = original(module, *args, **kwargs)
        finally:
            self._stack.pop()
            if path in self._fold.keys:
                vars(module)["forward"] = asking
        call.last = len(self.recording.ops)
        call.outputs = self._values(result)
        return result


def _version(tensor: torch.Tensor) -> int | None:
    """Return torch's count of what was written over a tensor; those of inference mode have none."""
    return None if tensor.is_inference() else tensor._version
