"""Pages in a real browser: by keyboard, on a phone, without JavaScript, as they change; axe-core's rules; QR codes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import clusto_core
from tests.console.lab import until
from tests.web.browser import axe, browsing
from tests.web.conftest import filled
from tests.web.site import Site, running

pytest.importorskip("selenium", reason="selenium is not installed (PyPI: selenium)")

from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

PAGES = (
    "/", "/?q=driver:Server", "/?q=driver:Sever", "/things/rack1", "/things/dc1", "/things/s1", "/things/s1?at=1",
    "/things/s1/trace", "/things/pdu1/impact", "/things/rack1/capacity", "/networks", "/networks/net1", "/history",
    "/history/1", "/diff?from=0", "/policies", "/labels?q=driver:Server",
)  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with browsing() as driver:
        yield driver


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server whose store these tests change."""
    directory = tmp_path_factory.mktemp("browsed")
    with running(filled(directory), directory / "log") as site:
        yield site


@pytest.fixture
def window(browser: Any) -> Iterator[Any]:
    """The browser as it is at first: a wide window, light, with JavaScript."""
    browser.get("about:blank")
    yield browser
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def path(window: Any) -> str:
    return urlsplit(window.current_url).path


def words(window: Any, selector: str = "main") -> str:
    """What is read there; nothing of a page that has just gone."""
    try:
        return str(window.find_element(By.CSS_SELECTOR, selector).text)
    except (NoSuchElementException, StaleElementReferenceException):
        return ""


def press(window: Any, *keys: str) -> None:
    for key in keys:
        window.switch_to.active_element.send_keys(key)


def focused(window: Any) -> str:
    """What has the focus: its text, or its id."""
    element = window.switch_to.active_element
    return str(element.get_attribute("id") or element.text)


def test_a_search_by_keyboard_alone(window: Any, own: Site) -> None:
    window.get(own.url)
    press(window, Keys.TAB)
    assert focused(window) == "Skip to the content"
    for _ in range(10):
        press(window, Keys.TAB)
        if focused(window) == "q":
            break
    press(window, "driver:Server and attr:ra")
    until(lambda: window.find_elements(By.CSS_SELECTOR, "#q-candidates option"), "candidates are there")
    candidates = window.find_elements(By.CSS_SELECTOR, "#q-candidates option")
    assert "driver:Server and attr:ram," in [each.get_attribute("value") for each in candidates]
    press(window, "m>64", Keys.ENTER)
    until(lambda: words(window, "h1") == "4 found", "the search is answered")
    window.find_element(By.LINK_TEXT, "s3").send_keys(Keys.ENTER)
    until(lambda: path(window) == "/things/s3", "the Thing is shown")


def test_a_rack_is_two_pictures_that_lead_to_its_devices(window: Any, own: Site) -> None:
    window.get(f"{own.url}/things/rack1")
    pictures = window.find_elements(By.CSS_SELECTOR, ".pictures svg")
    assert [each.get_attribute("aria-label") for each in pictures] == ["rack1, front", "rack1, rear"]
    drawn = {
        each.find_element(By.CSS_SELECTOR, "text").text: each.rect["y"]
        for each in pictures[0].find_elements(By.CSS_SELECTOR, "a")
    }
    assert sorted(drawn, key=drawn.__getitem__) == ["cs1", "sw1", "pp1", "s6", "s4", "s2", "pdu1"]
    pictures[0].find_element(By.CSS_SELECTOR, 'a[href="/things/s4"]').click()
    until(lambda: path(window) == "/things/s4", "the device is shown")
    assert "RU4 in rack1" in words(window)


def test_a_cable_is_followed_to_its_end(window: Any, own: Site) -> None:
    window.get(f"{own.url}/things/s2")
    window.find_element(By.CSS_SELECTOR, '[aria-label="cable of s2:eth0"]').click()
    until(lambda: path(window).endswith("/trace"), "the path is shown")
    stations = window.find_elements(By.CSS_SELECTOR, ".pictures a")
    ordered = sorted(stations, key=lambda each: each.rect["y"])
    assert [each.find_element(By.CSS_SELECTOR, "text").text for each in ordered] == ["s2", "pp1", "sw1"]
    ordered[-1].click()
    until(lambda: path(window) == "/things/sw1", "the far end is shown")


def test_the_slider_shows_it_as_it_was_and_changes_show_themselves(window: Any, own: Site) -> None:
    window.get(f"{own.url}/things/s5")
    until(lambda: window.execute_script("return document.readyState") == "complete", "the page is there")
    with clusto_core.open(own.store).change("broken disk") as change:
        change["s5"].attrs["status"] = "broken"
    until(lambda: "Changed by" in words(window, "#news"), "the change is told", 20)
    assert "status broken" in words(window)
    slider = window.find_element(By.CSS_SELECTOR, "input[type=range]")
    slider.send_keys(Keys.HOME, Keys.ARROW_RIGHT)
    assert window.find_element(By.CSS_SELECTOR, "output").text == "1"
    slider.send_keys(Keys.ENTER)
    until(lambda: "As it was: 1" in words(window, "body"), "the past is shown")
    assert "status spare" in words(window)
    window.find_element(By.LINK_TEXT, "As it is now").click()
    until(lambda: "status broken" in words(window), "the present is shown")
    window.get(f"{own.url}/history")
    assert "broken disk" in words(window)


def test_a_phone_shows_all_in_its_width(window: Any, own: Site) -> None:
    size = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    window.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    wide = {}
    for page in PAGES:
        window.get(own.url + page)
        wide[page] = window.execute_script("return document.documentElement.scrollWidth")
    assert {page: width for page, width in wide.items() if width > 390} == {}
    window.get(f"{own.url}/things/rack1")
    assert all(each.rect["width"] <= 390 for each in window.find_elements(By.CSS_SELECTOR, ".pictures svg"))


def test_nothing_needs_javascript(window: Any, own: Site) -> None:
    window.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    window.get(own.url)
    search = window.find_element(By.ID, "q")
    search.send_keys("s1", Keys.ENTER)
    until(lambda: words(window, "h1") == "s1", "the Thing is shown")
    window.find_element(By.LINK_TEXT, "Cables").click()
    until(lambda: words(window, "h1") == "Cables of s1", "its cables are shown")
    window.get(f"{own.url}/things/s1")
    window.find_element(By.CSS_SELECTOR, ".slider button").click()
    until(lambda: "As it was" in words(window, "body"), "the slider is a form")


def test_axe_has_nothing_to_say(window: Any, own: Site, tmp_path: Path) -> None:
    rules = axe(tmp_path)
    said = {}
    for scheme, options in (("light", {}), ("dark", {"runOnly": ["color-contrast"]})):
        feature = {"name": "prefers-color-scheme", "value": scheme}
        window.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        for page in PAGES:
            window.get(own.url + page)
            window.execute_script(rules)
            found = window.execute_async_script("axe.run(arguments[0]).then(arguments[1])", options)
            for each in found["violations"]:
                said[page, scheme, each["id"]] = [node["html"][:200] for node in each["nodes"][:3]]
    assert said == {}
    assert [each["message"] for each in window.get_log("browser") if each["level"] == "SEVERE"
            and "status of 400" not in each["message"]] == []  # fmt: skip


def test_a_printed_code_leads_to_the_thing(window: Any, own: Site) -> None:
    zxing = pytest.importorskip("zxingcpp", reason="what reads QR codes is not installed (PyPI: zxing-cpp)")
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    window.get(f"{own.url}/labels?q=name:s[1-2]")
    seen = image.open(io.BytesIO(window.get_screenshot_as_png()))
    addresses = {code.text for code in zxing.read_barcodes(seen)}
    assert addresses == {f"{own.url}/things/s1", f"{own.url}/things/s2"}
    window.get(addresses.pop())
    assert words(window, "h1") in ("s1", "s2")
