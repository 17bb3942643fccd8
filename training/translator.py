"""Trains the translator: `python -m training.translator --data … --run runs/translator --minutes 600`.

On the text network's own pairs, in both directions, from its weights (`training/translator_start.py`).
"""

from __future__ import annotations

import argparse
import itertools
import json
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import load_file

from attention_core.models.registry import load_text_model
from attention_core.models.tokenization import Tokenizer
from attention_core.models.translation import TranslatorConfig
from attention_core.models.translator import Translator
from training import run_folder, text_data, translator_start
from training.course import Course, descend, set_rate
from training.text_data import Pair
from training.translator_data import Translations, capitalised, chosen, loss_of

LENGTH = ("steps", "minutes")  # of a run, in the manifest
PAIRS, WORDS = "pairs.pt", "capitalised.json"
WARMUP, WEIGHT_DECAY = 400, 0.05


def prepared(data: Path, folder: Path, tokenizer: Tokenizer) -> tuple[list[Pair], list[str]]:
    """Encoded pairs and the words with a capital, made once a run folder (so that a second machine needs no OpenCC)."""
    saved, words = folder / PAIRS, folder / WORDS
    if not words.exists():
        sentences = text_data.read_pairs(data)
        encoded = text_data.encode_pairs(sentences, tokenizer)
        torch.save([(pair.english, pair.chinese, pair.everyday) for pair in encoded], saved)
        words.write_text(json.dumps(capitalised(data), ensure_ascii=False) + "\n", encoding="utf-8")
    pairs = [Pair(*fields) for fields in torch.load(saved, weights_only=True)]
    return pairs, json.loads(words.read_text(encoding="utf-8"))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m training.translator", description=__doc__)
    run_folder.common_arguments(parser)
    parser.add_argument("--minutes", type=float, help="train about this long instead of --steps")
    parser.add_argument("--steps", type=int, default=20000)
    parser.add_argument("--batch-tokens", type=int, default=3000)
    parser.add_argument("--rate", type=float, default=1e-3, help="the highest learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=Path, help="weights (.safetensors, manifest beside) to go on from")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    run = run_folder.RunFolder(options.run)
    ready = (options.run / WORDS).exists()
    needed = [f"text/{name}" for name in text_data.CORPORA]
    data = Path() if ready else run_folder.data_folder(options.data, needed)
    text = load_text_model(device="cpu")
    pairs, words = prepared(data, options.run, text.tokenizer)
    training = chosen(text_data.split(pairs)[0])

    torch.manual_seed(options.seed)
    model = Translator(TranslatorConfig(text.config.vocabulary), text.tokenizer)
    state = run.load()
    before = dict.fromkeys(LENGTH, 0)
    if options.start:
        earlier = json.loads(options.start.with_suffix(".json").read_text(encoding="utf-8"))["training"]
        before = {name: earlier[name] for name in LENGTH}
    if state is None and options.start:
        model.load_state_dict({name: tensor.float() for name, tensor in load_file(options.start).items()})
    elif state is None:
        translator_start.start(model, text, options.seed)
    model.to(options.device)
    optimiser = torch.optim.AdamW(run_folder.parameter_groups(model, WEIGHT_DECAY), lr=options.rate, betas=(0.9, 0.98))
    if state is not None:
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])

    course = Course(run, options.steps, state)
    stream = itertools.islice(text_data.batches(training, options.batch_tokens, options.seed), course.step, None)
    model.train()
    while not course.ended:
        generator = torch.Generator().manual_seed(options.seed * 7_919 + course.step)
        batch = Translations(next(stream), model, generator).to(options.device)
        rate = run_folder.learning_rate(course.step, course.steps, options.rate, WARMUP)
        set_rate(optimiser, rate)
        with torch.autocast(options.device, torch.bfloat16, enabled=options.device != "cpu"):
            loss = loss_of(model, batch)
        descend(optimiser, loss, model.parameters(), 1.0)
        course.take(loss.item(), rate)
        if course.step == 50 and options.minutes and state is None:
            course.fit(options.minutes, least=2 * WARMUP)
        if run.due() or course.ended:
            run.save(
                {
                    "config": asdict(model.config),
                    "model": model.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    **course.state,
                }
            )
    tokenizer_file = run_folder.ASSETS / "text" / "tokenizer.json"
    run_folder.ship(
        model.state_dict(),
        run_folder.ASSETS / "text" / "translator.safetensors",
        {
            "config": asdict(model.config),
            "tokenizer": {"file": tokenizer_file.name, "sha256": run_folder.checksum(tokenizer_file)},
            "capitalised": words,
            "training": {
                "pairs": len(training),
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
