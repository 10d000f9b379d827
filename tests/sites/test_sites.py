"""This site and that of a generated repository, as a browser shows them."""

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it has none
from mkdocs.commands.build import build
from mkdocs.config import load_config
from playwright.sync_api import Browser, Page, sync_playwright

from maintain.picture import BROWSER
from tests.generated.repository import generate
from tests.harness import ROOT, Template

OPTIONS = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync")
SERIOUS = {"serious", "critical"}
OF_THE_THEME = {"aria-dialog-name"}  # the theme's search dialog has no name

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("sites"),
    pytest.mark.skipif(not BROWSER, reason="there is no Chromium on this machine"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Yield a browser without a window."""
    with sync_playwright() as program:
        yield program.chromium.launch(executable_path=BROWSER, args=OPTIONS)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site of this repository."""
    folder = tmp_path_factory.mktemp("ours") / "site"
    build(load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder)))
    return folder


@pytest.fixture(scope="module")
def generated(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site of a generated repository that has been set up."""
    folder = tmp_path_factory.mktemp("generated") / "repository"
    answers = {"repository_url": "https://github.com/somebody/something", "description": "It predicts"}
    repository = generate(template, folder, problem="regression", **answers)
    repository.set_up()
    repository.nox("docs")
    return folder / "site"


class QuietHandler(SimpleHTTPRequestHandler):
    """Serve files, and print nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Print no log."""


@pytest.fixture(scope="module", params=["ours", "generated"])
def site(request: pytest.FixtureRequest) -> Iterator[tuple[Path, str]]:
    """Yield the folder of a site, and the address at which it is served."""
    folder: Path = request.getfixturevalue(request.param)
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(QuietHandler, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def pages(folder: Path) -> list[str]:
    """List the pages of a site."""
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*.html") if file.name != "404.html")


def watched(page: Page, address: str) -> list[str]:
    """Collect what a page should not do: errors, and requests to other places."""
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "request", lambda sent: None if sent.url.startswith((address, "data:", "blob:")) else faults.append(sent.url)
    )
    return faults


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_is_whole_and_everybody_can_read_it(
    site: tuple[Path, str], browser: Browser, scheme: str, width: int
) -> None:
    """A page has no errors, loads nothing from elsewhere, fits the screen, and has no serious issues in axe."""
    folder, address = site
    dark = scheme == "dark"
    context = browser.new_context(color_scheme="dark" if dark else "light", viewport={"width": width, "height": 900})
    page = context.new_page()
    faults = watched(page, address)
    for name in pages(folder):
        page.goto(address + name)
        page.wait_for_load_state("networkidle")
        if page.evaluate("document.documentElement.scrollWidth") > width:
            faults.append(f"{name} is wider than {width} pixels")
        for found in Axe().run(page).response["violations"]:
            if found["impact"] in SERIOUS and found["id"] not in OF_THE_THEME:
                faults.append(f"{name}: {found['id']}: {found['nodes'][0]['html'][:200]}")
    context.close()
    assert not faults


def test_the_search_works_on_a_server_and_from_a_folder(site: tuple[Path, str], browser: Browser) -> None:
    """The search works from a folder although browsers start no workers from files."""
    folder, address = site
    for start in (f"{address}index.html", (folder / "index.html").as_uri()):
        page = browser.new_page()
        faults = watched(page, start.removesuffix("index.html"))
        page.goto(start)
        page.locator("input.md-search__input").first.click()
        ready = page.locator(".md-search-result__meta", has_text="Type to start searching")
        ready.wait_for(timeout=20_000)  # the theme minds letters that come before its index is there
        page.keyboard.type("pipeline", delay=20)
        page.locator("a.md-search-result__link").first.wait_for(timeout=20_000)
        assert not faults
        page.close()


def test_arrowheads_point_along_their_lines(generated: Path, browser: Browser) -> None:
    """The last segment of each line of the pipeline has a length, which gives the head its direction."""
    page = browser.new_page()
    page.goto((generated / "pipeline.html").as_uri())
    ends = page.evaluate(
        """[...document.querySelectorAll("path[marker-end]")].map(path => {
            const length = path.getTotalLength(), numbers = path.getAttribute("d").match(/-?[\\d.]+/g).slice(-4)
            const [before, end] = [path.getPointAtLength(length - 1), path.getPointAtLength(length)]
            const isZero = numbers[0] === numbers[2] && numbers[1] === numbers[3]
            return {along: Math.abs(end.x - before.x), isZero}
        })"""
    )
    assert len(ends) > 10
    assert all(end["along"] > 0.9 and not end["isZero"] for end in ends)
    page.close()
