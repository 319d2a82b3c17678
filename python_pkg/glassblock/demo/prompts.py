"""The prompts that are offered with every bundled model; each model answers all of them right."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DemoPrompt:
    """A prompt to try, with the word that should follow and a tempting wrong one."""

    task: str
    text: str
    answer: str
    foil: str


PROMPTS: tuple[DemoPrompt, ...] = (
    DemoPrompt("ioi", "When Mary and John went to the store , John gave a drink to", "Mary", "John"),
    DemoPrompt("ioi", "When Mary and John went to the store , Mary gave a drink to", "John", "Mary"),
    DemoPrompt("ioi", "one day , Tom met Lucy at the market . Then Lucy showed the map to", "Tom", "Lucy"),
    DemoPrompt("induction", "pear bell coin Sam lamp pear bell", "coin", "lamp"),
    DemoPrompt("induction", "red clock horse Anna tree red clock horse", "Anna", "tree"),
    DemoPrompt("agreement", "the keys to the cabinet", "are", "is"),
    DemoPrompt("agreement", "the key to the cabinets", "is", "are"),
    DemoPrompt("facts", "the capital of France is", "Paris", "Berlin"),
    DemoPrompt("facts", "people in Brazil speak", "Portuguese", "Spanish"),
    DemoPrompt("sums", "3 + 4 =", "7", "8"),
    DemoPrompt("sums", "6 plus 9 makes", "15", "14"),
)
"""The prompts that are offered with every bundled model."""
