"""A real browser for the tests of report.html: Chromium as it is installed, driven by Playwright.

Without a browser, or without axe-core, which npm fetches once, the tests that need them are
skipped, with the reason.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from npm import NotFetchedError, packed_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")

AXE = "4.14.1"
AXE_SHA512 = (
    "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Yield a running browser; skip when there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        found = next(filter(None, map(shutil.which, NAMES)), None)
        own = Path(driver.chromium.executable_path)
        if found is None and not own.is_file():
            pytest.skip(f"no browser: none of {', '.join(NAMES)} is on PATH")
        browser = driver.chromium.launch(executable_path=found or own)
        try:
            yield browser
        finally:
            browser.close()


def axe_source(cache: Path) -> str:
    """Return axe-core, fetched by npm into `cache` once; skip when it cannot be had."""
    try:
        kept = cache / f"axe-core-{AXE}.js"
        script = packed_file(f"axe-core@{AXE}", "package/axe.min.js", kept, sha512=AXE_SHA512)
    except NotFetchedError as error:
        pytest.skip(f"axe-core cannot be fetched: {error}")
    return script.read_text("utf-8")


@contextmanager
def opened(
    browser: Browser, path: Path, *, width: int = 1280, height: int = 900, scheme: Any = "light"
) -> Iterator[Page]:
    """Yield `path` as a page; fail when it said anything to the console or asked for anything."""
    said: list[str] = []
    asked: list[str] = []
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, offline=True
    )
    page = context.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    try:
        yield page
    finally:
        context.close()
    assert said == []
    assert asked == [path.as_uri()]


def violations(page: Page, axe: str, within: str = "html") -> list[str]:
    """Return what axe objects to: rule and element, for all rules that it knows."""
    page.evaluate(axe)  # by the debugger, which the page's policy does not bind
    found = page.evaluate(f"axe.run('{within}', {{resultTypes: ['violations']}})")
    return [
        f"{rule['id']}: {node['target']}: {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
