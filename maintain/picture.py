"""Take the picture of a model card that README.md shows: `python -m maintain.picture SITE`."""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import FloatRect, sync_playwright

from maintain import ROOT

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
TARGET = ROOT / "docs/assets/model-card.png"


def main(site: Path) -> None:
    """Take what follows the table of columns, as far as the first plot.

    Args:
        site: Folder of the site of a generated repository.
    """
    with sync_playwright() as program:
        browser = program.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 960, "height": 900})
        page.goto((site / "model-card.html").absolute().as_uri())
        box = page.locator("article").bounding_box()
        top = page.locator("article > p", has_text="rows were read").bounding_box()
        end = page.locator("figure").first.bounding_box()
        assert box
        assert top
        assert end
        height = end["y"] + end["height"] - top["y"] + 10
        clip = FloatRect(x=box["x"], y=top["y"] - 10, width=box["width"], height=height)
        page.screenshot(path=TARGET, clip=clip, full_page=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
