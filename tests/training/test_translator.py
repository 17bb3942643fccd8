"""The translator's training: what a batch shows, how the network starts, and going on exactly where it stopped."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from attention_core.models.text import TextConfig, TextModel
from attention_core.models.tokenization import Tokenizer
from attention_core.models.translation import TranslatorConfig
from attention_core.models.translator import Translator
from tests.training.stopping import assert_same, train
from tests.training.test_training import random_pairs
from training import translator, translator_start
from training.text_data import Pair
from training.translator_data import Translations, capitalised, chosen, loss_of

SIZES = {"encoder_heads": (2, 4), "decoder_heads": (4, 2), "cross_heads": (2, 2), "feed_forward": 32, "positions": 64}


@pytest.fixture
def text(tokenizer: Tokenizer) -> TextModel:
    torch.manual_seed(0)
    config = TextConfig(len(tokenizer.vocabulary), width=16, heads=(2, 4, 2), feed_forward=32, positions=64)
    return TextModel(config, tokenizer).eval().requires_grad_(False)


@pytest.fixture
def small(text: TextModel) -> Translator:
    torch.manual_seed(1)
    return Translator(TranslatorConfig(len(text.tokenizer.vocabulary), 16, **SIZES), text.tokenizer)


def test_a_batch_reads_one_side_and_writes_the_other(small: Translator) -> None:
    tokenizer = small.tokenizer
    english, chinese = torch.arange(10, 15, dtype=torch.int32), torch.arange(40, 43, dtype=torch.int32)
    into_english = 0
    for seed in range(20):
        batch = Translations([Pair(english, chinese)] * 10, small, torch.Generator().manual_seed(seed))
        for read, given, wanted in zip(batch.source, batch.target, batch.wanted, strict=True):
            to_english = int(given[0]) == small.start_of("en")
            into_english += to_english
            source, target = (chinese, english) if to_english else (english, chinese)
            read, given = read[read != tokenizer.padding], given[given != tokenizer.padding]
            assert read[0] == tokenizer.start and read[-1] == tokenizer.separator
            seen = read[1:-1] != tokenizer.mask
            assert torch.equal(read[1:-1][seen], source.long()[seen])
            kept = given[1:] != tokenizer.mask
            assert torch.equal(given[1:][kept], target.long()[kept])
            assert wanted[: len(target) + 1].tolist() == [*target.tolist(), tokenizer.separator]
        assert torch.equal(batch.counted, batch.wanted != tokenizer.padding)
    assert 70 < into_english < 130


def test_a_tenth_is_hidden_and_never_what_marks_the_ends(small: Translator) -> None:
    shown = hidden = 0
    for seed in range(30):
        batch = Translations(random_pairs(40, small.tokenizer, seed), small, torch.Generator().manual_seed(seed))
        for ids in (batch.source, batch.target):
            ordinary = (ids >= 4) & (ids < small.config.vocabulary)
            hidden += int((ids == small.tokenizer.mask).sum())
            shown += int(ordinary.sum())
        assert bool((batch.target[:, 0] >= small.config.vocabulary).all())
    assert hidden / shown == pytest.approx(0.1, abs=0.01)


def test_it_starts_as_the_text_network(small: Translator, text: TextModel) -> None:
    translator_start.start(small, text, seed=0)
    known = small.config.vocabulary
    assert torch.equal(small.token_embedding.weight[:known], text.token_embedding.weight)
    assert not torch.equal(small.token_embedding.weight[known], small.token_embedding.weight[known + 1])
    ids = torch.tensor([[2, 7, 9, 3]])
    h = small.embeddings(ids, small.source_positions)
    positions, segments = torch.arange(4)[None], torch.zeros(1, 4, dtype=torch.long)
    expected = sum(text.embeddings(ids, positions, segments))
    assert torch.allclose(h[0] + h[1], expected, atol=1e-5)
    assert torch.allclose(small.encoder[0](sum(h)), text.blocks[0](expected), atol=1e-5)
    last = small.decoder[-1]
    assert torch.equal(last.attention.query.weight, text.blocks[-1].attention.query.weight)
    assert torch.equal(last.cross.query.weight, text.blocks[0].attention.query.weight)


def test_the_loss_counts_what_is_written_only(small: Translator) -> None:
    pairs = random_pairs(6, small.tokenizer)
    batch = Translations(pairs, small, torch.Generator().manual_seed(0))
    logits = small(batch.source, batch.target, batch.real)
    each = torch.nn.functional.cross_entropy(logits.flatten(0, 1), batch.wanted.flatten(), reduction="none")
    assert loss_of(small, batch, smoothing=0.0).item() == pytest.approx(
        each[batch.counted.flatten()].mean().item(), abs=1e-5
    )


def test_words_with_a_capital(tmp_path: Path) -> None:
    lines = ["I met Tom in Tokyo.", "Then Tom left.", "They saw Tom, not tom.", "Where is Tom?"] * 3
    (tmp_path / "text").mkdir()
    with gzip.open(tmp_path / "text" / "tatoeba.tsv.gz", "wt", encoding="utf-8") as stream:
        stream.writelines(f"{line}\t好。\tsomebody\n" for line in lines)
    assert capitalised(tmp_path) == ["Tokyo", "Tom"]


def test_of_the_documentation_one_in_four(tokenizer: Tokenizer) -> None:
    pairs = random_pairs(20, tokenizer)
    documentation = [Pair(pair.english, pair.chinese, everyday=False) for pair in pairs[:8]]
    assert len(chosen([*documentation, *pairs[8:]])) == 12 + 2


@pytest.fixture
def assets(tmp_path: Path, tokenizer_file: Path, text: TextModel, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the training ships to; it starts from the tiny text network."""
    monkeypatch.setattr(translator, "load_text_model", lambda device: text)
    monkeypatch.setattr(translator, "TranslatorConfig", lambda vocabulary: TranslatorConfig(vocabulary, 16, **SIZES))
    monkeypatch.setattr("training.text_data.HELD_OUT", 5)
    folder = tmp_path / "assets"
    (folder / "text").mkdir(parents=True)
    (folder / "text" / "tokenizer.json").write_bytes(tokenizer_file.read_bytes())
    return folder


def options_of(folder: Path, text: TextModel, steps: int, *further: str) -> list[str]:
    """The command's, for a run folder with pairs in it."""
    folder.mkdir(exist_ok=True)
    pairs = [(pair.english, pair.chinese, True) for pair in random_pairs(60, text.tokenizer)]
    torch.save(pairs, folder / translator.PAIRS)
    (folder / translator.WORDS).write_text('["Tom"]', encoding="utf-8")
    return ["--run", str(folder), "--steps", str(steps), "--batch-tokens", "200", *further]


def test_a_long_run_is_logged(tmp_path: Path, assets: Path, text: TextModel, monkeypatch: pytest.MonkeyPatch) -> None:
    done = train(translator.main, options_of(tmp_path / "long", text, 52), monkeypatch, assets)
    assert done["step"] == done["steps"] == 52
    header, line = (tmp_path / "long" / "log.csv").read_text(encoding="utf-8").splitlines()
    assert header == "step,minutes,loss,rate"
    assert line.startswith("50,")


def test_training_resumes_exactly_and_ships(
    tmp_path: Path, assets: Path, text: TextModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def options(name: str, *further: str) -> list[str]:
        return options_of(tmp_path / name, text, 6, *further)

    straight = train(translator.main, options("straight"), monkeypatch, assets)
    shipped = assets / "text" / "translator.safetensors"
    train(translator.main, options("resumed"), monkeypatch, assets, stop_after=3)
    assert_same(straight, train(translator.main, options("resumed"), monkeypatch, assets))
    manifest = json.loads(shipped.with_suffix(".json").read_text(encoding="utf-8"))
    assert manifest["capitalised"] == ["Tom"] and manifest["training"]["steps"] == 6

    further = train(translator.main, options("further", "--start", str(shipped), "--rate", "0"), monkeypatch, assets)
    assert json.loads(shipped.with_suffix(".json").read_text(encoding="utf-8"))["training"]["steps"] == 12
    for name, tensor in load_file(shipped).items():
        assert torch.allclose(further["model"][name], straight["model"][name].half().float(), atol=1e-3), name
        assert torch.allclose(tensor.float(), further["model"][name], atol=1e-3)
