"""Markdown that others wrote, made harmless: it notifies nobody and changes nothing."""

import re

LONGEST = 10_000  # characters of one part of a text; GitHub takes 65 536 in all

INVISIBLE = "\u200b"
CODE = re.compile(r"((?<![`\\])`[^`|\n]+`(?!`)|(?<![`\\])``[^`|\n]+``(?!`))")
REFERENCE = re.compile(r"@|[#!&](?=\d)|&(?=#?\w+;)|<|\[(?=\w+:)|\bGH-(?=\d)|/-/", re.IGNORECASE)
GITHUB_LINK = re.compile(r"https?://(www\.)?github\.com/", re.IGNORECASE)


def block(text: str) -> str:
    """Show text literally, whatever it contains."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}text\n{clipped(text)}\n{fence}"


def clipped(text: str, longest: int = LONGEST) -> str:
    """Shorten a text that the forge would refuse for its length."""
    return text if len(text) <= longest else f"{text[:longest]}\n\n(and so on)"


def quiet(text: str) -> str:
    """Make Markdown harmless: it notifies nobody, links no issue and runs no command.

    An invisible character follows whatever begins a mention, a reference, a tag, an entity, or a command of GitLab.
    Code stays as it is if its backticks can be read in only one way.
    """
    text = "\n".join(text.splitlines())
    text = re.sub(r"^([ \t]*/)(?=\w)", rf"\1{INVISIBLE}", text, flags=re.MULTILINE)
    return "".join(quiet_paragraph(part) for part in re.split(r"(\n[ \t]*\n)", text))


def quiet_paragraph(text: str) -> str:
    """Make one paragraph harmless."""
    parts = CODE.split(text)
    if any("`" in part for part in parts[::2]):
        parts = [text]
    for number, part in list(enumerate(parts))[::2]:
        linked = GITHUB_LINK.sub("https://redirect.github.com/", part)
        parts[number] = REFERENCE.sub(rf"\g<0>{INVISIBLE}", linked)
    return "".join(parts)
