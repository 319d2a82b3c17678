"""What can be given to a model, by the names that arguments have, and what of it to give.

These names are conventions about inputs: if one misleads, the model refuses the input and another is tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

TOKENS = 7
"""Length of the traced text: a prime, so that it is no model's number of heads or channels."""
FRAMES = 200
"""Length of the sound that is given at first."""

TEXTS = ("input_ids", "tokens", "idx", "ids", "x", "input", "inputs")
IMAGES = (
    "pixel_values",
    "image_pixel_values",
    "image",
    "images",
    "pixels",
    "flattened_patches",
    "pixel_values_videos",
)
SOUNDS = ("input_features", "audio_input_features", "input_values", "audio_mel", "spectrogram")
GRIDS = ("image_grid_thw", "grid_thw", "video_grid_thw", "image_grid_hw")
BESIDE = {
    "image": (
        "image_grid_thw grid_thw image_grid_hw spatial_shapes aspect_ratio_ids aspect_ratio_mask"
        " target_sizes high_res_pixel_values image_position_ids pixel_position_ids"
        " mm_token_type_ids merge_sizes image_merge_sizes image_token_pooling image_grids"
    ).split(),
    "audio": "feature_attention_mask input_features_mask audio_mel_mask mm_token_type_ids".split(),
}
"""What is given along with images and with sound, where a model takes it."""
ALWAYS = ("decoder_input_ids", "bbox", "protein_input_ids", "protein_attention_mask")
PERHAPS = (
    "image_sizes pixel_attention_mask pixel_mask attention_mask lang_ids langs audio_feature_lengths"
    " chunk_sample_lengths input_ids_masks image_attention_mask cross_attention_mask image_embeds_position_mask"
).split()
"""What some models cannot do without although their signatures do not say so."""

HINTS: dict[str, tuple[torch.dtype, tuple[int | str, ...]]] = {
    "actions": (torch.float32, (1, "chunk_size|tokens", "act_dim|max_action_dim")),
    "aspect_ratio_ids": (torch.long, (1, 1)),
    "aspect_ratio_mask": (torch.long, (1, 1, "max_num_tiles")),
    "bbox": (torch.long, (1, "tokens", 4)),
    "decoder_input_values": (torch.float32, (1, "tokens", "num_mel_bins")),
    "encoder_hidden_states": (torch.float32, (1, "tokens", "encoder_hidden_size|hidden_size")),
    "freq": (torch.long, (1, 1)),
    "future_time_features": (torch.float32, (1, "prediction_length", "num_time_features")),
    "image_token_pooling": (torch.long, (1, 4)),
    "inputs_embeds": (torch.float32, (1, "tokens", "embedding_size|hidden_size|d_model|n_embd")),
    "past_time_features": (torch.float32, (1, "past", "num_time_features")),
    "past_values_padding": (torch.long, (1, "past")),
    "query_embeds": (torch.float32, (1, "tokens", "hidden_size")),
    "returns_to_go": (torch.float32, (1, "tokens", 1)),
    "rewards": (torch.float32, (1, "tokens", 1)),
    "state": (torch.float32, (1, "max_state_dim")),
    "task_inputs": (torch.long, (1, "task_seq_len")),
    "states": (torch.float32, (1, "tokens", "state_dim")),
    "timesteps": (torch.long, (1, "tokens")),
    "visual_feats": (torch.float32, (1, "tokens", "visual_feat_dim")),
    "visual_pos": (torch.float32, (1, "tokens", 4)),
    "xpath_subs_seq": (torch.long, (1, "tokens", "max_depth")),
    "xpath_tags_seq": (torch.long, (1, "tokens", "max_depth")),
}
"""Arguments whose shape follows from no layer: numbers, and attributes of a configuration (the first there is)."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Which arguments to give, and what was learnt about them.

    Attributes
    ----------
    names
        The arguments.
    shape
        Which of the possible shapes of an argument to take, where it has several.
    room
        How many places in the text stand for an image, or for sound.
    width
        What the last dimension of a picture laid flat, or of a frame of sound, has to be instead of what was thought.
    pieces
        How many pictures there are, where that is known.
    books
        How many codes there are at each place of the text, where there are several.
    laid
        How many patches a picture has where they are laid flat, if that is known.
    frames, step
        How long the sound is, and what its length has to be a multiple of.
    scale
        How much larger pictures have to be than was thought.
    checked
        Whether the model may check that what its towers return fits into the text. Some configurations are such
        that it never does.
    note
        What is left out.
    """

    names: tuple[str, ...]
    shape: Mapping[str, int] = field(default_factory=dict)
    room: Mapping[str, int] = field(default_factory=dict)
    width: Mapping[int, int] = field(default_factory=dict)
    pieces: int = 0
    books: int = 0
    laid: int = 0
    frames: int = FRAMES
    step: int = 1
    scale: float = 1
    checked: bool = True
    note: str = ""


def kinds_of(names: tuple[str, ...]) -> list[str]:
    """Return what arguments of these names give besides text: ``image``, ``audio``."""
    return [kind for kind, of in (("image", IMAGES), ("audio", SOUNDS)) if any(name in of for name in names)]
