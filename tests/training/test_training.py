"""The trainings themselves: what a batch hides, the schedule, missing data, and going on exactly where one stopped."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from attention_core.models.tokenization import Tokenizer
from tests.training.stopping import assert_same, train
from training import average, dictionary, evaluate, run_folder, text, text_data, vision_data
from training.run_folder import RunFolder, learning_rate
from training.text_batches import Batch, _spans
from training.text_data import Pair


def random_pairs(count: int, tokenizer: Tokenizer, seed: int = 0) -> list[Pair]:
    generator = torch.Generator().manual_seed(seed)

    def side() -> torch.Tensor:
        length = int(torch.randint(1, 12, (1,), generator=generator))
        return torch.randint(5, len(tokenizer.vocabulary), (length,), generator=generator, dtype=torch.int32)

    return [Pair(side(), side()) for _ in range(count)]


@pytest.mark.parametrize("single", [0.35, 0.6])
@pytest.mark.parametrize("seed", range(24))
def test_what_a_batch_hides(tokenizer: Tokenizer, seed: int, single: float) -> None:
    kind = torch.rand(1, generator=torch.Generator().manual_seed(seed)).item()
    batch = Batch(random_pairs(40, tokenizer, seed), tokenizer, 256, torch.Generator().manual_seed(seed), single)
    special = (batch.target == tokenizer.start) | (batch.target == tokenizer.separator)
    assert not (batch.guess & (special | ~batch.real)).any()
    assert torch.equal(batch.ids[~batch.guess], batch.target[~batch.guess])
    assert (batch.ids[batch.guess] == tokenizer.mask).float().mean() > 0.5
    assert bool((batch.segments == 1).any()) == (kind >= single)
    assert len(batch.ids) == (40 if kind >= single else 80)  # alone, both sides of a pair are sentences of their own
    hidden = batch.guess[batch.real & ~special].float().mean().item()
    if kind < single:
        assert 0.1 < hidden < 0.3
    elif kind >= single + 0.24 * (1 - single):  # one side whole, about half of the other hidden
        whole = 1 if kind < single + 0.62 * (1 - single) else 0
        assert not batch.guess[batch.segments == whole].any()
        other = (batch.segments != whole) & batch.real & ~special
        assert 0.3 < batch.guess[other].float().mean() < 0.7


def test_some_that_are_to_be_guessed_are_shown_and_some_replaced(tokenizer: Tokenizer) -> None:
    guessed = shown = masked = 0
    for seed in range(40):
        batch = Batch(random_pairs(60, tokenizer, seed), tokenizer, 256, torch.Generator().manual_seed(seed))
        seen, target = batch.ids[batch.guess], batch.target[batch.guess]
        guessed += len(seen)
        masked += int((seen == tokenizer.mask).sum())
        shown += int((seen == target).sum())
    assert masked / guessed == pytest.approx(0.75, abs=0.03)
    assert 0.09 < shown / guessed < 0.16  # a replacement drawn at random is now and then the token itself


def test_a_replacement_is_a_token_of_the_same_language(tokenizer: Tokenizer) -> None:
    english, chinese = torch.arange(5, 10, dtype=torch.int32), torch.arange(10, 15, dtype=torch.int32)
    replaced = 0
    for seed in range(30):
        batch = Batch([Pair(english, chinese)] * 20, tokenizer, 256, torch.Generator().manual_seed(seed))
        changed = (batch.ids != batch.target) & (batch.ids != tokenizer.mask)
        replaced += int(changed.sum())
        assert torch.equal(batch.ids[changed] >= 10, batch.target[changed] >= 10)
    assert replaced > 100


def test_spans_are_one_to_three_tokens_long_and_cover_the_share_asked_for() -> None:
    covered = _spans(torch.full((400, 50), 0.1), torch.Generator().manual_seed(0))
    assert covered.float().mean().item() == pytest.approx(0.1, abs=0.01)
    runs = [len(run) for row in covered.int().tolist() for run in "".join(map(str, row)).split("0") if run]
    lengths = [runs.count(length) / len(runs) for length in (1, 2, 3)]
    assert sum(lengths) > 0.9 and min(lengths) > 0.25  # the rest: spans that touch


@pytest.mark.parametrize("seed", range(8))
def test_positions_restart_in_the_second_sentence(tokenizer: Tokenizer, seed: int) -> None:
    batch = Batch(random_pairs(40, tokenizer, seed), tokenizer, 256, torch.Generator().manual_seed(seed))
    moved = 0
    for positions, segments, real in zip(batch.positions, batch.segments, batch.real, strict=True):
        start = positions[0]
        moved += bool(start > 0)
        for segment in segments[real].unique():
            own = positions[real & (segments == segment)]
            assert torch.equal(own, start + torch.arange(len(own)))
    assert 0 < moved < len(batch.ids)  # some start at 0, some at a random offset
    assert batch.positions.max() < 256


def test_the_same_seed_hides_the_same(tokenizer: Tokenizer) -> None:
    first, again, other = (
        Batch(random_pairs(8, tokenizer), tokenizer, 256, torch.Generator().manual_seed(seed)) for seed in (3, 3, 4)
    )
    assert torch.equal(first.ids, again.ids)
    assert first.ids.shape != other.ids.shape or not torch.equal(first.ids, other.ids)


def test_batches_go_once_through_all_pairs_an_epoch(tokenizer: Tokenizer) -> None:
    pairs = random_pairs(60, tokenizer)
    groups = sum(1 for _ in _until(text_data.batches(pairs, 80, 0), len(pairs)))
    stream = list(islice(text_data.batches(pairs, 80, 0), 2 * groups))
    assert sorted(id(pair) for group in stream[:groups] for pair in group) == sorted(map(id, pairs))
    assert [list(map(id, group)) for group in stream[:groups]] != [list(map(id, group)) for group in stream[groups:]]
    later = next(islice(text_data.batches(pairs, 80, 0), 3, None))
    assert list(map(id, later)) == list(map(id, stream[3]))


def _until(stream: Any, count: int) -> Any:
    for group in stream:
        yield group
        count -= len(group)
        if count <= 0:
            return


def test_split_holds_out_the_same_pairs_each_time(tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_data, "HELD_OUT", 5)
    documentation = [Pair(pair.english, pair.chinese, everyday=False) for pair in random_pairs(40, tokenizer, 1)]
    pairs = random_pairs(30, tokenizer) + documentation
    training, held_out = text_data.split(pairs)
    assert (len(training), len(held_out)) == (65, 5)
    assert all(pair.everyday for pair in held_out)
    assert not {id(pair) for pair in training} & {id(pair) for pair in held_out}
    assert [id(pair) for pair in text_data.split(pairs)[1]] == [id(pair) for pair in held_out]


@pytest.mark.parametrize(
    ("english", "chinese", "prose"),
    [
        ("Get the value of a context variable.", "获取上下文变量的值。", True),
        ("It's possible that a pip may, in time, be late:", "pip 将来可能会晚到：", True),
        ("Return True if it is done.", "如果 Task 对象 已完成 则返回 True。", True),
        ("Return value: Always NULL.", "返回值：恒为 NULL。", False),  # too short
        ("Call os.walk on the folder that you want.", "对所要的文件夹调用 os.walk。", False),
        ("Use getAttribute on the element that you want.", "对所要的元素使用 getAttribute。", False),
        ("There are 3 ways to open such a file.", "打开这种文件有 3 种方式。", False),
        ("The name of this thing is in the list.", "a b c 的名字。", False),  # hardly translated
    ],
)
def test_documentation_is_kept_where_it_is_prose(english: str, chinese: str, prose: bool) -> None:
    assert text_data.is_prose(english, chinese) == prose


@pytest.mark.parametrize("share", [0.0, 0.25, 0.3, 1.0])
def test_a_share_is_spread_evenly(tokenizer: Tokenizer, share: float) -> None:
    pairs = random_pairs(40, tokenizer)
    places = {id(pair): place for place, pair in enumerate(pairs)}
    kept = [places[id(pair)] for pair in text_data.spread(pairs, share)]
    assert len(kept) == 40 * share
    assert kept == sorted(kept) and all(abs((k + 1) * share - place - 1) < 1 for place, k in enumerate(kept))


@pytest.mark.parametrize(
    ("definition", "glosses"),
    [
        ("seed; to sow (grain)", ["seed", "to sow"]),
        ("see 柠檬[ning2 meng2]", []),
        ("variant of 吃[chi1]", []),
        ("CL:個|个[ge4]", []),
        ("surname Wu", []),
        ("poikilothermal (cold-blooded) animal", ["poikilothermal animal"]),
        ("one that says in more than six words what it is", []),
        ("5th", []),
    ],
)
def test_what_a_dictionary_gives_as_translations(definition: str, glosses: list[str]) -> None:
    assert dictionary.translations(definition) == glosses


def test_glosses_are_distinct_and_short() -> None:
    pairs = dictionary.glosses()
    assert len(set(pairs)) == len(pairs) > 100_000
    assert text_data.Sentences("lemon", "柠檬", everyday=False) in pairs
    assert max(len(pair.chinese) for pair in pairs) == dictionary.LONGEST_WORD


def test_photo_order_is_a_permutation_that_changes_each_epoch() -> None:
    first, second = (vision_data.order(50, epoch, 7) for epoch in (0, 1))
    assert sorted(first.tolist()) == list(range(50))
    assert first.tolist() != second.tolist()
    assert torch.equal(first, vision_data.order(50, 0, 7))


def test_augmented_photos_keep_size_and_range() -> None:
    images = torch.randint(0, 256, (3, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    for size in (32, 64):
        first, again = (vision_data.augmented(images, size, torch.Generator().manual_seed(1)) for _ in range(2))
        assert first.shape == (3, 3, size, size)
        assert first.min() >= 0
        assert first.max() <= 1
        assert torch.equal(first, again)


def test_learning_rate_rises_and_then_falls() -> None:
    rates = [learning_rate(step, 1000, 2.0, 100) for step in range(1001)]
    assert rates[0] == pytest.approx(0.02)
    assert rates[99] == rates[100] == 2.0
    assert rates[:100] == sorted(rates[:100])
    assert rates[100:] == sorted(rates[100:], reverse=True)
    assert rates[550] == pytest.approx(2.0 * 0.505)
    assert rates[1000] == pytest.approx(0.02)
    assert learning_rate(5000, 1000, 2.0, 100) == pytest.approx(0.02)  # past the end it stays


def test_missing_data_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ATTENTION_DATA", raising=False)
    with pytest.raises(SystemExit, match="--data or in ATTENTION_DATA"):
        run_folder.data_folder(None, ["text/a"])
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a").touch()
    with pytest.raises(SystemExit, match=r"lacks text/b, text/c\..*training\.md"):
        run_folder.data_folder(str(tmp_path), ["text/a", "text/b", "text/c"])
    monkeypatch.setenv("ATTENTION_DATA", str(tmp_path))
    assert run_folder.data_folder(None, ["text/a"]) == tmp_path


def test_run_folder_keeps_state_and_log(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "deep" / "run")
    assert run.load() is None
    run.save({"model": {"w": torch.arange(3.0)}, "step": 7})
    state = run.load()
    assert state is not None
    assert state["step"] == 7
    assert torch.equal(state["model"]["w"], torch.arange(3.0))
    assert not run.due()
    assert run.due(every_s=-1)
    run.log({"step": 1, "loss": 0.123456789})
    run.log({"step": 2, "loss": 0.5})
    assert (run.folder / "log.csv").read_text(encoding="utf-8").splitlines() == ["step,loss", "1,0.123457", "2,0.5"]


def test_text_training_resumes_exactly(
    tmp_path: Path, tokenizer_file: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_data, "HELD_OUT", 5)
    monkeypatch.setattr(
        text_data,
        "bilingual_start",
        lambda pairs, vocabulary, width, seed: torch.randn(
            vocabulary, width, generator=torch.Generator().manual_seed(seed)
        ),
    )
    pairs = [(pair.english, pair.chinese) for pair in random_pairs(60, tokenizer)]
    for name in ("straight", "resumed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tokenizer.json").write_bytes(tokenizer_file.read_bytes())
        torch.save(pairs, tmp_path / name / "pairs.pt")

    def options(name: str) -> list[str]:
        return ["--run", str(tmp_path / name), "--steps", "6", "--batch-tokens", "60", "--heads", "2", "4"]

    straight = train(text.main, options("straight"), monkeypatch, tmp_path / "assets")
    half = train(text.main, options("resumed"), monkeypatch, tmp_path / "assets", stop_after=3)
    assert half["step"] == 3
    resumed = train(text.main, options("resumed"), monkeypatch, tmp_path / "assets")
    assert_same(straight, resumed)
    assert (tmp_path / "assets" / "text" / "bilingual.safetensors").exists()
    scored = evaluate.text_checkpoint(tmp_path / "resumed" / "checkpoint.pt", "cpu")
    assert scored.config.heads == (2, 4)
    assert_same(dict(scored.state_dict()), straight["model"])

    further = ["--run", str(tmp_path / "further"), "--start", str(tmp_path / "straight"), "--rate", "0", "--steps", "2"]
    continued = train(text.main, [*further, "--batch-tokens", "60"], monkeypatch, tmp_path / "assets")
    assert_same(continued["model"], straight["model"])  # at a rate of 0 it stays what it went on from
    assert continued["step"] == 2
    manifest = json.loads((tmp_path / "assets" / "text" / "bilingual.json").read_text(encoding="utf-8"))
    assert manifest["training"]["steps"] == 8  # both schedules
    third = ["--run", str(tmp_path / "third"), "--start", str(tmp_path / "further"), "--rate", "0", "--steps", "1"]
    train(text.main, [*third, "--batch-tokens", "60"], monkeypatch, tmp_path / "assets")
    manifest = json.loads((tmp_path / "assets" / "text" / "bilingual.json").read_text(encoding="utf-8"))
    assert manifest["training"]["steps"] == 9  # all three
    folders = ["--start", str(tmp_path / "straight"), "--run", str(tmp_path / "further"), "--share", "0.25"]
    end = torch.load(tmp_path / "further" / "checkpoint.pt", weights_only=True)
    end["model"] = {name: tensor + 4 for name, tensor in straight["model"].items()}
    torch.save(end, tmp_path / "further" / "checkpoint.pt")
    monkeypatch.setattr(average, "ASSETS", tmp_path / "assets")
    monkeypatch.setattr("sys.argv", ["average", *folders])
    average.main()
    shipped = load_file(tmp_path / "assets" / "text" / "bilingual.safetensors")
    for name, tensor in shipped.items():  # a quarter of the way
        torch.testing.assert_close(tensor.float(), straight["model"][name] + 1, atol=2e-3, rtol=1e-3)
    manifest = json.loads((tmp_path / "assets" / "text" / "bilingual.json").read_text(encoding="utf-8"))
    assert (manifest["training"]["averaged"], manifest["training"]["steps"]) == (0.25, 8)
    with pytest.raises(SystemExit, match=r"nothing is no finished run: it lacks checkpoint\.pt, tokenizer\.json"):
        train(text.main, [*further[:3], str(tmp_path / "nothing")], monkeypatch, tmp_path / "assets")
