"""Make the pictures of `docs/images/`: the demo shop before and after a click, and on a phone.

    PERSONA_HOME=HOME python docs/pictures.py docs/images

Serves the home (without PERSONA_HOME a demo is made in a folder of its own first) and looks at it
in headless Chromium, as somebody who does what a visitor does.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

READY_SECONDS = 300
COMMAND = [sys.executable, "-m", "persona_assets.cli"]


@contextmanager
def served(home: Path) -> Iterator[str]:
    """The address of the service over the home."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "PERSONA_HOME": str(home), "PERSONA_API_KEYS": "off"}
    process = subprocess.Popen([*COMMAND, "serve", "--port", str(port)], env=environment)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(10 * READY_SECONDS):
            if process.poll() is not None:
                raise RuntimeError(f"the service ended with {process.returncode}")
            try:
                urllib.request.urlopen(f"{address}/readyz", timeout=5).close()
                break
            except OSError:
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait()


def filled(page: Page) -> None:
    """Wait for the row, and for what is drawn after it."""
    expect(page.locator("#for-you li").first).to_be_visible()
    page.wait_for_load_state("networkidle")


def taken(address: str, folder: Path) -> None:
    """Take the pictures."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), chromium_sandbox=os.geteuid() != 0
        )
        desk = browser.new_page(viewport={"width": 1400, "height": 1000}, reduced_motion="reduce")
        desk.set_default_timeout(60_000)
        desk.goto(f"{address}/demo")
        filled(desk)
        desk.get_by_label("consents to personalization").check()
        expect(desk.locator("#answer dd").first).to_have_text("cold_start")
        filled(desk)
        desk.screenshot(path=folder / "demo-before.png")
        desk.locator("#for-you a").nth(2).click()
        expect(desk.locator("#change")).to_have_attribute("data-changed", "true")
        filled(desk)
        desk.screenshot(path=folder / "demo-after.png")
        phone = browser.new_page(
            viewport={"width": 390, "height": 844}, device_scale_factor=2, reduced_motion="reduce"
        )
        phone.set_default_timeout(60_000)
        phone.goto(f"{address}/demo")
        filled(phone)
        phone.screenshot(path=folder / "demo-phone.png")
        browser.close()


def main() -> None:
    """Make a home where there is none, serve it, take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="persona-pictures-") as made:
        home = Path(os.environ.get("PERSONA_HOME") or made)
        if str(home) == made:
            environment = {**os.environ, "PERSONA_HOME": made}
            subprocess.run([*COMMAND, "demo"], env=environment, check=True)
        with served(home) as address:
            taken(address, folder)


if __name__ == "__main__":
    main()
