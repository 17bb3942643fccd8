"""Encoding, masked-token and head scores, relations: against the trace and by hand."""

from __future__ import annotations

import math

import pytest
import torch

from attention_core.models.text import TextModel
from training import alignment, masked_tokens, relations
from training.conllu import Sentence, Word
from training.encoding import encode_ids, encode_text, layer_weights, run_blocks
from training.text_data import Pair


def ids(model: TextModel, text: str) -> torch.Tensor:
    return torch.tensor([token.id for token in model.tokenizer.pieces(text)], dtype=torch.int32)


def pairs(model: TextModel) -> list[Pair]:
    texts = [("a cat", "猫"), ("i eat lemon", "我吃柠檬"), ("dog and book", "狗书"), ("fish", "鱼")]
    return [Pair(ids(model, english), ids(model, chinese)) for english, chinese in texts]


def test_weights_are_those_of_the_trace(model: TextModel) -> None:
    trace = model.trace("a cat", "猫吃鱼")
    for weights, layer in zip(layer_weights(model, encode_text(model, "a cat", "猫吃鱼")), trace.layers, strict=True):
        assert torch.allclose(weights, layer.weights[0], atol=1e-6)


def test_a_padded_batch_equals_each_pair_alone(model: TextModel) -> None:
    both = [(ids(model, "a cat"), ids(model, "猫吃鱼")), (ids(model, "i"), None)]
    final, weights = run_blocks(model, encode_ids(model, both))
    trace = model.trace("i")
    assert torch.allclose(final[1, :3], trace.final, atol=1e-5)
    assert torch.allclose(weights[1][1, :, :3, :3], trace.layers[1].weights[0], atol=1e-6)
    assert torch.allclose(final[0], model.trace("a cat", "猫吃鱼").final, atol=1e-5)


def test_hidden_positions_are_fixed_and_never_none() -> None:
    first = masked_tokens.chosen_positions(9, 3, "en")
    assert torch.equal(first, masked_tokens.chosen_positions(9, 3, "en"))
    assert all(masked_tokens.chosen_positions(1, number, "zh").all() for number in range(20))
    shares = [masked_tokens.chosen_positions(40, number, "zh").float().mean() for number in range(200)]
    assert 0.13 < sum(shares) / 200 < 0.17


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("translated", [False, True])
def test_answers_are_about_the_hidden_tokens(model: TextModel, language: str, translated: bool) -> None:
    (pair,) = pairs(model)[1:2]
    owners, ranks, losses = masked_tokens.answers(model, [pair], language, translated)
    chosen = masked_tokens.chosen_positions(len(masked_tokens.sides(pair, language)[0]), 0, language)
    assert owners == [0] * int(chosen.sum()) == [0] * len(ranks)
    english, chinese = "i eat lemon", "我吃柠檬"
    alone = english if language == "en" else chinese
    before = 1 + (len(pair.english) + 1 if translated and language == "zh" else 0)
    hide = [before + int(i) for i in chosen.nonzero()]
    trace = model.trace(english, chinese, hide=hide) if translated else model.trace(alone, hide=hide)
    target = masked_tokens.sides(pair, language)[0][chosen].tolist()
    expected = [-trace.logits[at].log_softmax(dim=-1)[t].item() for at, t in zip(hide, target, strict=True)]
    assert losses.tolist() == pytest.approx(expected, abs=1e-4)


def test_masked_token_scores_have_baseline_and_unseen_pairs(model: TextModel) -> None:
    known = pairs(model)
    scores = masked_tokens.masked_token_scores(model, known[:2], known[1:])
    assert scores["unseen_pairs"] == 1  # the second pair is in the training part
    for name in ("alone", "with_translation"):
        assert scores[name]["top1"]["value"] <= scores[name]["top5"]["value"]
        assert scores[name]["loss"] > 0
        assert (
            scores[name]["en"]["top1"]["count"] + scores[name]["zh"]["top1"]["count"] == scores[name]["top1"]["count"]
        )
    assert scores["unigram"]["top1"]["count"] == scores["alone"]["top1"]["count"]


def test_head_statistics_by_hand() -> None:
    # Tokens: [CLS] a b [SEP] [PAD]; the head looks evenly over the four, then a → previous and b → b.
    even = torch.zeros(1, 1, 5, 5)
    even[..., :4] = 0.25
    sharp = torch.zeros(1, 1, 5, 5)
    sharp[0, 0, 1, 0] = sharp[0, 0, 2, 2] = 1.0
    real = torch.tensor([[True, True, True, True, False]])
    ordinary = torch.tensor([[False, True, True, False, False]])
    found = masked_tokens._statistics(torch.cat([even, sharp], dim=1).double(), ordinary, real) / 2
    entropy, share, distance, special, previous, following, same = found.tolist()
    assert entropy == pytest.approx([math.log(4), 0])
    assert share == pytest.approx([1, 0])
    assert distance == pytest.approx([0.5, 0])
    assert special == pytest.approx([0.5, 0.5])  # the previous token of a is [CLS], which counts as special
    assert previous == pytest.approx([0.125, 0])
    assert following == pytest.approx([0.125, 0])
    assert same == pytest.approx([0.25, 0.5])


def test_head_scores_cover_every_head(model: TextModel) -> None:
    scores = masked_tokens.head_scores(model, pairs(model))
    assert [len(layer) for layer in scores] == [2, 4]
    for layer in scores:
        for head in layer:
            assert 0 <= head["entropy_share"] <= 1
            assert head["special"] + head["previous"] + head["next"] + head["same"] <= 1.00001
            assert math.isfinite(head["loss_increase"])


def test_an_even_head_spreads_over_everything(model: TextModel) -> None:
    known = pairs(model)
    even = masked_tokens.even_head_scores(model, known)
    lengths = [len(side) for pair in known for side in (pair.english, pair.chinese)]
    assert even["entropy_share"] == pytest.approx(1)
    assert even["same"] == pytest.approx(sum(n / (n + 2) for n in lengths) / sum(lengths), abs=1e-5)
    assert even["special"] == pytest.approx(sum(2 * n / (n + 2) for n in lengths) / sum(lengths), abs=1e-5)
    assert even["previous"] == pytest.approx(sum((n - 1) / (n + 2) for n in lengths) / sum(lengths), abs=1e-5)


def sentence(text: str, heads: list[int], labels: list[str]) -> Sentence:
    words, at = [], 0
    for number, (form, head, label) in enumerate(zip(text.split(), heads, labels, strict=True), 1):
        words.append(Word(number, form, at, at + len(form), head, label))
        at += len(form) + 1
    return Sentence(text, tuple(words))


def test_relations_leave_out_root_and_punctuation() -> None:
    assert relations.arcs(sentence("a b c", [2, 0, 2], ["det", "root", "punct"])) == [("det", 0, 1)]


def test_strongest_word_is_another_word() -> None:
    weights = torch.tensor([[[0.1, 0.1, 0.6, 0.2], [0.0, 0.9, 0.0, 0.1], [0.5, 0.4, 0.1, 0.0], [0.0, 0.3, 0.3, 0.4]]])
    (found,) = relations.strongest_words([weights], torch.tensor([-1, 0, 1, 2]), 3)
    assert found.tolist() == [[2, 0, 0]]  # ties go to the first; [CLS] and the word itself are left out


def test_relation_scores_against_the_best_offset(model: TextModel, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [sentence("a b c", [2, 0, 2], ["det", "root", "obj"]), sentence("a b c", [3, 3, 0], ["det", "obj", "root"])]
    follows = [[[1, 0, 1], [2, 2, 0]], [[2, 2, 0], [0, 0, 0]]]  # by sentence: two heads, the word each word looks at
    strongest = iter(follows)
    monkeypatch.setattr(relations, "FEWEST", 2)
    monkeypatch.setattr(relations, "strongest_words", lambda *_: [torch.tensor(next(strongest))])
    scores, by_head = relations.relation_scores(model, cases)
    assert scores["det"]["score"] == 1.0  # head 0 finds 1 and then 2
    assert (scores["det"]["layer"], scores["det"]["head"]) == (0, 0)
    assert scores["det"]["direction"] == "dependent_to_head"
    assert scores["det"]["cases"] == 2
    assert scores["det"]["best_offset_score"] == 0.5
    assert scores["det"]["gain"] == 0.5
    assert by_head == [[{}, {}], [{}] * 4]  # two cases prove nothing


def test_a_head_is_named_by_what_is_least_likely_luck(model: TextModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """21 cases of det, of which the first head finds all and the best offset 11; 3 of obj: all, and 1."""
    near, far = [2, 3, 0], [3, 3, 0]  # the word that each word of "a b c" depends on
    kinds = [(near, "obj"), *[(near, "flat")] * 10, *[(far, "flat")] * 8]
    cases = [sentence("a b c", heads, ["det", label, "root"]) for heads, label in kinds]
    cases += [
        sentence("a b c", [3, 1, 0], ["det", "obj", "root"]),
        sentence("a b c", [3, 0, 1], ["det", "root", "obj"]),
    ]
    found = [[max(word.head - 1, 0) for word in case.words] for case in cases]
    strongest = iter([[words, [0, 2, 1]] for words in found])
    monkeypatch.setattr(relations, "FEWEST", 3)
    monkeypatch.setattr(relations, "strongest_words", lambda *_: [torch.tensor(next(strongest))])
    scores, by_head = relations.relation_scores(model, cases)
    assert scores["obj"]["gain"] == pytest.approx(2 / 3, abs=1e-5)
    assert by_head[0][0] == {
        "relation": "det",
        "direction": "dependent_to_head",
        "score": 1.0,
        "best_offset": 1,
        "best_offset_score": round(11 / 21, 5),
        "gain": round(10 / 21, 5),
        "gain_standard_error": round(math.sqrt(11 * (10 / 21) ** 2 + 10 * (11 / 21) ** 2) / 21, 5),
    }
    assert by_head[0][1] == {}  # finds less than the offset


def test_alignment_scores_name_the_best_head(model: TextModel) -> None:
    english, chinese = sentence("i eat", [2, 0], ["nsubj", "root"]), sentence("我 吃", [2, 0], ["nsubj", "root"])
    pair = alignment.aligned(english, chinese, {"1": ["1"], "2": ["2"]})
    scores = alignment.alignment_scores(model, [pair, pair])
    best = scores["best"]
    assert best["score"] == scores["heads"][best["layer"]][best["head"]][best["direction"]]
    assert best["score"] == max(value for layer in scores["heads"] for head in layer for value in head.values())
    assert [len(layer) for layer in scores["heads"]] == [2, 4]
    assert scores["diagonal"]["score"] == 1.0
    assert scores["linked_words"] == 4
