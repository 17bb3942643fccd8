"""Sentence pairs → tokenizer, token ids and the bilingual start."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import tokenizers
import torch
from tokenizers import models, normalizers, pre_tokenizers, trainers
from torch import Tensor

from attention_core.models.tokenization import SPECIAL_TOKENS, Tokenizer, simplified

EVERYDAY = ("tatoeba.tsv.gz", "captions_3am.tsv.gz")
DOCUMENTATION = "python_docs.tsv.gz"
CORPORA = (*EVERYDAY, DOCUMENTATION)
HELD_OUT = 500  # everyday pairs kept back for the masked-token scores
LONGEST = 96  # tokens of a pair; longer ones are rare here and slow a batch down


@dataclass(frozen=True)
class Pair:
    """One translated pair as token ids without special tokens. everyday: not from documentation."""

    english: Tensor
    chinese: Tensor
    everyday: bool = True

    def __len__(self) -> int:
        return len(self.english) + len(self.chinese) + 3


@dataclass(frozen=True)
class Sentences:
    """One translated pair as text: English, simplified Chinese, and whether it is everyday language."""

    english: str
    chinese: str
    everyday: bool = True


def read_pairs(folder: Path) -> list[Sentences]:
    """Distinct pairs of all corpora, in a fixed order; of the documentation only `is_prose`."""
    pairs: dict[Sentences, None] = {}
    for corpus in CORPORA:
        with gzip.open(folder / "text" / corpus, "rt", encoding="utf-8") as stream:
            for line in stream:
                english, chinese = (side.strip() for side in line.rstrip("\n").split("\t")[:2])
                if corpus in EVERYDAY or is_prose(english, chinese):
                    pairs[Sentences(english, simplified(chinese), corpus in EVERYDAY)] = None
    return list(pairs)


def is_prose(english: str, chinese: str) -> bool:
    """Whether a pair from documentation is a sentence of 6 to 30 words without code, digits or signs of markup."""
    ordinary = re.fullmatch(r"[A-Za-z ,.'’;-]+:*", english)
    code = re.search(r"\w\.\w|[a-z][A-Z]|--", english)
    left_in_english = len(re.findall("[A-Za-z]+", chinese))
    return bool(ordinary) and not code and left_in_english <= 2 and 6 <= len(english.split()) <= 30


def train_tokenizer(pairs: list[Sentences], size: int) -> tokenizers.Tokenizer:
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
    backend.train_from_iterator((sentence for pair in pairs for sentence in (pair.english, pair.chinese)), trainer)
    return backend


def encode_pairs(pairs: list[Sentences], tokenizer: Tokenizer) -> list[Pair]:
    """The pairs as ids; those over `LONGEST` tokens or with an empty side are left out."""
    encoded = []
    for pair in pairs:
        english, chinese = (
            torch.tensor([token.id for token in tokenizer.pieces(side)], dtype=torch.int32)
            for side in (pair.english, pair.chinese)
        )
        ids = Pair(english, chinese, pair.everyday)
        if len(english) and len(chinese) and len(ids) <= LONGEST:
            encoded.append(ids)
    return encoded


def split(pairs: list[Pair]) -> tuple[list[Pair], list[Pair]]:
    """Training pairs and `HELD_OUT` everyday ones, drawn with a seed of their own, the same in every run."""
    everyday = [i for i, pair in enumerate(pairs) if pair.everyday]
    order = torch.randperm(len(everyday), generator=torch.Generator().manual_seed(20)).tolist()
    held_out = [everyday[i] for i in order[:HELD_OUT]]
    kept_back = set(held_out)
    return [pair for i, pair in enumerate(pairs) if i not in kept_back], [pairs[i] for i in held_out]


def spread(pairs: list[Pair], share: float) -> list[Pair]:
    """A share of the pairs, evenly spread over them."""
    return [pair for i, pair in enumerate(pairs) if int((i + 1) * share) > int(i * share)]


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
