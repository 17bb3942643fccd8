"""Sentence pairs → tokenizer, token ids and the bilingual start."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import tokenizers
import torch
from tokenizers import models, normalizers, pre_tokenizers, trainers
from torch import Tensor

from attention_core.models.tokenization import SPECIAL_TOKENS, Tokenizer, simplified

CORPORA = ("tatoeba.tsv.gz", "captions_3am.tsv.gz")
HELD_OUT = 500  # pairs kept back for the masked-token scores
LONGEST = 96  # tokens of a pair; longer ones are rare here and slow a batch down


@dataclass(frozen=True)
class Pair:
    """One translated pair as token ids without special tokens."""

    english: Tensor
    chinese: Tensor

    def __len__(self) -> int:
        return len(self.english) + len(self.chinese) + 3


def read_pairs(folder: Path) -> list[tuple[str, str]]:
    """Distinct (English, simplified Chinese) pairs of all corpora, in a fixed order."""
    pairs: dict[tuple[str, str], None] = {}
    for corpus in CORPORA:
        with gzip.open(folder / "text" / corpus, "rt", encoding="utf-8") as stream:
            for line in stream:
                english, chinese = line.rstrip("\n").split("\t")[:2]
                pairs[english.strip(), simplified(chinese.strip())] = None
    return list(pairs)


def train_tokenizer(pairs: list[tuple[str, str]], size: int) -> tokenizers.Tokenizer:
    """WordPiece over lower-cased, NFKC-normalised text; each Chinese character stands alone."""
    backend = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))
    backend.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.BertNormalizer(handle_chinese_chars=True, lowercase=True)]
    )
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=size,
        min_frequency=2,
        special_tokens=list(SPECIAL_TOKENS),
        continuing_subword_prefix="##",
        show_progress=False,
    )
    backend.train_from_iterator((sentence for pair in pairs for sentence in pair), trainer)
    return backend


def encode_pairs(pairs: list[tuple[str, str]], tokenizer: Tokenizer) -> list[Pair]:
    """The pairs as ids; those over `LONGEST` tokens or with an empty side are left out."""
    encoded = []
    for english, chinese in pairs:
        sides = [torch.tensor([t.id for t in tokenizer.pieces(side)], dtype=torch.int32) for side in (english, chinese)]
        pair = Pair(*sides)
        if min(len(side) for side in sides) and len(pair) <= LONGEST:
            encoded.append(pair)
    return encoded


def split(pairs: list[Pair]) -> tuple[list[Pair], list[Pair]]:
    """Training pairs and `HELD_OUT` others, drawn with a seed of their own, the same in every run."""
    order = torch.randperm(len(pairs), generator=torch.Generator().manual_seed(20)).tolist()
    return [pairs[i] for i in order[HELD_OUT:]], [pairs[i] for i in order[:HELD_OUT]]


def bilingual_start(pairs: list[Pair], vocabulary: int, width: int, seed: int) -> Tensor:
    """Token vectors (V, D) from the idf-weighted token × pair matrix by truncated SVD.

    Tokens that occur in the same pairs come out alike, whichever language they are of: latent semantic analysis
    (Deerwester et al. 1990) across languages (Dumais et al. 1997). Columns are sorted by singular value.
    """
    occurs = Counter(index for pair in pairs for index in set(pair.english.tolist() + pair.chinese.tolist()))
    idf = torch.zeros(vocabulary)
    for index, count in occurs.items():
        idf[index] = torch.log(torch.tensor(len(pairs) / count))
    rows, columns = [], []
    for column, pair in enumerate(pairs):
        ids = set(pair.english.tolist() + pair.chinese.tolist())
        rows += list(ids)
        columns += [column] * len(ids)
    row_index = torch.tensor(rows)
    matrix = torch.sparse_coo_tensor(
        torch.stack([row_index, torch.tensor(columns)]),
        idf[row_index],
        (vocabulary, len(pairs)),
        check_invariants=True,
    ).coalesce()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        left, singular, _ = torch.svd_lowrank(matrix, q=width + 32, niter=3)
    vectors = (left * singular.sqrt())[:, :width]
    norms = vectors.norm(dim=1, keepdim=True)
    return torch.where(norms > 0, vectors / norms.clamp_min(1e-9), vectors)


def batches(pairs: list[Pair], tokens: int, seed: int) -> Iterator[list[Pair]]:
    """Endless batches of about `tokens` tokens of similar length, shuffled anew each epoch."""
    epoch = 0
    while True:
        generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
        jitter = torch.rand(len(pairs), generator=generator).tolist()
        order = sorted(range(len(pairs)), key=lambda i: len(pairs[i]) + 4 * jitter[i])
        groups, group = [], list[Pair]()
        for index in order:
            group.append(pairs[index])
            if len(group) * len(pairs[index]) >= tokens:
                groups.append(group)
                group = []
        if group:
            groups.append(group)
        for index in torch.randperm(len(groups), generator=generator).tolist():
            yield groups[index]
        epoch += 1
