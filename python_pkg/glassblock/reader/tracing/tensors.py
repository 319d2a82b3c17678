"""The tensors of a wish: whole numbers are as they have to be, others are zero."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from glassblock.reader.tracing.clues import Clues
from glassblock.reader.tracing.wishes import GRIDS, HINTS, IMAGES, SOUNDS, TEXTS, TOKENS, Wish, kinds_of

_SAMPLES = 8000
_FILLERS = {"image": ("image", "img", "vision", "im_"), "audio": ("audio", "sound", "speech")}
"""How the names of tokens begin that stand for a piece of an image, or of sound."""


class Maker:
    """Makes the tensors of a wish."""

    def __init__(self, clues: Clues, takes: Mapping[str, Any], wish: Wish) -> None:
        self._clues, self._takes, self._wish = clues, takes, wish
        self._kinds = kinds_of(wish.names)
        plain = clues.plain()[0] != "text"
        known = {*IMAGES, *SOUNDS, *HINTS, *TEXTS[:4]}
        self._unnamed = [name for name in wish.names if name not in known] if plain else []

    def anything(self) -> torch.Tensor:
        """Make what a model reads that says nothing of itself: what fits its first layer."""
        kind, channels = self._clues.plain()
        if kind == "pictures":
            return torch.zeros(1, channels, *self._clues.picture()[1:])
        return torch.zeros(1, TOKENS, channels) if kind == "vectors" else self.text()

    def tensor(self, name: str) -> torch.Tensor | None:
        """Make what is given for an argument; None if nothing is known about it."""
        if shapes := self.shapes(name):
            *rest, last = shapes[min(self._wish.shape.get(name, 0), len(shapes) - 1)]
            return torch.zeros((*rest, self._wish.width.get(last, last)))
        if name in HINTS:
            dtype, words = HINTS[name]
            return torch.zeros([self._length(word) for word in words], dtype=dtype)
        special: dict[str, Callable[[], torch.Tensor]] = {
            **dict.fromkeys(GRIDS[:3], self._grid),
            "image_grid_hw": lambda: self._grid()[:, 1:],
            "spatial_shapes": lambda: self._grid()[:, 1:],
            "target_sizes": lambda: self._grid()[:, 1:],
            "merge_sizes": lambda: torch.tensor([self._merge()]),
            "image_merge_sizes": lambda: torch.tensor([self._merge()]),
            "image_sizes": lambda: torch.tensor([self._clues.picture()[1:]]),
            "mm_token_type_ids": self._types,
            **dict.fromkeys(("pixel_attention_mask", "pixel_mask"), self._picture_mask),
            **dict.fromkeys(("image_position_ids", "pixel_position_ids"), self._places),
            "image_attention_mask": lambda: torch.ones((1, self.text().shape[1], 1), dtype=torch.long),
            "image_grids": lambda: torch.tensor([[1, 1, 0, 0]]),
            "chunk_sample_lengths": lambda: torch.tensor([self._wish.frames * self._clues.number("hop_length", 160)]),
            "past_observed_mask": lambda: torch.ones(self.shapes("past_values")[0]),
        }
        if name in special:
            return special[name]()
        if name in self._unnamed:
            return self.anything()
        if name in TEXTS or name.endswith(("_ids", "_id")):
            ids = self.text() if name in TEXTS else self._plain(TOKENS)
            several = self._wish.books and (name == "decoder_input_ids" or "decoder_input_ids" not in self._takes)
            return ids[..., None].expand(-1, -1, self._wish.books) if several else ids
        if name.endswith("mask"):
            sound = any(word in name for word in ("feature", "audio", "mel"))
            length = self._wish.frames if sound else self.text().shape[1]
            return torch.ones((1, self._wish.width.get(length, length)), dtype=torch.bool)
        return None

    def text(self) -> torch.Tensor:
        """Token ids: some words, and room for each image and sound."""
        pieces: list[int] = []
        for kind in self._kinds:
            filler = self._clues.filler(_FILLERS[kind])
            if filler is not None:
                opening = self._clues.opening(_FILLERS[kind])
                pieces += [*([opening] if opening is not None else []), *[filler] * self.room(kind)]
        length = next(n for n in range(len(pieces) + TOKENS, 1 << 30) if _is_prime(n))
        words = self._plain(length - len(pieces))[0].tolist()
        return torch.tensor([[words[0], *pieces, *words[1:]]])

    def _plain(self, length: int) -> torch.Tensor:
        """Token ids that mean nothing in particular."""
        special = self._clues.special()
        words = [n for n in range(1, 64 + len(special)) if n not in special][:31]
        return torch.tensor([[words[n % len(words)] for n in range(length)]])

    def _picture_mask(self) -> torch.Tensor:
        """Which parts of the pictures are pictures, or which pictures are some: all."""
        name = next((name for name in self._wish.names if name in IMAGES), "pixel_values")
        shapes = self.shapes(name)
        shape = shapes[min(self._wish.shape.get(name, 0), len(shapes) - 1)]
        if self._wish.shape.get("pixel_attention_mask"):
            return torch.ones(shape[:-3], dtype=torch.bool)
        return torch.ones(shape[:-1] if len(shape) < 4 else (*shape[:-3], *shape[-2:]), dtype=torch.bool)

    def _places(self) -> torch.Tensor:
        """Column and row of each patch."""
        _, rows, columns = self._grid()[0].tolist()
        return torch.cartesian_prod(torch.arange(rows), torch.arange(columns)).flip(1)[None]

    def _types(self) -> torch.Tensor:
        text = self.text()
        types = torch.zeros_like(text)
        for number, kind in ((1, "image"), (3, "audio")):
            filler = self._clues.filler(_FILLERS[kind]) if kind in self._kinds else None
            types[text == filler] = number
        return types

    def room(self, kind: str) -> int:
        """Return how many places of the text stand for an image, or for sound."""
        if kind in self._wish.room:
            return self._wish.room[kind]
        if kind == "audio":
            return 50
        if any(name in self._takes for name in GRIDS):
            return int(self._grid().prod()) // self._merge() ** 2
        _, height, width = self._clues.picture()
        pieces = (height // self._clues.side()) * (width // self._clues.side())
        return self._clues.number("mm_tokens_per_image|num_image_tokens|image_token_num", pieces)

    def _merge(self) -> int:
        return self._clues.number("spatial_merge_size|merge_size|merge_kernel_size|pooling_kernel_size", 2)

    def _grid(self) -> torch.Tensor:
        """One picture, two by three of the pieces that the text sees; more where those may be merged once more."""
        rows, columns = (4, 8) if "target_sizes" in self._takes else (2, 3)
        return torch.tensor([[1, rows * self._merge(), columns * self._merge()]])

    def _length(self, word: int | str) -> int:
        if isinstance(word, int):
            return word
        if word.endswith("tokens"):
            return self._clues.number(word, int(self.text().shape[1]))
        return self.shapes("past_values")[0][1] if word == "past" else self._clues.number(word, TOKENS)

    def shapes(self, name: str) -> list[tuple[int, ...]]:
        """Return the shapes that an argument with numbers of any kind may have, the likeliest first."""
        if name in IMAGES or name in ("high_res_pixel_values", "prompt_pixel_values", "prompt_masks"):
            return self._pictures(name)
        if name == "hidden_states" and any(grid in self._takes for grid in GRIDS):
            return [(int(self._grid().prod()), self._clues.patch())]
        if name in SOUNDS:
            return self._sounds(name)
        if name in ("past_values", "observed_mask"):
            past = self._clues.number("context_length", 64) + max(self._clues.stated("lags_sequence") or [0])
            width = self._clues.number("num_input_channels|input_size")
            channels = self._clues.stated("num_input_channels") is not None
            return [(1, past, width), (1, past)] if channels or width > 1 else [(1, past), (1, past, 1)]
        if name == "future_values":
            return [(1, self._clues.number("prediction_length"))]
        return []

    def _pictures(self, name: str) -> list[tuple[int, ...]]:
        channels, height, width = self._clues.picture()
        scale = self._wish.scale if name in IMAGES else 1
        height, width = round(height * scale), round(width * scale)
        one = (channels, height, width)
        frames = self._wish.pieces or self._clues.number("num_frames|frames_per_clip")
        laid, side = self._wish.laid or int(self._grid().prod()), self._clues.side()
        flat, rows = (laid, self._clues.patch()), (1, laid, self._clues.patch())
        alone, several, tiles = (1, *one), (1, frames, *one), (1, 1, self._clues.number("max_num_tiles"), *one)
        if name == "flattened_patches":
            return [(1, laid, 2 + self._clues.patch())]
        if any(grid in self._takes for grid in GRIDS):
            patches, merged = (laid, channels, side, side), side * self._merge()
            return [flat, patches, (1, *patches), rows, alone, several, (laid, merged, merged, channels)]
        if {"spatial_shapes", "pixel_position_ids", "image_position_ids"} & set(self._takes):
            return [rows, flat, alone]
        if self._wish.pieces:
            return [several]
        if "target_sizes" in self._takes:  # the patches of all pictures in a row
            return [(1, channels, side, side * laid), alone, several]
        if name == "pixel_values_videos" or frames > 1 or self._clues.deep():
            return [several, alone]
        larger = (channels, 4 * height, 4 * width)  # what is merged or scaled down may need more pixels than stated
        piece = (1, self._clues.number("temporal_patch_size"), side, side, channels)
        return [alone, several, tiles, rows, piece, (1, *larger), (1, frames, *larger)]

    def _sounds(self, name: str) -> list[tuple[int, ...]]:
        width, first = self._clues.sound()
        step = self._wish.step
        frames, samples = -(-self._wish.frames // step) * step, -(-_SAMPLES // step) * step
        before, after = (1, width, frames), (1, frames, width)
        mel: list[tuple[int, ...]] = [before, after] if first else [after, before]
        if name != "input_values":
            return mel
        long = self._clues.number("max_length", frames)
        waves = [(1, samples), (1, self._clues.number("audio_channels"), samples)]
        return [*waves, (1, long, width), *mel]


def _is_prime(n: int) -> bool:
    return n > 1 and all(n % d for d in range(2, int(n**0.5) + 1))
