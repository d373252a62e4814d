"""The main text of a page: its title, and the blocks of prose without navigation, advertising and related links.

Resiliparse parses the page and leaves out what its structure marks as no content (navigation, footers, hidden elements). What it
keeps is read here as a row of blocks, each with its element, its size and the share of it that is link text: prose is long, ends
like a sentence and links little, boilerplate is the reverse (Kohlschütter et al. 2010, "Boilerplate detection using shallow text
features"). From the first block of prose to the last everything is kept but the boilerplate between.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass

from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from pipeline.errors import InputError

OUT = {"links", "boilerplate"}
# The title goes to its own field; captions and credits belong to pictures that are gone.
SKIPPED = ["h1", "figcaption", "[class*=caption]", "[class*=credit]", "[class*=footer]", "[id*=footer]"] + [
    f"[class*={name}]" for name in ("author-bio", "author-box", "authorbox", "about-author")
]
CHROME = ["nav", "footer", "aside", "header"]
PROSE_BYTES = 60  # UTF-8 bytes of a block that ends like a sentence: some ten words of English
LONG_BYTES = 200  # a block that is prose however it ends, and never a list of links
MAX_LINK_SHARE = 0.6
RICH_PAGE_BYTES = 1500  # a main text of this size is believed without a look at the whole page
# An element this deep. Resiliparse looks at every ancestor of every element for the main content (50,000 nested ones: 56 s), so
# such a page is read as a whole; of 216 measured pages none nests deeper than 64.
DEEP = ">".join(["*"] * 128)
MAX_TAGS = 10_000  # with fewer, options cost a fifth of a second at most
MAX_NODES = 1_000_000  # unclosed formatting elements × tags; a node takes some 400 bytes
FORMATTING = re.compile(r"<(/?)(?:b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)\b[^<>]*>", re.IGNORECASE)
OPTION = re.compile(r"</?opt(?:ion|group)\b[^<>]*>", re.IGNORECASE)
MIN_SHARE = 0.25  # of the whole page's prose: a main text with less missed the main part
TOKEN = re.compile(r'<(/?)(p|h[1-6]|li|ul|ol|pre|a|br)\b(?: href="([^"]*)")?[^<>]*>|\n')
MAX_GAIN = 300  # bytes: one long block does not bridge a list of links
WEIGHTS = {"heading": 20, "paragraph": 0, "line": 40, "links": 60, "boilerplate": 80}  # bytes of prose that outweigh one
SENTENCE_END = re.compile(r"[.!?…:;。！？”\"')»\]]\W*$")  # on the last characters: on a long run of brackets it is quadratic
BOILERPLATE = re.compile(
    r"\W*(?:"
    r"(?:advert(?:isement|s)?|anzeige|werbung|publicidad|publicité|pubblicità|реклама|close|caption|comments?|more|loading|tweet"
    r"|pin it|e-?mail|print)\W*$"
    r"|image \d+ of|photos?: |image(?: credit)?: |(?:©|copyright|\(c\)) |all rights reserved|powered by|filed under"
    r"|share (?:this|on|via)|sharing is caring|follow us|subscribe|sign up|click here|leave a (?:comment|reply)"
    r"|read (?:more|also|next)|related(?: \w+)?:? ?|see also|continue reading|you (?:may|might) also like|don['’]t miss"
    r"|(?:this|our) (?:web)?site uses cookies|we use cookies|tags?:|posted in|categor(?:y|ies):"
    r"|das könnte (?:sie|dich|ihnen)|mehr zum thema|lesen sie (?:auch|hier)|weiterlesen|lire aussi|à lire|lea también"
    r"|leia (?:mais|também)|leggi anche|lees ook|czytaj (?:też|także|więcej)|zobacz (?:też|także)|читайте также"
    r"|热门推荐|相关阅读|相关文章|延伸阅读|関連記事)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Block:
    """A run of text. ``tag``: its element (p, li, h2, pre …), empty for bare text. ``link_chars``: characters inside links."""

    tag: str
    text: str
    link_chars: int

    def kind(self) -> str:
        """``prose``, ``heading``, ``paragraph``, ``line``, ``links`` or ``boilerplate``."""
        size = len(self.text.encode())
        if size < LONG_BYTES and self.link_chars > MAX_LINK_SHARE * len(self.text):
            return "links"
        if size < 2 * LONG_BYTES and BOILERPLATE.match(self.text):
            return "boilerplate"
        if self.tag == "pre" or size >= LONG_BYTES or (size >= PROSE_BYTES and SENTENCE_END.search(self.text[-8:])):
            return "prose"
        if self.tag.startswith("h"):
            return "heading"
        return "paragraph" if self.tag in {"p", "li"} and 2 * self.link_chars < len(self.text) else "line"


@dataclass(frozen=True, slots=True)
class Page:
    """``title``: of its head, one line, perhaps empty. ``text``: blocks with an empty line between, list items without one."""

    title: str
    text: str


def main_text(document: str) -> Page:
    """The page's title and main text; the text is empty when there is no prose in it.

    >>> main_text("<title>T</title><nav><a href='/'>Home</a></nav><p>A paragraph of prose that is long enough to be one.</p>")
    Page(title='T', text='A paragraph of prose that is long enough to be one.')
    """
    tree = HTMLTree.parse(_tamed(document))
    is_deep = tree.document is not None and tree.document.query_selector(DEEP) is not None
    chosen = [] if is_deep else select(_blocks(tree, main_content=True, skipped=SKIPPED))
    if (size := _size(chosen)) < RICH_PAGE_BYTES:
        whole = select(_blocks(tree, main_content=False, skipped=SKIPPED + CHROME), scattered=True)
        chosen = whole if size < MIN_SHARE * _size(whole) else chosen
    return Page(_title(tree), _join(chosen))


def _title(tree: HTMLTree) -> str:
    return " ".join((tree.title or "").split())


def _tamed(document: str) -> str:
    """The page without the tags that make the parser's tree, or its time, quadratic in the page.

    Every paragraph opens all formatting elements anew that were never closed (HTML standard, "reconstruct the active formatting
    elements"): 37 kB of them fill 1.5 GB. An option looks at all before it. Neither tells anything of the main text.
    """
    tags = document.count("<")
    if tags * tags < MAX_NODES:
        return document
    unclosed = most = 0
    for tag in FORMATTING.finditer(document):
        unclosed += -1 if tag[1] else 1
        most = max(most, unclosed)
    if most * tags > MAX_NODES:
        document = FORMATTING.sub("", document)
    return OPTION.sub(" ", document) if tags > MAX_TAGS else document


def _size(blocks: list[Block]) -> int:
    return sum(len(block.text) for block in blocks)


def _blocks(tree: HTMLTree, *, main_content: bool, skipped: list[str]) -> list[Block]:
    markup = extract_plain_text(
        tree,
        preserve_formatting="minimal_html",
        main_content=main_content,
        links=True,
        alt_texts=False,
        comments=False,
        post_meta=False,
        skip_elements=skipped,
    )
    return parse_blocks(markup)


def parse_blocks(markup: str) -> list[Block]:
    """The blocks of resiliparse's reduced HTML: bare text by lines; p, h1 to h6, li and pre as they are."""
    blocks: list[Block] = []
    parts: list[str] = []
    tag, link_chars, in_link, position, broken = "", 0, False, 0, -1  # broken: the end of the last <br>

    def close() -> None:
        nonlocal parts, link_chars, in_link
        text = html.unescape("".join(parts)).strip("\n" if tag == "pre" else None)
        if text.strip():
            blocks.append(Block(tag, text, link_chars))
        parts, link_chars, in_link = [], 0, False  # an anchor without text is left open in the reduced form

    for token in TOKEN.finditer(f"{markup}\n"):
        parts.append(markup[position : token.start()])
        link_chars += in_link * (token.start() - position)
        position = token.end()
        closes, name, target = token.groups()
        if name == "a":
            in_link = not closes and bool(target)
        elif name == "br" or (name is None and (tag in {"p", "pre"} or broken == token.start())):
            parts.append("\n" if name or tag else "")
            broken = token.end()
        else:
            close()
            tag = "" if closes else name or tag
    close()
    return blocks


def select(blocks: list[Block], *, scattered: bool = False) -> list[Block]:
    """The blocks from the first prose to the last, and paragraphs that adjoin it, without links, boilerplate and repetitions.

    ``scattered``: of a page whose parts are not told apart, only the densest run of prose (maximum subsequence segmentation:
    Pasternack & Roth 2009, "Extracting article text from the web with maximum subsequence segmentation").
    """
    kinds = [block.kind() for block in blocks]
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        if block.tag != "p" and len(block.text) > 15 and block.text in seen:
            kinds[index] = "boilerplate"
        seen.add(block.text)
    prose = [index for index, kind in enumerate(kinds) if kind == "prose"]
    if not prose:
        first, end = 0, len(blocks)
    else:
        first, end = _densest(blocks, kinds) if scattered else (prose[0], prose[-1] + 1)
    while first > 0 and kinds[first - 1] in {"paragraph", "heading"}:
        first -= 1
    while end < len(blocks) and kinds[end] == "paragraph":
        end += 1
    return [block for block, kind in zip(blocks[first:end], kinds[first:end], strict=True) if kind not in OUT]


def _densest(blocks: list[Block], kinds: list[str]) -> tuple[int, int]:
    """The run of blocks with the greatest sum of bytes of prose, less what the others weigh."""
    best, first, end = 0, 0, 0
    total, start = 0, 0
    for index, (block, kind) in enumerate(zip(blocks, kinds, strict=True)):
        if total <= 0:
            total, start = 0, index
        total += min(len(block.text.encode()), MAX_GAIN) if kind == "prose" else -WEIGHTS[kind]
        if total > best:
            best, first, end = total, start, index + 1
    return first, end


def _join(blocks: list[Block]) -> str:
    parts: list[str] = []
    before = ""
    for block in blocks:
        if parts:
            parts.append("\n" if before == block.tag == "li" else "\n\n")
        parts.append(f"- {block.text}" if block.tag == "li" else block.text)
        before = block.tag
    return "".join(parts)


def trafilatura_text(document: str) -> Page:
    """The same by trafilatura, which is an extra. Raises InputError when it is not installed."""
    try:
        from trafilatura import bare_extraction
    except ImportError as error:
        raise InputError(
            "ingest.files.main_text = trafilatura: it is not installed; pip install heddle[trafilatura], or take resiliparse"
        ) from error
    found = bare_extraction(document, include_comments=False)
    return Page(_title(HTMLTree.parse(_tamed(document))), (found.text or "") if found else "")


EXTRACTORS: dict[str, Callable[[str], Page]] = {"resiliparse": main_text, "trafilatura": trafilatura_text}
