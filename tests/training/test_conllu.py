"""Words of a treebank sentence find their characters, and tokens their words."""

from __future__ import annotations

import pytest

from attention_core.models.tokenization import Token
from training import conllu

CHINESE = """# sent_id = 1
# text = 这次与以往有所不同。
1	这	_	DET	DT	_	2	det	_	SpaceAfter=No
2	次	_	NOUN	NNB	_	7	advmod	_	SpaceAfter=No
3	与	_	ADP	IN	_	4	case	_	SpaceAfter=No
4	以往	_	NOUN	NN	_	7	obl:tmod	_	SpaceAfter=No
5	有	_	AUX	VV	_	7	cop	_	SpaceAfter=No
6	所	_	ADV	RB	_	7	mark:prt	_	SpaceAfter=No
7	不同	_	ADJ	JJ	_	0	root	_	SpaceAfter=No
8	。	_	PUNCT	.	_	7	punct	_	_
"""
ENGLISH = """# text = We can't go to the the zoo, gimme it.
1	We	we	PRON	PRP	_	4	nsubj	_	_
2-3	can't	_	_	_	_	_	_	_	_
2	ca	can	AUX	MD	_	4	aux	_	_
3	n't	not	PART	RB	_	4	advmod	_	_
4	go	go	VERB	VB	_	0	root	_	_
4.1	gone	go	VERB	VB	_	_	_	_	_
5	to	to	ADP	IN	_	8	case	_	_
6	the	the	DET	DT	_	8	det	_	_
7	the	the	DET	DT	_	8	det	_	_
8	zoo	zoo	NOUN	NN	_	4	obl	_	SpaceAfter=No
9	,	,	PUNCT	,	_	10	punct	_	_
10-11	gimme	_	_	_	_	_	_	_	_
10	give	give	VERB	VB	_	4	parataxis	_	_
11	me	I	PRON	PRP	_	10	iobj	_	_
12	it	it	PRON	PRP	_	10	obj	_	SpaceAfter=No
13	.	.	PUNCT	.	_	4	punct	_	_
"""


def spans(text: str) -> list[tuple[str, str]]:
    (sentence,) = conllu.parse(text.splitlines())
    return [(word.form, sentence.text[word.start : word.end]) for word in sentence.words]


def test_chinese_words_lie_at_their_characters() -> None:
    (sentence,) = conllu.parse(CHINESE.splitlines())
    assert [(word.start, word.end) for word in sentence.words] == [
        (0, 1), (1, 2), (2, 3), (3, 5), (5, 6), (6, 7), (7, 9), (9, 10),
    ]  # fmt: skip
    assert sentence.words[3].relation == "obl"
    assert sentence.words[3].head == 7


def test_english_words_repeated_and_contracted() -> None:
    found = spans(ENGLISH)
    assert found[:4] == [("We", "We"), ("ca", "ca"), ("n't", "n't"), ("go", "go")]
    assert found[-4:] == [("give", "gimme"), ("me", "gimme"), ("it", "it"), (".", ".")]  # parts not written out
    assert len(found) == 13  # neither contractions nor empty nodes are words
    (sentence,) = conllu.parse(ENGLISH.splitlines())
    assert sentence.words[5].start < sentence.words[6].start  # the two "the"


def test_several_sentences_and_no_blank_line_at_the_end() -> None:
    assert len(conllu.parse((CHINESE + "\n" + ENGLISH).rstrip().splitlines())) == 2


def test_text_that_does_not_match_is_refused() -> None:
    with pytest.raises(ValueError, match="FORMs and text do not match"):
        conllu.parse(["# text = a b", "1\tb\t_\t_\t_\t_\t0\troot\t_\t_"])


def token(text: str, start: int, segment: int = 1, special: bool = False) -> Token:
    return Token(text, start, start + len(text), None if special else 0, segment, special, 0)


def test_tokens_belong_to_the_word_with_their_first_character() -> None:
    (sentence,) = conllu.parse(CHINESE.splitlines())
    tokens = [token("[CLS]", 0, 0, True), token("x", 0, 0), token("[SEP]", 0, 0, True)]
    tokens += [token(character, i) for i, character in enumerate("这次与以往有所")] + [token("不同。", 7)]
    assert conllu.word_of_token(tokens, sentence.words, 1).tolist() == [-1, -1, -1, 0, 1, 2, 3, 3, 4, 5, 6]
