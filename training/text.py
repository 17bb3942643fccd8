"""Trains the bilingual encoder: `python -m training.text --data … --run runs/text --minutes 40`.

Masked tokens in single sentences and in translated pairs; in half of the pairs one side is left whole and half of
the other is masked, so that what is missing can only be had from the translation.
"""

from __future__ import annotations

import argparse
import itertools
import time
from dataclasses import asdict
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from attention_core.models.text import TextConfig, TextModel
from attention_core.models.tokenization import Tokenizer
from training import run_folder, text_data, text_start
from training.text_data import Pair

PEAK_RATE, WARMUP, WEIGHT_DECAY = 1e-3, 100, 0.05


class Batch:
    """Padded ids, positions, segments (B, T), which are real, and which the network has to guess."""

    def __init__(self, pairs: list[Pair], tokenizer: Tokenizer, positions: int, generator: torch.Generator) -> None:
        kind = torch.rand(1, generator=generator).item()
        sequences, segments, chances = [], [], []
        for pair in pairs:
            first, second = pair.english.long(), pair.chinese.long()
            if torch.rand(1, generator=generator).item() < 0.5:
                first, second = second, first
            if kind < 0.35:  # both as sentences of their own
                for side in (first, second):
                    sequences.append(_framed(tokenizer, side))
                    segments.append(torch.zeros(len(side) + 2, dtype=torch.long))
                    chances.append(torch.full((len(side) + 2,), 0.2))
                continue
            sequences.append(torch.cat([_framed(tokenizer, first), second, torch.tensor([tokenizer.separator])]))
            segments.append(torch.cat([torch.zeros(len(first) + 2), torch.ones(len(second) + 1)]).long())
            left, right = (0.15, 0.15) if kind < 0.5 else (0.5, 0.0) if kind < 0.75 else (0.0, 0.5)
            chances.append(torch.cat([torch.full((len(first) + 2,), left), torch.full((len(second) + 1,), right)]))
        pad = torch.nn.utils.rnn.pad_sequence
        self.target = pad(sequences, batch_first=True, padding_value=tokenizer.padding)  # (B, T)
        self.segments = pad(segments, batch_first=True)  # (B, T)
        self.real = self.target != tokenizer.padding  # (B, T)
        self.positions = self._positions(positions, generator)  # (B, T)
        ordinary = self.real & (self.target != tokenizer.start) & (self.target != tokenizer.separator)
        draw = torch.rand(self.target.shape, generator=generator)
        self.guess = ordinary & (draw < pad(chances, batch_first=True))  # (B, T)
        # One in ten is left as it is, so that the network also learns to speak at tokens that it can see.
        shown = torch.rand(self.target.shape, generator=generator) < 0.1
        self.ids = torch.where(self.guess & ~shown, tokenizer.mask, self.target)  # (B, T)

    def _positions(self, limit: int, generator: torch.Generator) -> Tensor:
        """Counted anew in each segment, in half of the sentences from a random start, so that late ones are trained."""
        B, T = self.target.shape
        second_starts = ((self.segments == 0) & self.real).sum(dim=1, keepdim=True)  # (B, 1)
        positions = torch.arange(T)[None] - self.segments * second_starts
        offset = torch.randint(0, max(limit - T, 1), (B, 1), generator=generator)
        moved = torch.rand((B, 1), generator=generator) < 0.5
        return (positions + offset * moved).clamp(0, limit - 1)

    def to(self, device: str) -> Batch:
        """Moves all tensors to `device`."""
        for name, tensor in vars(self).items():
            setattr(self, name, tensor.to(device))
        return self


def _framed(tokenizer: Tokenizer, ids: Tensor) -> Tensor:
    return torch.cat([torch.tensor([tokenizer.start]), ids, torch.tensor([tokenizer.separator])])


def masked_loss(model: TextModel, batch: Batch) -> Tensor:
    """Cross-entropy at the guessed positions only: the rest of the logits is never computed."""
    hidden = model.hidden(batch.ids, batch.positions, batch.segments, batch.real[:, None, None, :])
    return F.cross_entropy(model.unembed(hidden[batch.guess]), batch.target[batch.guess])


def prepared(data: Path, folder: Path, size: int) -> tuple[Tokenizer, list[Pair]]:
    """Tokenizer and encoded pairs, made once a run folder (so that a second machine needs no OpenCC)."""
    tokens, saved = folder / "tokenizer.json", folder / "pairs.pt"
    if not saved.exists():
        pairs = text_data.read_pairs(data)
        text_data.train_tokenizer(pairs, size).save(str(tokens))
        encoded = text_data.encode_pairs(pairs, Tokenizer.from_file(tokens))
        torch.save([(pair.english, pair.chinese, pair.everyday) for pair in encoded], saved)
    return Tokenizer.from_file(tokens), [Pair(*fields) for fields in torch.load(saved, weights_only=True)]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m training.text", description=__doc__)
    run_folder.common_arguments(parser)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--batch-tokens", type=int, default=2500)
    parser.add_argument("--vocabulary", type=int, default=8000)
    parser.add_argument("--heads", type=int, nargs="+", default=[2, 4, 8, 8], help="heads of each layer")
    parser.add_argument("--embedding-scale", type=float, help="factor on the embeddings instead of √width")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    run = run_folder.RunFolder(options.run)
    needed = [f"text/{name}" for name in text_data.CORPORA]
    ready = (options.run / "pairs.pt").exists()
    data = Path() if ready else run_folder.data_folder(options.data, needed)
    tokenizer, pairs = prepared(data, options.run, options.vocabulary)
    training, _ = text_data.split(pairs)

    torch.manual_seed(options.seed)
    heads = tuple(options.heads)
    config = TextConfig(len(tokenizer.vocabulary), heads=heads, embedding_scale=options.embedding_scale)
    model = TextModel(config, tokenizer)
    state = run.load()
    if state is None:
        width = text_start.token_width(model.config)
        vectors = text_data.bilingual_start(training, len(tokenizer.vocabulary), width, options.seed)
        text_start.start(model, vectors, options.seed)
    model.to(options.device)
    optimiser = torch.optim.AdamW(run_folder.parameter_groups(model, WEIGHT_DECAY), lr=PEAK_RATE, betas=(0.9, 0.98))
    step, steps, minutes, mean = 0, options.steps, 0.0, None
    if state is not None:
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        step, steps, minutes, mean = state["step"], state["steps"], state["minutes"], state["loss"]

    stream = itertools.islice(text_data.batches(training, options.batch_tokens, options.seed), step, None)
    began = time.monotonic() - 60 * minutes
    bar = tqdm(total=steps, initial=step, mininterval=5)
    model.train()
    while step < steps:
        generator = torch.Generator().manual_seed(options.seed * 7_919 + step)
        batch = Batch(next(stream), tokenizer, model.config.positions, generator).to(options.device)
        for group in optimiser.param_groups:
            group["lr"] = run_folder.learning_rate(step, steps, PEAK_RATE, WARMUP)
        # bfloat16 pays on a GPU only: on the processors tried, float32 trained a quarter faster.
        with torch.autocast(options.device, torch.bfloat16, enabled=options.device != "cpu"):
            loss = masked_loss(model, batch)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        step += 1
        mean = loss.item() if mean is None else 0.98 * mean + 0.02 * loss.item()
        minutes = (time.monotonic() - began) / 60
        if step == 50 and options.minutes and state is None:
            # The speed is known now: set the length, so that the schedule ends when the time does.
            steps = bar.total = max(int(50 * options.minutes / minutes), 200)
        bar.update()
        bar.set_postfix(loss=f"{mean:.3f}")
        if step % 50 == 0:
            run.log({"step": step, "minutes": minutes, "loss": mean, "rate": optimiser.param_groups[0]["lr"]})
        if run.due() or step == steps:
            run.save(
                {
                    "config": asdict(model.config),
                    "model": model.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "step": step,
                    "steps": steps,
                    "minutes": minutes,
                    "loss": mean,
                }
            )
    bar.close()
    tokenizer_file = run_folder.ASSETS / "text" / "tokenizer.json"
    tokenizer_file.parent.mkdir(parents=True, exist_ok=True)
    tokenizer_file.write_bytes((options.run / "tokenizer.json").read_bytes())
    run_folder.ship(
        model.state_dict(),
        run_folder.ASSETS / "text" / "bilingual.safetensors",
        {
            "config": asdict(model.config),
            "tokenizer": {"file": "tokenizer.json", "sha256": run_folder.checksum(tokenizer_file)},
            "training": {
                "pairs": len(training),
                "steps": steps,
                "minutes": round(minutes, 1),
                "loss": round(mean or 0.0, 3),
                "threads": torch.get_num_threads(),
                "hardware": run_folder.hardware(options.device),
            },
        },
    )


if __name__ == "__main__":
    main()
