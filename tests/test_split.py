"""Chunks are runs of whole sentences, and nothing is lost between them."""

from itertools import pairwise

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from ingest.article import Article, Block
from ingest.markdown import read_markdown
from ingest.plain import read_plain
from ingest.split import split, split_sentences
from vectorstore.datatypes import ArticleInfo, Chunk, UserError, header
from vectorstore.embeddings import OnnxEmbedder


def count_words(texts: list[str]) -> list[int]:
    """A token is a word, and there are two special ones."""
    return [len(text.split()) + 2 for text in texts]


def cut(text: str, max_tokens: int = 40) -> tuple[Article, list[Chunk]]:
    """The chunks of a plain text."""
    article = read_plain(text, source="a.txt", name="a")
    return article, split(article, count_tokens=count_words, max_tokens=max_tokens)


def told(text: str) -> list[str]:
    """The sentences of a text."""
    return [text[start:end] for start, end in split_sentences(text)]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Dr. Smith met Mr. Jones at 5 p.m. on Main St. in Springfield. They talked.", 2),
        ("The U.S. and the U.K. agreed. France did not.", 2),
        ("It grew by approx. 3.5 per cent, i.e. less than before. Nobody minded.", 2),
        ("“We will not wait. We act now,” he said. Then he left.", 2),
        ("See fig. 3 and no. 7 on p. 12. The rest is simple.", 2),
        ("What? No! Well...", 3),
        ("J. K. Rowling wrote it. It sold well.", 2),
        ("Visit https://example.com/a.b?c=d. It is new.", 2),
    ],
    ids=["titles", "countries", "latin", "quotation", "references", "marks", "initials", "link"],
)
def test_sentences_end_where_sentences_end(text: str, sentences: int) -> None:
    """Abbreviations, initials and quotations do not end one."""
    assert len(told(text)) == sentences


def test_a_long_quotation_is_split_inside() -> None:
    """A quotation of many sentences, or one never closed, does not become one sentence."""
    quoted = "“" + " ".join(f"This is what he told them in part {i} of his speech." for i in range(12)) + "”"
    assert len(told(quoted)) == 12
    assert told(quoted)[0].startswith("“This")
    assert told(quoted)[-1].endswith("speech.”")


def test_chunks_share_one_sentence() -> None:
    """The last sentence of a chunk is the first of the next one of the same section."""
    _, chunks = cut(" ".join(f"Sentence number {i} has seven words here." for i in range(20)))
    assert len(chunks) > 3
    for before, after in pairwise(chunks):
        assert before.sentences[-1] == after.sentences[0]


def test_a_heading_is_the_section_of_what_follows() -> None:
    """Headings are in the context header and not in the chunk."""
    _, chunks = cut("Rules of the club\n\nBe kind to all.\n\nFines\n\nSpam costs five coins.\n")
    assert [(chunk.section, chunk.text) for chunk in chunks][-1] == ("Fines", "Spam costs five coins.")


def test_a_heading_above_a_heading_is_of_what_follows() -> None:
    """And in the names of its sections; at the end of an article it is text."""
    text = "# T\n\n## Prices\n\nIt costs 5 euros.\n\n## Opening hours\n\n### Monday\n\nFrom 9 to 17.\n\n## A\n\n## B\n"
    article = read_markdown(text, source="a.md", name="a")
    chunks = split(article, count_tokens=count_words, max_tokens=40)
    told = [(chunk.section, chunk.text.split("\n")[0]) for chunk in chunks]
    assert ("Prices", "It costs 5 euros.") in told
    assert ("Opening hours — Monday", "Opening hours") in told
    assert told[-1][0] == "Opening hours — Monday"
    assert chunks[-1].text.endswith("B")


def test_a_title_that_leaves_no_room_is_refused() -> None:
    """The error says what to do."""
    article = Article(ArticleInfo(source="a", title="word " * 38), "Some text.", (Block(0, 10),))
    with pytest.raises(UserError, match="shorten it"):
        split(article, count_tokens=count_words, max_tokens=40)


WORDS = st.sampled_from(
    [
        "alpha",
        "Beta",
        "Mr.",
        "“quoted",
        "end.”",
        "why?",
        "3.5",
        "no;",
        "x" * 30,
        "\n",
        "\n\n",
        "- item",
        "# h",
        "é",
        "中文。",
        "e.g.",
        "’s",
        "https://a.b/c",
        "(see",
        "it)",
        "and",
        "the",
        "Stop!",
        "\u00a0",
        "\r\n",
        "…",
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=150).map(" ".join).filter(str.strip), st.integers(30, 60))
def test_nothing_is_lost_and_nothing_is_too_long(text: str, max_tokens: int) -> None:
    """Every character of a block that is no space and no heading is in a chunk, at its place, in full."""
    try:
        article, chunks = cut(text, max_tokens)
    except UserError:  # a title of so many words
        reject()
    covered: set[int] = set()
    for chunk in chunks:
        assert article.text[chunk.start : chunk.end] == chunk.text
        assert (
            count_words([f"{header(article.info, chunk.section)}\n{chunk.text}"])[0] <= max_tokens
            or len(chunk.sentences) == 1
        )
        assert all(chunk.start <= a < b <= chunk.end for a, b in chunk.sentences)
        assert list(chunk.sentences) == sorted(chunk.sentences)
        for start, end in chunk.sentences:
            covered.update(range(start, end))
    for i, block in enumerate(article.blocks):
        if block.heading and i + 1 < len(article.blocks) and not article.blocks[i + 1].heading:
            continue
        for place in range(block.start, block.end):
            assert article.text[place].isspace() or place in covered


@pytest.mark.parametrize(
    "text",
    [
        "x" * 5000,
        "word " * 3000,
        "中文字符没有空格" * 300,
        "🎉" * 900,
        "A title line\n\n" + "https://example.com/" + "a1b2" * 300,
        "Names\n\n" + ", ".join(f"Person{i} Surname{i}" for i in range(400)) + ".",
    ],
    ids=["one-word", "no-stop", "chinese", "emoji", "link", "list"],
)
def test_the_model_reads_every_chunk_in_full(text: str, embedder: OnnxEmbedder) -> None:
    """By its own tokenizer no chunk is longer than the model reads, however odd the text."""
    article = read_plain(text, source="a.txt", name="a")
    limit = embedder.card.max_tokens
    chunks = split(article, count_tokens=embedder.count_tokens, max_tokens=limit)
    full = [f"{header(article.info, chunk.section)}\n{chunk.text}" for chunk in chunks]
    assert max(embedder.count_tokens(full)) <= limit
    kept = {place for chunk in chunks for span in chunk.sentences for place in range(*span)}
    assert all(char.isspace() or place in kept for place, char in enumerate(text))
