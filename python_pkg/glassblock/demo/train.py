"""Train one of the bundled models: ``python -m glassblock.demo.train gpt --seed 3``.

The text is made while training, row by row, from the grammar, and each row is a run of sentences
of all tasks. Most words of it cannot be predicted by anyone (which object, which place), so the
loss counts the answers fully and the rest a little: enough to make the model write sentences.

One thread, fixed steps, one seed: the same command gives the same weights on the same machine and
library versions. Interrupting it leaves the files of an earlier run as they were.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody uses
import transformers
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from glassblock.demo import language
from glassblock.demo.architectures import CONTEXT, RECIPES, Recipe
from glassblock.demo.scoring import Questions, ask, score
from glassblock.demo.selection import SELECTED
from glassblock.demo.tokenizer import BOS_ID, build_tokenizer

MODELS = Path(__file__).parent / "models"

_REPEAT_WEIGHT = 0.5
"""Weight in the loss of the words of a list that is being repeated, which can be predicted."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trained:
    """A trained model and the record of its training."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    record: dict[str, object]


def _weights(item: language.Item, context: float) -> list[float]:
    """Give each word of a sentence its weight in the loss."""
    prompt, tail = item.prompt.split(), item.tail.split()
    weights = [context] * len(prompt) + [1.0] + [context] * len(tail)
    if item.task == "induction":
        listed = (len(weights) - 1) // 2
        for place in range(listed + 1, 2 * listed):
            weights[place] = max(weights[place], _REPEAT_WEIGHT)
    return weights


def _batch(rng: random.Random, ids: dict[str, int], recipe: Recipe) -> tuple[torch.Tensor, torch.Tensor]:
    """Fill rows with sentences; return ids and weights in the loss, both ``(rows, CONTEXT)``."""
    rows, weights = [], []
    for _ in range(recipe.batch):
        row, row_weights = [BOS_ID], [0.0]
        while len(row) < CONTEXT:
            item = language.mixed(rng)
            row += [ids[word] for word in item.sentence.split()]
            row_weights += _weights(item, recipe.context_weight)
        rows.append(row[:CONTEXT])
        weights.append(row_weights[:CONTEXT])
    return torch.tensor(rows), torch.tensor(weights)


def _rate(step: int, steps: int) -> float:
    """Give the learning rate as a share of its peak: warm-up, plateau, cosine."""
    warm = min(1.0, (step + 1) / 60)
    late = max(0.0, 2 * step / steps - 1)
    return warm * max(0.03, 0.5 * (1 + math.cos(math.pi * late)))


def _loss(model: PreTrainedModel, ids: torch.Tensor, weights: torch.Tensor, balance: float) -> torch.Tensor:
    """Weigh the cross-entropy of every next word; add the router's own loss if there is one."""
    routed = {"output_router_logits": True} if hasattr(model.config, "num_local_experts") else {}
    output = model(input_ids=ids, use_cache=False, **routed)
    each = F.cross_entropy(output.logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
    weight = weights[:, 1:].flatten()
    loss: torch.Tensor = (each * weight).sum() / weight.sum()
    return loss + balance * output.aux_loss if routed else loss


def _optimizer(model: PreTrainedModel, recipe: Recipe) -> torch.optim.AdamW:
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": recipe.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=(0.9, 0.98))


def _progress(model: PreTrainedModel, quick: dict[str, Questions], tokenizer: PreTrainedTokenizerFast) -> str:
    model.train(mode=False)
    found = {task: score(model, asked, tokenizer).accuracy for task, asked in quick.items()}
    model.train()
    return "  ".join(f"{task} {accuracy:.2f}" for task, accuracy in found.items())


def train(recipe: Recipe, seed: int) -> Trained:
    """Train a model from a seed, with a line of progress in the log every 100 steps.

    Parameters
    ----------
    recipe
        One of `RECIPES`, or a variation of it.
    seed
        Of the initial weights and of the text.
    """
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    torch.manual_seed(seed)
    rng = random.Random(seed)
    tokenizer = build_tokenizer(language.vocabulary(), CONTEXT)
    ids = tokenizer.get_vocab()
    model = recipe.build(len(ids))
    optimizer = _optimizer(model, recipe)
    quick = {t: ask(language.sample(t, "test", 100, seed=5), tokenizer) for t in language.TASKS}
    started = time.process_time()
    model.train()
    for step in range(recipe.steps):
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate * _rate(step, recipe.steps)
        loss = _loss(model, *_batch(rng, ids, recipe), recipe.balance)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if (step + 1) % 100 == 0:
            right = _progress(model, quick, tokenizer)
            _log.info("%5d/%d  loss %.3f  %s", step + 1, recipe.steps, loss.item(), right)
    record: dict[str, object] = {
        "seed": seed,
        "steps": recipe.steps,
        "parameters": model.num_parameters(),
        "cpu_minutes": round((time.process_time() - started) / 60, 1),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }
    return Trained(model, tokenizer, record)


def save(trained: Trained, folder: Path) -> None:
    """Write the weights as fp16 safetensors, with config, tokenizer and the training record."""
    folder.mkdir(parents=True, exist_ok=True)
    trained.model.half().save_pretrained(folder)  # type: ignore[no-untyped-call]  # transformers
    trained.tokenizer.save_pretrained(folder)
    # They are written for their owner's eyes only, and would be packed into the wheel like that.
    for weights in folder.glob("*.safetensors"):
        weights.chmod(0o644)
    (folder / "training.json").write_text(json.dumps(trained.record, indent=2) + "\n")


def main() -> None:
    """Read the command line, train, save."""
    parser = argparse.ArgumentParser(prog="python -m glassblock.demo.train", description=__doc__)
    parser.add_argument("name", choices=RECIPES)
    parser.add_argument("--seed", type=int, help="default: the seed of the bundled model")
    parser.add_argument("--out", type=Path, help="folder to write (default: the bundled model's)")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    seed = SELECTED[arguments.name].seed if arguments.seed is None else arguments.seed
    try:
        trained = train(RECIPES[arguments.name], seed)
    except KeyboardInterrupt:
        raise SystemExit("interrupted: nothing was written") from None
    save(trained, arguments.out or MODELS / arguments.name)


if __name__ == "__main__":
    main()
