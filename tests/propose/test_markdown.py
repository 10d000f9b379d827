"""Text that others wrote is quoted so that it notifies nobody."""

import pytest

from formwork.proposing.markdown import block, quiet
from tests.propose.examples import Run, on_github, release
from tests.propose.fake_forge import FakeForge
from tests.small import SmallTemplate

Z = "\u200b"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Thanks to @octocat and @org/team.", f"Thanks to @{Z}octocat and @{Z}org/team."),
        ("Fixes #12, owner/repo#1, GH-3 and !4.", f"Fixes #{Z}12, owner/repo#{Z}1, GH-{Z}3 and !{Z}4."),
        ("See &#64;octocat &commat;x &amp; &1", f"See &{Z}#{Z}64;octocat &{Z}commat;x &{Z}amp; &{Z}1"),
        ("[issue:3] [a](b)", f"[{Z}issue:3] [a](b)"),
        ("## 1.0.0\n\n# A & b!", "## 1.0.0\n\n# A & b!"),
        ("Use `a@b`, then ``#1 <c>`` @x", f"Use `a@b`, then ``#1 <c>`` @{Z}x"),
        ("`open @a\nclosed` and ` @b `", f"`open @{Z}a\nclosed` and ` @{Z}b `"),
        ("x ` y\nz ` @a ` w", f"x ` y\nz ` @{Z}a ` w"),
        ("`a` \\` @b `\n\n`@c`", f"`a` \\` @{Z}b `\n\n`@c`"),
        ("| ` | @a ` |", f"| ` | @{Z}a ` |"),
        ('<a title="`">@a ` <!--', f'<{Z}a title="`">@a ` <{Z}!--'),
        ("```\n@a\n```", f"```\n@{Z}a\n```"),
        ("``` @a ```", f"``` @{Z}a ```"),
        ("`\r@a` @b", f"`\n@{Z}a` @{Z}b"),
        ("/merge\n  /close now\na /b", f"/{Z}merge\n  /{Z}close now\na /b"),
        ("[#5](https://github.com/a/b/pull/5)", f"[#{Z}5](https://redirect.github.com/a/b/pull/5)"),
        ("https://gitlab.com/a/b/-/issues/5", f"https://gitlab.com/a/b/-/{Z}issues/5"),
        ("https://example.org/a#b?c=1&d=2", "https://example.org/a#b?c=1&d=2"),
    ],
)
def test_the_changelog_calls_nobody(text: str, expected: str) -> None:
    """No mention, reference, tag or command is left; unambiguous code stays as it is."""
    assert quiet(text) == expected


def test_a_block_holds_what_is_in_it() -> None:
    """The fence of a block is longer than any fence inside it."""
    assert block("a ```` @b") == "`````text\na ```` @b\n`````"


@on_github
def test_a_long_changelog_fits(forge: FakeForge, small: SmallTemplate, run: Run) -> None:
    """GitHub refuses more than 65 536 characters."""
    release(small, "1.1.0", "@a\n" * 30_000)
    assert run()[0] == 0
    assert len(forge.items[0].body) < 65_536
    assert forge.items[0].body.endswith("(and so on)")
