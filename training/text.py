"""Trains the bilingual encoder: `python -m training.text --data … --run runs/text --minutes 40`.

Masked tokens in single sentences and in translated pairs; in half of the pairs one side is left whole and half of
the other is masked, so that what is missing can only be had from the translation.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from attention_core.models.text import TextConfig, TextModel
from attention_core.models.tokenization import Tokenizer
from training import dictionary, run_folder, text_data, text_start
from training.course import Course, descend, set_rate
from training.text_batches import SINGLE, Batch
from training.text_data import Pair

TOKENIZER, PAIRS, GLOSSES = "tokenizer.json", "pairs.pt", "glosses.pt"
LENGTH = ("steps", "minutes")  # of a run; in a checkpoint's "before", of the runs that it went on from
WARMUP, WEIGHT_DECAY = 100, 0.05


def masked_loss(model: TextModel, batch: Batch) -> Tensor:
    """Cross-entropy at the guessed positions only: the rest of the logits is never computed."""
    hidden = model.hidden(batch.ids, batch.positions, batch.segments, batch.real[:, None, None, :])
    return F.cross_entropy(model.unembed(hidden[batch.guess]), batch.target[batch.guess])


def prepared(data: Path, folder: Path, size: int) -> tuple[Tokenizer, list[Pair]]:
    """Tokenizer and encoded pairs, made once a run folder (so that a second machine needs no OpenCC)."""
    tokens, saved = folder / TOKENIZER, folder / PAIRS
    if not saved.exists():
        pairs = text_data.read_pairs(data)
        text_data.train_tokenizer(pairs, size).save(str(tokens))
        encoded = text_data.encode_pairs(pairs, Tokenizer.from_file(tokens))
        torch.save([(pair.english, pair.chinese, pair.everyday) for pair in encoded], saved)
    return Tokenizer.from_file(tokens), [Pair(*fields) for fields in torch.load(saved, weights_only=True)]


def prepared_glosses(folder: Path, tokenizer: Tokenizer) -> list[Pair]:
    """The dictionary's encoded glosses, made once a run folder."""
    saved = folder / GLOSSES
    if not saved.exists():
        encoded = text_data.encode_pairs(dictionary.glosses(), tokenizer)
        torch.save([(pair.english, pair.chinese, pair.everyday) for pair in encoded], saved)
    return [Pair(*fields) for fields in torch.load(saved, weights_only=True)]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m training.text", description=__doc__)
    run_folder.common_arguments(parser)
    parser.add_argument("--minutes", type=float, help="train about this long instead of --steps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--batch-tokens", type=int, default=2500)
    parser.add_argument("--vocabulary", type=int, default=8000)
    parser.add_argument(
        "--dictionary",
        type=float,
        default=0.0,
        help="share of CC-CEDICT's glosses among the pairs; all are in the start",
    )
    parser.add_argument("--heads", type=int, nargs="+", default=[2, 4, 8, 8], help="heads of each layer")
    parser.add_argument("--embedding-scale", type=float, help="factor on the embeddings instead of √width")
    parser.add_argument("--rate", type=float, default=1e-3, help="the highest learning rate")
    parser.add_argument("--single", type=float, default=SINGLE, help="share of batches whose sentences stand alone")
    parser.add_argument("--start", type=Path, help="folder of a finished run to go on from, with a schedule of its own")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    run = run_folder.RunFolder(options.run)
    needed = [f"text/{name}" for name in text_data.CORPORA]
    if options.start:  # the same tokens mean the same only with its tokenizer
        missing = [name for name in (run.checkpoint.name, TOKENIZER, PAIRS) if not (options.start / name).exists()]
        if missing:
            sys.exit(f"{options.start} is no finished run: it lacks {', '.join(missing)}.")
        for name in (TOKENIZER, PAIRS):
            shutil.copy(options.start / name, options.run / name)
    ready = (options.run / PAIRS).exists()
    data = Path() if ready else run_folder.data_folder(options.data, needed)
    tokenizer, pairs = prepared(data, options.run, options.vocabulary)
    training, _ = text_data.split(pairs)
    glosses = prepared_glosses(options.run, tokenizer) if options.dictionary else []
    learned = [*training, *text_data.spread(glosses, options.dictionary)]

    torch.manual_seed(options.seed)
    heads = tuple(options.heads)
    config = TextConfig(len(tokenizer.vocabulary), heads=heads, embedding_scale=options.embedding_scale)
    state = run.load()
    earlier = run_folder.RunFolder(options.start).load() if options.start else None
    model = TextModel(TextConfig(**earlier["config"]) if earlier else config, tokenizer)
    before = {name: earlier[name] + earlier.get("before", {}).get(name, 0) if earlier else 0 for name in LENGTH}
    if state is None and earlier is not None:
        model.load_state_dict(earlier["model"])
    elif state is None:
        width = text_start.token_width(model.config)
        vectors = text_data.bilingual_start([*training, *glosses], len(tokenizer.vocabulary), width, options.seed)
        text_start.start(model, vectors, options.seed)
    model.to(options.device)
    optimiser = torch.optim.AdamW(run_folder.parameter_groups(model, WEIGHT_DECAY), lr=options.rate, betas=(0.9, 0.98))
    if state is not None:
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])

    course = Course(run, options.steps, state)
    stream = itertools.islice(text_data.batches(learned, options.batch_tokens, options.seed), course.step, None)
    model.train()
    while not course.ended:
        generator = torch.Generator().manual_seed(options.seed * 7_919 + course.step)
        batch = Batch(next(stream), tokenizer, model.config.positions, generator, options.single).to(options.device)
        rate = run_folder.learning_rate(course.step, course.steps, options.rate, WARMUP)
        set_rate(optimiser, rate)
        # bfloat16 pays on a GPU only: on the processors tried, float32 trained a quarter faster.
        with torch.autocast(options.device, torch.bfloat16, enabled=options.device != "cpu"):
            loss = masked_loss(model, batch)
        descend(optimiser, loss, model.parameters(), 1.0)
        course.take(loss.item(), rate)
        if course.step == 50 and options.minutes and state is None:
            course.fit(options.minutes, least=200)
        if run.due() or course.ended:
            run.save(
                {
                    "config": asdict(model.config),
                    "model": model.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "before": before,
                    **course.state,
                }
            )
    tokenizer_file = run_folder.ASSETS / "text" / "tokenizer.json"
    tokenizer_file.parent.mkdir(parents=True, exist_ok=True)
    tokenizer_file.write_bytes((options.run / TOKENIZER).read_bytes())
    run_folder.ship(
        model.state_dict(),
        run_folder.ASSETS / "text" / "bilingual.safetensors",
        {
            "config": asdict(model.config),
            "tokenizer": {"file": "tokenizer.json", "sha256": run_folder.checksum(tokenizer_file)},
            "training": {
                "pairs": len(learned),
                "steps": course.steps + before["steps"],
                "minutes": round(course.minutes + before["minutes"], 1),
                "loss": round(course.loss or 0.0, 3),
                "threads": torch.get_num_threads(),
                "hardware": run_folder.hardware(options.device),
            },
        },
    )


if __name__ == "__main__":
    main()
