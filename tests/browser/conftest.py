"""A real browser and a real JupyterLab for the tests in this folder."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # no name beyond this machine resolves
)


def browser_program() -> str | None:
    """Return the browser to drive: GLASSBOX_CHROMIUM, or one on the search path."""
    return os.environ.get("GLASSBOX_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)


@pytest.fixture(scope="module")
def chromium():
    """Start the browser, or skip and say what is missing.

    Its driver keeps an event loop running in this thread, so it must not outlive these tests.
    """
    if find_spec("playwright") is None:
        pytest.skip("browser journey not run: the package playwright is missing (extra `test`)")
    if (program := browser_program()) is None:
        pytest.skip(
            "browser journey not run: no Chromium or Chrome found "
            "(Debian: apt install chromium; or set GLASSBOX_CHROMIUM to its program)"
        )
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def context(chromium):
    """Return a browser window without memory."""
    window = chromium.new_context(service_workers="block", viewport={"width": 1280, "height": 1000})
    yield window
    window.close()


@pytest.fixture(scope="session")
def artifacts():
    """Return the folder for what a failed run leaves to look at."""
    folder = Path(__file__).parents[1] / "artifacts"
    folder.mkdir(exist_ok=True)
    return folder
