"""Markdown of somebody else, shown so that it calls nobody and changes nothing."""

import re

LONGEST = 10_000  # characters of one part of a text; GitHub takes 65 536 in all

INVISIBLE = "\u200b"
CODE = re.compile(r"((?<![`\\])`[^`|\n]+`(?!`)|(?<![`\\])``[^`|\n]+``(?!`))")
REFERENCE = re.compile(r"@|[#!&](?=\d)|&(?=#?\w+;)|<|\[(?=\w+:)|\bGH-(?=\d)|/-/", re.IGNORECASE)
GITHUB_LINK = re.compile(r"https?://(www\.)?github\.com/", re.IGNORECASE)


def block(text: str) -> str:
    """Show text as it is, whatever is in it."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}text\n{clipped(text)}\n{fence}"


def clipped(text: str, longest: int = LONGEST) -> str:
    """Shorten what the forge would refuse for its length."""
    return text if len(text) <= longest else f"{text[:longest]}\n\n(and so on)"


def quiet(text: str) -> str:
    """Show Markdown of somebody else so that it calls nobody, links no issue, gives no orders.

    An invisible character goes behind what begins a mention, a reference, a tag, an entity, or a
    command of GitLab. Code stays as it is where its backticks can be read in one way only.
    """
    text = "\n".join(text.splitlines())
    text = re.sub(r"^([ \t]*/)(?=\w)", rf"\1{INVISIBLE}", text, flags=re.MULTILINE)
    return "".join(quiet_paragraph(part) for part in re.split(r"(\n[ \t]*\n)", text))


def quiet_paragraph(text: str) -> str:
    """The same for one paragraph."""
    parts = CODE.split(text)
    if any("`" in part for part in parts[::2]):
        parts = [text]
    for number, part in list(enumerate(parts))[::2]:
        linked = GITHUB_LINK.sub("https://redirect.github.com/", part)
        parts[number] = REFERENCE.sub(rf"\g<0>{INVISIBLE}", linked)
    return "".join(parts)
