"""Small networks of many architectures with random weights, and small tokenizers, as files on disk."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import tokenizers
import torch
import transformers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

CORPUS = ["the lemon is sour and I eat lemons", "the cat eats a fish", "我吃水果和鱼", "你看见一只猫", "我 和 我"] * 20
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
VOCABULARY = 400

SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 40,
}
GPT2_SIZES: dict[str, Any] = {"vocab_size": VOCABULARY, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 40}
GROUPED = SIZES | {"num_key_value_heads": 2}
NARROW = GROUPED | {"head_dim": 16, "sliding_window": 4}
SPECIAL = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}

ENCODERS: dict[str, tuple[str, dict[str, Any]]] = {
    "BertForMaskedLM": ("BertConfig", SIZES),
    "RobertaForMaskedLM": ("RobertaConfig", SIZES),
    "XLMRobertaForMaskedLM": ("XLMRobertaConfig", SIZES),
    "ElectraForMaskedLM": ("ElectraConfig", SIZES | {"embedding_size": 16}),
    "AlbertForMaskedLM": ("AlbertConfig", SIZES | {"embedding_size": 16}),
    "DistilBertForMaskedLM": (
        "DistilBertConfig",
        {"vocab_size": VOCABULARY, "dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 48}
        | {"max_position_embeddings": 40},
    ),
    "ModernBertForMaskedLM": (
        "ModernBertConfig",
        SIZES | SPECIAL | {"cls_token_id": 1, "sep_token_id": 2, "local_attention": 6},
    ),
}
DECODERS: dict[str, tuple[str, dict[str, Any]]] = {
    "GPT2LMHeadModel": ("GPT2Config", GPT2_SIZES),
    "LlamaForCausalLM": ("LlamaConfig", GROUPED),
    "MistralForCausalLM": ("MistralConfig", GROUPED | {"sliding_window": 4}),
    "MixtralForCausalLM": ("MixtralConfig", GROUPED | {"num_local_experts": 2}),
    "Qwen2ForCausalLM": ("Qwen2Config", GROUPED),
    "Qwen3ForCausalLM": ("Qwen3Config", GROUPED | {"head_dim": 16}),
    "GemmaForCausalLM": ("GemmaConfig", SIZES | {"num_key_value_heads": 1, "head_dim": 16}),
    "Gemma2ForCausalLM": ("Gemma2Config", NARROW | {"attn_logit_softcapping": 2.0}),
    "Gemma3ForCausalLM": ("Gemma3TextConfig", NARROW),
    "GPTNeoXForCausalLM": ("GPTNeoXConfig", SIZES),
    "PhiForCausalLM": ("PhiConfig", SIZES),
    "GraniteForCausalLM": ("GraniteConfig", GROUPED | {"residual_multiplier": 0.5}),
    "OPTForCausalLM": (
        "OPTConfig",
        {"vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "ffn_dim": 48}
        | {"max_position_embeddings": 40, "word_embed_proj_dim": 32},
    ),
}
NETWORKS = ENCODERS | DECODERS

SIDES: dict[str, Any] = {
    f"{side}_{name}": value
    for side in ("encoder", "decoder")
    for name, value in {"layers": 2, "attention_heads": 4, "ffn_dim": 48}.items()
}
SPECIAL_OF_BOTH: dict[str, Any] = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 2}
T5_SIZES: dict[str, Any] = {"vocab_size": VOCABULARY, "d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2}
ENCODER_DECODERS: dict[str, tuple[str, dict[str, Any]]] = {
    "T5ForConditionalGeneration": ("T5Config", T5_SIZES | {"num_heads": 4, "decoder_start_token_id": 0}),
    "BartForConditionalGeneration": (
        "BartConfig",
        SIDES | SPECIAL_OF_BOTH | {"vocab_size": VOCABULARY, "d_model": 32, "max_position_embeddings": 40},
    ),
    "MarianMTModel": (
        "MarianConfig",
        SIDES | SPECIAL_OF_BOTH | {"vocab_size": VOCABULARY, "d_model": 32, "max_position_embeddings": 40},
    ),
}


def network(name: str) -> Any:
    """A network by its class, ready to run; its weights are large enough for attention that is far from even."""
    config, sizes = NETWORKS[name]
    return filled(getattr(transformers, name)(getattr(transformers, config)(**(_special(name) | sizes))))


def encoder_decoder(name: str) -> Any:
    """One that reads one text and writes another, as `network`."""
    config, sizes = ENCODER_DECODERS[name]
    return filled(getattr(transformers, name)(getattr(transformers, config)(**sizes)))


def filled(built: Any) -> Any:
    generator = torch.Generator().manual_seed(0)
    for parameter in built.parameters():
        if parameter.dim() > 1:
            parameter.data.normal_(0, 0.3, generator=generator)
    return built.eval()


def _special(name: str) -> dict[str, Any]:
    # RoBERTa counts positions from its padding token on; the others have defaults outside the small vocabulary.
    return SPECIAL | ({"pad_token_id": 1, "bos_token_id": 0} if "Roberta" in name else {})


@cache
def word_pieces() -> transformers.PreTrainedTokenizerFast:
    """BERT's kind: Chinese characters by themselves, English in pieces."""
    backend = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))  # type: ignore[call-arg]
    backend.normalizer = normalizers.BertNormalizer()
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    backend.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=120, special_tokens=special))
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )


@cache
def byte_pairs() -> transformers.PreTrainedTokenizerFast:
    """GPT-2's and Qwen's kind: bytes, so that an unusual character is in several tokens."""
    backend = tokenizers.Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.post_processor = processors.ByteLevel(trim_offsets=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    backend.train_from_iterator(
        CORPUS,
        trainers.BpeTrainer(vocab_size=330, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet),
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<|endoftext|>", eos_token="<|endoftext|>"
    )


@cache
def trimmed_byte_pairs() -> transformers.PreTrainedTokenizerFast:
    """RoBERTa's kind: bytes, with spans that leave out the space before a word, and special tokens around."""
    backend = tokenizers.Tokenizer.from_str(byte_pairs().backend_tokenizer.to_str())
    backend.add_special_tokens(["<s>", "</s>"])
    start, end = (backend.token_to_id(token) for token in ("<s>", "</s>"))
    backend.post_processor = processors.RobertaProcessing(
        ("</s>", end), ("<s>", start), trim_offsets=True, add_prefix_space=False
    )
    return transformers.PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<s>", eos_token="</s>")


@cache
def sentence_pieces() -> transformers.PreTrainedTokenizerFast:
    """Llama's and Gemma's kind: spaces are ▁, and characters outside the vocabulary are bytes."""
    backend = tokenizers.Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    backend.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    special = ["<unk>", "<s>", "</s>", *BYTES]
    backend.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=360, special_tokens=special))
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend, unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    )


def tokenizer_of(name: str) -> transformers.PreTrainedTokenizerFast:
    return (
        word_pieces() if name in ENCODERS else byte_pairs() if name.startswith(("GPT", "Qwen")) else sentence_pieces()
    )


def saved(folder: Path, name: str) -> Path:
    """The network and its tokenizer as the library saves them."""
    network(name).save_pretrained(folder)
    tokenizer_of(name).save_pretrained(folder)
    return folder
