"""Trains the translator: `python -m training.translator --data … --run runs/translator --minutes 600`.

On the text network's own pairs, in both directions, from its weights (`training/translator_start.py`).
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import load_file
from tqdm import tqdm

from attention_core.models.registry import load_text_model
from attention_core.models.tokenization import Tokenizer
from attention_core.models.translation import TranslatorConfig
from attention_core.models.translator import Translator
from training import run_folder, text_data, translator_start
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
        batch = Translations(next(stream), model, generator).to(options.device)
        for group in optimiser.param_groups:
            group["lr"] = run_folder.learning_rate(step, steps, options.rate, WARMUP)
        with torch.autocast(options.device, torch.bfloat16, enabled=options.device != "cpu"):
            loss = loss_of(model, batch)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        step += 1
        mean = loss.item() if mean is None else 0.98 * mean + 0.02 * loss.item()
        minutes = (time.monotonic() - began) / 60
        if step == 50 and options.minutes and state is None:
            # The speed is known now: set the length, so that the schedule ends when the time does.
            steps = bar.total = max(int(50 * options.minutes / minutes), 2 * WARMUP)
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
    run_folder.ship(
        model.state_dict(),
        run_folder.ASSETS / "text" / "translator.safetensors",
        {
            "config": asdict(model.config),
            "tokenizer": {"file": tokenizer_file.name, "sha256": run_folder.checksum(tokenizer_file)},
            "capitalised": words,
            "training": {
                "pairs": len(training),
                "steps": steps + before["steps"],
                "minutes": round(minutes + before["minutes"], 1),
                "loss": round(mean or 0.0, 3),
                "threads": torch.get_num_threads(),
                "hardware": run_folder.hardware(options.device),
            },
        },
    )


if __name__ == "__main__":
    main()
