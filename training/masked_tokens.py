"""Masked-token scores on held-out pairs, and what each head does on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from attention_core.models.text import TextModel
from training.encoding import encode_ids, run_blocks
from training.shares import Scores, clustered, rounded
from training.text_data import Pair

MASKED, SEED, BATCH = 0.15, 20, 50
LANGUAGES = ("en", "zh")
STATISTICS = ("entropy", "entropy_share", "distance", "special", "previous", "next", "same")


def sides(pair: Pair, language: str) -> tuple[Tensor, Tensor]:
    """(the side in `language`, the other side)."""
    return (pair.english, pair.chinese) if language == "en" else (pair.chinese, pair.english)


def chosen_positions(length: int, number: int, language: str) -> Tensor:
    """Which tokens of a sentence are hidden, bool (length,): 15% and at least one, the same in every evaluation."""
    generator = torch.Generator().manual_seed(SEED * 1_000_003 + 2 * number + LANGUAGES.index(language))
    draw = torch.rand(length, generator=generator)
    return (draw < MASKED) | (draw == draw.min())


def _batches(
    model: TextModel, pairs: Sequence[Pair], language: str, translated: bool
) -> Iterator[tuple[list[int], list[tuple[Tensor, Tensor | None]], Tensor, Tensor]]:
    """(pair numbers, sentences with [MASK] put in, hidden bool (B, T), their ids (B, T)); English comes first."""
    order = sorted(range(len(pairs)), key=lambda i: len(pairs[i]))
    for at in range(0, len(order), BATCH):
        numbers = order[at : at + BATCH]
        sentences: list[tuple[Tensor, Tensor | None]] = []
        hidden, targets = [], []
        for number in numbers:
            side, other = sides(pairs[number], language)
            chosen = chosen_positions(len(side), number, language)
            shown = torch.where(chosen, model.tokenizer.mask, side)
            before = 1 + (len(other) + 1 if translated and language == "zh" else 0)
            hidden.append(F.pad(chosen, (before, 0)))
            targets.append(F.pad(side.long(), (before, 0)))
            if not translated:
                sentences.append((shown, None))
            else:
                sentences.append((shown, other) if language == "en" else (other, shown))
        pad = torch.nn.utils.rnn.pad_sequence
        yield numbers, sentences, pad(hidden, batch_first=True), pad(targets, batch_first=True)


def answers(
    model: TextModel,
    pairs: Sequence[Pair],
    language: str,
    translated: bool,
    head_gates: Sequence[Tensor | None] | None = None,
) -> tuple[list[int], Tensor, Tensor]:
    """For every hidden token: its pair's number, its rank (0 = guessed first), its loss in nats."""
    owners: list[int] = []
    ranks, losses = [], []
    for numbers, sentences, hidden, targets in _batches(model, pairs, language, translated):
        final, _ = run_blocks(model, encode_ids(model, sentences), head_gates)
        where = F.pad(hidden, (0, final.shape[1] - hidden.shape[1]))
        right = targets[hidden]
        with torch.inference_mode():
            logits = model.unembed(final[where.to(final.device)]).float().cpu()
        own = logits.gather(1, right[:, None])
        ranks.append((logits > own).sum(dim=1))
        losses.append(F.cross_entropy(logits, right, reduction="none"))
        owners += [numbers[row] for row in hidden.nonzero()[:, 0].tolist()]
    return owners, torch.cat(ranks), torch.cat(losses)


def masked_token_scores(model: TextModel, held_out: Sequence[Pair], training: Sequence[Pair]) -> Scores:
    """Top-1, top-5 and loss, alone and with the translation visible, by language and together; the unigram baseline.

    The baseline names the most frequent training tokens of the language. `unseen_pairs` are held-out pairs of which
    neither sentence occurs in a training pair (Tatoeba has several translations of many sentences).
    """
    seen = [{tuple(sides(pair, language)[0].tolist()) for pair in training} for language in LANGUAGES]
    unseen = {
        number
        for number, pair in enumerate(held_out)
        if not any(tuple(sides(pair, language)[0].tolist()) in seen[i] for i, language in enumerate(LANGUAGES))
    }
    scores: Scores = {"pairs": len(held_out), "unseen_pairs": len(unseen), "share_masked": MASKED}
    for name, translated in (("alone", False), ("with_translation", True)):
        parts = {language: answers(model, held_out, language, translated) for language in LANGUAGES}
        owners = [owner for language in LANGUAGES for owner in parts[language][0]]
        ranks = torch.cat([parts[language][1] for language in LANGUAGES])
        losses = torch.cat([parts[language][2] for language in LANGUAGES])
        scores[name] = _summary(owners, ranks, losses)
        fresh = torch.tensor([owner in unseen for owner in owners])
        scores[name]["unseen_pairs"] = _summary(
            [owner for owner in owners if owner in unseen], ranks[fresh], losses[fresh]
        )
        for language in LANGUAGES:
            scores[name][language] = _summary(*parts[language])
    owners, unigram = list[int](), list[int]()
    for language in LANGUAGES:
        frequent = Counter(token for pair in training for token in sides(pair, language)[0].tolist())
        place = {token: rank for rank, (token, _) in enumerate(frequent.most_common(5))}
        for number, pair in enumerate(held_out):
            side = sides(pair, language)[0]
            for token in side[chosen_positions(len(side), number, language)].tolist():
                owners.append(number)
                unigram.append(place.get(token, 5))
    scores["unigram"] = _summary(owners, torch.tensor(unigram), None)
    return scores


def _summary(owners: Sequence[int], ranks: Tensor, losses: Tensor | None) -> Scores:
    result: Scores = {}
    for name, limit in (("top1", 1), ("top5", 5)):
        hits, counts = Counter[int](), Counter[int]()
        for owner, rank in zip(owners, ranks.tolist(), strict=True):
            hits[owner] += rank < limit
            counts[owner] += 1
        result[name] = clustered([float(hits[o]) for o in counts], [counts[o] for o in counts])
    if losses is not None and len(losses):
        result["loss"] = round(losses.mean().item(), 5)
    return result


def head_scores(model: TextModel, held_out: Sequence[Pair], switch_off: bool = True) -> list[list[Scores]]:
    """What each head does on the held-out sentences, [layer][head]; means over ordinary (not special) tokens.

    entropy (nats) and entropy_share (of ln T, an even spread); distance (mean |i − j| in tokens, special ones left
    out of the mean); special, previous, next, same: share of the weight on [CLS] and [SEP], on the neighbours, on the
    token itself; other_language: share on the other sentence when a pair is read. loss_increase: what switching the
    head off adds to the masked-token loss with the translation visible, in nats.
    """
    sums = [torch.zeros(len(STATISTICS) + 1, heads, dtype=torch.float64) for heads in model.config.heads]
    tokens = 0
    for language in LANGUAGES:
        order = sorted((sides(pair, language)[0] for pair in held_out), key=len)
        for at in range(0, len(order), BATCH):
            encoded = encode_ids(model, [(side, None) for side in order[at : at + BATCH]])
            ordinary = _ordinary(model, encoded.ids)
            tokens += int(ordinary.sum())
            for total, weights in zip(sums, run_blocks(model, encoded)[1], strict=True):
                total[:-1] += _statistics(weights.cpu().double(), ordinary, encoded.real)
    pair_tokens = 0
    by_length = sorted(held_out, key=len)
    for at in range(0, len(by_length), BATCH):
        encoded = encode_ids(model, [(pair.english, pair.chinese) for pair in by_length[at : at + BATCH]])
        ordinary = _ordinary(model, encoded.ids)
        pair_tokens += int(ordinary.sum())
        across = encoded.segments[:, :, None] != encoded.segments[:, None, :]
        across &= ordinary[:, :, None] & ordinary[:, None, :]
        for total, weights in zip(sums, run_blocks(model, encoded)[1], strict=True):
            total[-1] += (weights.cpu() * across[:, None]).sum(dim=(0, 2, 3))
    means = [torch.cat([total[:-1] / tokens, total[-1:] / pair_tokens]) for total in sums]
    scores: list[list[Scores]] = [
        [
            dict(zip((*STATISTICS, "other_language"), layer[:, head].tolist(), strict=True))
            for head in range(layer.shape[1])
        ]
        for layer in means
    ]
    if switch_off:
        whole = _pair_loss(model, held_out, None)
        for layer, heads in enumerate(model.config.heads):
            for head in range(heads):
                gates: list[Tensor | None] = [None] * len(model.config.heads)
                gates[layer] = torch.ones(heads).index_fill(0, torch.tensor([head]), 0.0)
                scores[layer][head]["loss_increase"] = _pair_loss(model, held_out, gates) - whole
    tidy: list[list[Scores]] = rounded(scores)
    return tidy


def even_head_scores(model: TextModel, held_out: Sequence[Pair]) -> Scores:
    """`head_scores` of a head that spreads its attention evenly: what each share is to be compared with."""
    total, tokens = torch.zeros(len(STATISTICS), dtype=torch.float64), 0
    for language in LANGUAGES:
        for pair in held_out:
            encoded = encode_ids(model, [(sides(pair, language)[0], None)])
            T = encoded.ids.shape[1]
            ordinary = _ordinary(model, encoded.ids)
            tokens += int(ordinary.sum())
            even = torch.full((1, 1, T, T), 1 / T, dtype=torch.float64)
            total += _statistics(even, ordinary, encoded.real)[:, 0]
    tidy: Scores = rounded(dict(zip(STATISTICS, (total / tokens).tolist(), strict=True)))
    return tidy


def _pair_loss(model: TextModel, held_out: Sequence[Pair], gates: Sequence[Tensor | None] | None) -> float:
    losses = [answers(model, held_out, language, True, gates)[2] for language in LANGUAGES]
    return torch.cat(losses).mean().item()


def _ordinary(model: TextModel, ids: Tensor) -> Tensor:
    tokenizer = model.tokenizer
    return (ids != tokenizer.padding) & (ids != tokenizer.start) & (ids != tokenizer.separator)


def _statistics(weights: Tensor, ordinary: Tensor, real: Tensor) -> Tensor:
    """weights (B, H, T, T), ordinary, real bool (B, T) → sums over ordinary tokens, (7, H), as STATISTICS."""
    T = weights.shape[-1]
    rows = ordinary[:, None, :].double()  # (B, 1, T)
    entropy = -(weights * weights.clamp_min(1e-30).log()).sum(dim=-1)  # (B, H, T)
    even = real.sum(dim=1).clamp_min(2).double().log()[:, None, None]
    among = weights * ordinary[:, None, None, :]  # (B, H, T, T) what ordinary tokens get
    apart = (torch.arange(T)[:, None] - torch.arange(T)[None]).abs()
    distance = (among * apart).sum(dim=-1) / among.sum(dim=-1).clamp_min(1e-30)
    special = 1 - among.sum(dim=-1)
    previous = F.pad(among.diagonal(-1, dim1=-2, dim2=-1), (1, 0))
    following = F.pad(among.diagonal(1, dim1=-2, dim2=-1), (0, 1))
    same = weights.diagonal(dim1=-2, dim2=-1)
    columns = (entropy, entropy / even, distance, special, previous, following, same)
    return torch.stack([(column * rows).sum(dim=(0, 2)) for column in columns])
