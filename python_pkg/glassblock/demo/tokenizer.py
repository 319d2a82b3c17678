"""A word-level tokenizer: one word, one token, so that what is on screen is what the model sees.

Words are separated by white space and looked up; there is nothing to train. ``<bos>`` is put
before every prompt, because attention heads that have nothing to do rest on the first token, and
the models were trained with one there. Text that leaves the language becomes ``<unk>``.
"""

from __future__ import annotations

from collections.abc import Sequence

from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

PAD, BOS, UNKNOWN = "<pad>", "<bos>", "<unk>"
PAD_ID, BOS_ID, UNKNOWN_ID = 0, 1, 2


def build_tokenizer(vocabulary: Sequence[str], max_length: int) -> PreTrainedTokenizerFast:
    """Build the tokenizer of a word list.

    Parameters
    ----------
    vocabulary
        The words, without the special tokens; their order gives the ids, from 3 on.
    max_length
        The longest text that the model takes, in tokens; the tokenizer warns beyond it.
    """
    ids = {word: index for index, word in enumerate((PAD, BOS, UNKNOWN, *vocabulary))}
    backend = Tokenizer(models.WordLevel(ids, unk_token=UNKNOWN))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.post_processor = processors.TemplateProcessing(single=f"{BOS} $A", special_tokens=[(BOS, BOS_ID)])
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]  # transformers leaves it so
        tokenizer_object=backend,
        bos_token=BOS,
        pad_token=PAD,
        unk_token=UNKNOWN,
        model_max_length=max_length,
        padding_side="right",
        clean_up_tokenization_spaces=False,
    )
