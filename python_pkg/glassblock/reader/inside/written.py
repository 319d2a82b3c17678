"""Steps and wires, written down: names, shapes, parameters, taps, and what comes in from outside."""

from __future__ import annotations

from dataclasses import replace

from glassblock.ir import Block, Inside, Shape, Step, Wire
from glassblock.reader.branches.branch import Branch
from glassblock.reader.inside.draft import Draft, Home, word
from glassblock.reader.inside.folding import in_order
from glassblock.reader.tracing.graph import alike
from glassblock.reader.walk import parameter_at

_SQUARE = ("scores", "softmax")
_SEVERAL = 4
"""Modules without work that are shown one by one."""
_TEXT_TOKENS_WIDTH = 3
"""Dimensions of what has no heads apart."""
_CASTS = ("to", "float", "half", "bfloat16", "double", "type", "type_as")
_KEPT = {"k": "keys", "k_rot": "keys", "v": "values"}
"""What layers take over from others, by their taps."""


class Writer:
    """One block, written down."""

    def __init__(self, draft: Draft, cut: Branch, block: Block, held: frozenset[int]) -> None:
        self.draft, self.graph, self.part, self.cut, self.held = draft, draft.graph, draft.part, cut, held
        self.block, self.tapped = block, {value: [*names] for value, names in draft.tapped.items()}
        self.homes = in_order(draft)
        cuts = (self.graph.ops[home.first].inputs[0] for home in self.homes if home.op == "split")
        self.cuts = {self.graph.same(value) for value in cuts}
        self.heads_like_tokens = self.graph.recording.tokens in (block.heads, block.kv_heads)
        self.seen: set[int] = set()
        self.counted: set[int] = set()
        self.inputs: dict[str, int] = {}
        self.beside: dict[str, list[int]] = {}
        self.steps: list[Step] = []
        self.wires: dict[tuple[int, int, str], None] = {}

    def inside(self) -> Inside | None:
        """Return the steps and wires."""
        entering = {id(home): self.entering(home) for home in self.homes}
        for name, value in self.outside(entering).items():
            self.inputs[name] = len(self.steps)
            self.steps.append(Step(name, "input", "", self.shape(value), 0, self.taps_of([value])))
        numbers = {id(home): len(self.steps) + at for at, home in enumerate(self.homes)}
        for home in self.homes:
            for source, label in entering[id(home)]:
                at = numbers[id(source)] if isinstance(source, Home) else self.inputs[source[0]]
                self.wires[at, numbers[id(home)], label] = None
            self.steps.append(self.step(home))
        self.steps += self.resting()
        end = len(self.steps)
        for maker, _ in self.draft.makers(self.part.output):
            if maker is not None:
                self.wires[numbers[id(maker)], end, ""] = None
        self.steps.append(Step("output", "output", "", self.shape(self.part.output), 0))
        return self.reached()

    def entering(self, home: Home) -> list[tuple[Home | tuple[str, int], str]]:
        """Return what a step reads: other steps, or names and values from outside; each with its label."""
        found: dict[tuple[int | str, str], tuple[Home | tuple[str, int], str]] = {}
        for value in self.draft.inputs(home):
            for maker, made in self.draft.makers(value):
                if maker is home:
                    continue
                if maker is not None:
                    label = self.label(value) if maker.op == "split" else ""
                    found[id(maker), label] = (maker, label)
                elif (name := self.name_outside(made, home)) is not None:
                    found[name, ""] = ((name, made), "")
        entering = [*found.values()]
        functions = [one for one, _ in entering if isinstance(one, Home) and one.op in ("activation", "softmax")]
        if home.op == "multiply" and len(functions) == 1 < len(entering):
            return [(one, "gate" if one is functions[0] else label) for one, label in entering]
        return entering

    def label(self, value: int) -> str:
        """Return the tap that a piece is, which a cut hands on."""
        names = (name for v in self.draft.back(value) for name in self.draft.tapped.get(self.graph.same(v), ()))
        return next(names, "")

    def name_outside(self, value: int, home: Home) -> str | None:
        """Return what a value from outside is called; None for what is the model's own, such as a buffer."""
        graph, part = self.graph, self.part
        if value == part.source or graph.same(value) == part.source:
            return "input"
        if value in part.stream:
            return "stream"
        if value in part.beside:
            return self.name_beside(value)
        if value not in part.given or graph.size(value) <= 1:
            return None
        shape, dtype = graph.shape(value), graph.values[value].dtype
        if "int" in dtype and len(shape) <= 2:
            return "positions"
        if home.op == "rotary":
            return "rotary angles"
        if home.op in _SQUARE or home.op == "mix":
            return "position bias" if len(shape) > 2 and shape[-3] > 1 and "bool" not in dtype else "mask"
        return "mask" if "bool" in dtype else "given"

    def name_beside(self, value: int) -> str:
        """Return what an activation from outside of the block is called: by who made it."""
        whole, layer = self.cut.graph, self.cut.stream.call
        op = whole.producer(self.part.origins[value])
        call = whole.calls[op.call] if op is not None and op.call is not None else None
        around = [whole.calls[index].path for index in call.parents] if call is not None else []
        stack = layer.path.rpartition(".")[0]
        tap = next((_KEPT[name] for name in self.draft.tapped.get(self.graph.same(value), ()) if name in _KEPT), "")
        if layer.path in around:
            name = "from another block"
        elif any(path.rpartition(".")[0] == stack for path in around):
            name = f"{tap or 'from'} {'of ' if tap else ''}another layer"
        elif ".cross" in self.block.address:
            name = "from another stack"
        else:
            name = "from below the layers"
        taken = self.beside.setdefault(name, [])
        if value not in taken:
            taken.append(value)
        at = taken.index(value)
        return f"{name} {at + 1}" if at else name

    def outside(self, entering: dict[int, list[tuple[Home | tuple[str, int], str]]]) -> dict[str, int]:
        """Return the inputs, the block's own first."""
        found = {one[0]: one[1] for every in entering.values() for one, _ in every if not isinstance(one, Home)}
        return dict(sorted(found.items(), key=lambda item: (item[0] != "input", item[0] != "stream")))

    def step(self, home: Home) -> Step:
        """Write a step down."""
        made = self.draft.made(home)
        last = made[-1] if made else self.graph.ops[max(home.ops)].outputs[0]
        value = self.graph.ops[home.first].inputs[0] if home.op == "split" else last
        value = self.cut_off(value) if home.op == "convolution" else value
        within = (
            home.ops | self.draft.idle if home.op == "recurrence" else ()
        )  # the state is there for the next call alone
        values = [*made, *(v for index in sorted(within) for v in self.graph.ops[index].outputs)]
        values = [self.graph.ops[home.first].inputs[0], *values] if home.op == "split" else values
        taps = self.taps_of(values, cut=home.op == "split")
        params, names = self.parameters(home)
        plain = home.op in ("add", "multiply") and len(names) == 1
        name = names[0].rpartition(".")[2] if plain else home.name
        return Step(name, home.op, home.path, self.shape(value, home), params, taps, self.folded(home))

    def taps_of(self, values: list[int], *, cut: bool = False) -> tuple[str, ...]:
        """Return the names of the taps for some values; a part of one is there where it is cut out, if anywhere."""
        found: list[str] = []
        for value in dict.fromkeys(self.graph.same(v) for v in values):
            later = value in self.cuts and not cut
            kept = [name for name in self.tapped.get(value, ()) if later and name in self.draft.partly]
            found += [name for name in self.tapped.pop(value, ()) if name not in kept]
            self.tapped.update({value: kept} if kept else {})
        return tuple(found)

    def shape(self, value: int, home: Home | None = None) -> Shape:
        """Return a shape, with its free dimensions by name, as it is where texts and tokens have dimensions each."""
        graph, batch, tokens = self.graph, self.cut.batch, self.graph.recording.tokens
        shapes = [graph.shape(v) for v in alike(graph, value)]
        apart = next((shape for shape in shapes if shape[:1] == (batch,) and len(shape) > 2), shapes[0])
        named: list[int | str] = [*apart]
        table = home is not None and not self.entering(home)  # the same for every text
        for at, size in enumerate(apart[:-1]):
            named[at] = "batch" if at == 0 and size == batch and not table else "tokens" if size == tokens else size
        if self.heads_like_tokens and named[:3] == ["batch", "tokens", "tokens"]:
            named[1] = tokens
        if len(apart) > 1 and apart[0] == batch * tokens and named[0] != "batch":
            named[0] = "tokens"
        square = home is not None and (self.by_pair(home) or (table and apart[-2:] == (tokens, tokens)))
        turned = len(apart) > 2 and tokens not in apart[1:-1]
        if apart[-1:] == (tokens,) and (square or turned or home is None or "int" in graph.values[value].dtype):
            named[-1] = "tokens"
        elif square and apart[-1] == tokens + 1:
            named[-1] = "tokens + 1"
        return tuple(named)

    def by_pair(self, home: Home) -> bool:
        """Whether a step makes a number for each two tokens: scores, and their softmax, but no router's."""
        makers = (one for one, _ in self.entering(home) if isinstance(one, Home))
        deep = any(len(self.graph.shape(v)) > _TEXT_TOKENS_WIDTH for v in self.draft.made(home))
        return home.op == "scores" or (home.op == "softmax" and (deep or any(one.op == "scores" for one in makers)))

    def cut_off(self, value: int) -> int:
        """Return what is left of a convolution's output where its padding is cut off again."""
        users = [op for op in self.graph.consumers[value] if op.index not in self.draft.idle]
        sliced = len(users) == 1 and self.draft.moves(users[0]) and users[0].index not in self.draft.home
        return users[0].outputs[0] if sliced and len(users[0].outputs) == 1 else value

    def parameters(self, home: Home) -> tuple[int, list[str]]:
        """Count the parameters that a step uses and no step before it did; return their names, too."""
        queue = [v for index in sorted(home.ops) for v in self.graph.ops[index].inputs]
        met, names = set(queue), list[str]()
        while queue:
            value = queue.pop()
            op = self.graph.producer(value)
            if self.graph.values[value].trained:
                names.append(self.graph.values[value].name)
            elif op is not None and op.index not in self.draft.home:
                queue += [v for v in op.inputs if v not in met]
                met.update(op.inputs)
        names = list(dict.fromkeys(names))
        return sum(self.once(name) for name in names), names

    def once(self, name: str) -> int:
        """Count a parameter if it is the block's and was not counted yet."""
        parameter = parameter_at(self.graph.model, name)
        if parameter is None or id(parameter) not in self.held or id(parameter) in self.counted:
            return 0
        self.counted.add(id(parameter))
        return parameter.numel()

    def folded(self, home: Home) -> int:
        """Count the operations behind a step: its own, and what moves or is still before them; precision is no work."""
        queue, count = [*home.ops], sum(self.graph.ops[index].name not in _CASTS for index in home.ops)
        while queue:
            for value in self.graph.ops[queue.pop()].inputs:
                op = self.graph.producer(value)
                if op is not None and op.index not in self.draft.home and op.index not in self.seen:
                    self.seen.add(op.index)
                    count += op.name not in _CASTS
                    queue.append(op.index)
        return count

    def resting(self) -> list[Step]:
        """Return steps for the parameters that no operation used; those of a step's own module are counted there."""
        left: dict[str, int] = {}
        path = self.graph.calls[0].path
        module = self.graph.modules.get(path)
        for name, parameter in module.named_parameters() if module is not None and path else ():
            if id(parameter) in self.held and id(parameter) not in self.counted:
                self.counted.add(id(parameter))
                whole = f"{path}.{name}"
                at = self.holding(whole)
                if at is not None:
                    self.steps[at] = replace(self.steps[at], params=self.steps[at].params + parameter.numel())
                else:
                    owner = whole.rpartition(".")[0]
                    left[whole if owner == path else owner] = left.get(owner, 0) + parameter.numel()
        if len(left) > _SEVERAL:
            children = {name: f"{path}.{name.removeprefix(path + '.').partition('.')[0]}" for name in left}
            left = {one: sum(left[n] for n in left if children[n] == one) for one in dict.fromkeys(children.values())}
        return [Step(word(child), "other", child, (), size, unused=True) for child, size in left.items()]

    def holding(self, name: str) -> int | None:
        """Return the step of the module that a parameter is in, the innermost one."""
        fits = [at for at, step in enumerate(self.steps) if step.path and name.startswith(f"{step.path}.")]
        return max(fits, key=lambda at: len(self.steps[at].path), default=None)

    def reached(self) -> Inside | None:
        """Return what was written, without what makes nothing; what does and holds parameters is marked."""
        before: dict[int, list[int]] = {}
        for source, target, _ in self.wires:
            before.setdefault(target, []).append(source)
        end = len(self.steps) - 1
        used, queue = {end}, [end]
        while queue:
            new = [at for at in before.get(queue.pop(), ()) if at not in used]
            used.update(new)
            queue += new
        if not any(self.steps[at].op == "input" for at in used):
            return None
        kept = [at for at, step in enumerate(self.steps) if at in used or (step.params and step.op != "input")]
        kept += [
            at for at, step in enumerate(self.steps) if step.op == "input" and at not in kept and self.feeds(at, kept)
        ]
        number = {old: new for new, old in enumerate(sorted(kept))}
        steps = tuple(
            replace(self.steps[at], unused=at not in used and self.steps[at].op != "input") for at in sorted(kept)
        )
        inside = ((number[s], number[t], label) for s, t, label in self.wires if s in number and t in number)
        wires = sorted(inside, key=lambda wire: (wire[1], wire[0]))
        return Inside(steps, tuple(Wire(*wire) for wire in wires))

    def feeds(self, at: int, kept: list[int]) -> bool:
        """Whether an input goes into a step that is kept."""
        return any(source == at and target in kept for source, target, _ in self.wires)
