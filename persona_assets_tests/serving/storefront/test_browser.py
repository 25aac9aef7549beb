"""The element and the demo shop in a real browser."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

EMPTY = "<!doctype html><html lang=en><meta charset=utf-8><title>shop</title><body>"
SCRIPT = '<script type="module" src="/storefront/persona-recs.js"></script>'
ROW = "#for-you"
WIDTHS = [360, 768, 1280]


@pytest.fixture
def shop(page: Page, address: str) -> Page:
    """The demo shop's home, its rows filled."""
    page.goto(f"{address}/demo")
    filled(page)
    return page


def filled(page: Page, row: str = ROW) -> None:
    expect(page.locator(f"{row} li").first).to_be_visible()


def shown(page: Page, row: str = ROW) -> list[str]:
    return page.locator(f"{row} [data-field=name]").all_text_contents()


def standing(page: Page, address: str, body: str) -> Page:
    """A shop's own page with `body`, of the same host as the service."""
    page.route(
        "**/own.html", lambda route: route.fulfill(body=EMPTY + body, content_type="text/html")
    )
    page.goto(f"{address}/own.html")
    return page


def posted(page: Page) -> list[dict[str, Any]]:
    """Events that the page sends from now on."""
    found: list[dict[str, Any]] = []

    def note(request: Any) -> None:
        if request.url.partition("?")[0].endswith("/api/events"):
            found.extend(json.loads(request.post_data))

    page.on("request", note)
    return found


def kept(page: Page) -> Any:
    """Everything that the browser keeps for the page."""
    kept_here = "({...localStorage, ...sessionStorage})"
    return (
        page.evaluate(kept_here),
        page.context.cookies(),
        page.evaluate("indexedDB.databases().then(each => each.length)"),
    )


def consent(page: Page) -> None:
    with page.expect_response(lambda each: "consent=true" in each.url):
        page.get_by_label("consents to personalization").check()
    expect(page.locator("#answer dd").first).not_to_have_text("no_consent")


def test_a_click_changes_the_row_and_the_drawer_says_how_long_it_took(shop: Page) -> None:
    consent(shop)
    expect(shop.locator("#answer dd").first).to_have_text("cold_start")
    before = shown(shop)
    shop.locator(f"{ROW} a").nth(2).click()
    expect(shop.locator("#change")).to_have_attribute("data-changed", "true")
    expect(shop.locator("#answer dd").first).to_have_text("fold_in")
    shop.locator("header").get_by_role("link", name="Home").click()
    expect(shop.locator("#page h1")).to_have_text("What are you looking for?")
    shop.wait_for_load_state("networkidle")
    assert shown(shop) != before
    assert re.match(r"\d+(\.\d)? ms after the click: \d+ new products", shop.inner_text("#change"))
    expect(shop.locator("#events .accepted").first).to_be_visible()


def test_what_is_bought_or_rejected_leaves_the_row(shop: Page) -> None:
    consent(shop)
    for button in ("Do not show me this", "Add to cart"):
        name = shown(shop)[0]
        shop.locator(f"{ROW} a").first.click()
        expect(shop.locator("#page h1")).to_have_text(name)
        shop.locator("#page").get_by_role("button", name=button).click()
        if button == "Add to cart":
            shop.locator("header").get_by_role("link", name="Cart").click()
            shop.get_by_role("button", name="Order").click()
        expect(
            shop.locator(f"{ROW} [data-field=name]").get_by_text(name, exact=True)
        ).to_have_count(0)


def test_a_hostile_name_stays_text(shop: Page) -> None:
    consent(shop)
    assert any("<script>" in name for name in shown(shop))
    shop.locator(f"{ROW} a").filter(has_text="<script>").first.click()
    expect(shop.locator("#page h1")).to_contain_text('<img src=x onerror="document.title=1">')
    shop.goto(shop.url.partition("#")[0] + "#/")
    for row in ("#recent", "#because"):
        filled(shop, row)
    assert shop.locator("[onerror], #page script, persona-recs script").count() == 0
    assert shop.title() != "1"
    assert "Because you viewed <img" in shop.locator("#because h2").inner_text()


def test_without_consent_nothing_is_stored_and_nobody_is_named(page: Page, address: str) -> None:
    sent = posted(page)
    page.goto(f"{address}/demo")
    filled(page)
    page.locator(f"{ROW} a").first.click()
    page.locator("#buy").click()
    expect(page.locator("#events .accepted")).not_to_have_count(0)
    expect(page.locator("#answer dd").first).to_have_text("no_consent")
    assert kept(page) == ({}, [], 0)
    assert {each["event_type"] for each in sent} >= {"list_click", "view", "add_to_cart"}
    for each in sent:
        assert each["consent"] is False
        assert not each.keys() & {"user_id", "anonymous_id", "session_id"}


def test_withdrawn_consent_leaves_nothing(shop: Page) -> None:
    consent(shop)
    shop.locator(f"{ROW} a").first.click()
    expect(shop.locator("#change")).to_have_attribute("data-changed", re.compile("true|false"))
    assert kept(shop)[0]
    shop.get_by_label("consents to personalization").uncheck()
    expect(shop.locator("#answer dd").first).to_have_text("no_consent")
    assert kept(shop) == ({}, [], 0)
    assert shop.evaluate("persona.who") is None


def test_an_impression_is_sent_after_a_second_of_half_visibility(page: Page, address: str) -> None:
    page.clock.install()
    sent = posted(page)
    standing(
        page, address,
        '<div id="above" style="height:3000px"></div>'
        f'<persona-recs placement="below" intent="for-you" k="3"></persona-recs>{SCRIPT}',
    )  # fmt: skip
    filled(page, "persona-recs")
    impressions = lambda: [each for each in sent if each["event_type"] == "impression"]  # noqa: E731
    page.clock.run_for(5_000)
    assert impressions() == []  # nobody has scrolled to it

    cards = page.locator("persona-recs li")
    height = cards.first.bounding_box()["height"]  # type: ignore[index]

    def scroll(share: float) -> None:
        """So that `share` of the cards is in the window."""
        page.evaluate(
            """([share, height]) => new Promise(done => {
                const card = document.querySelector('persona-recs').shadowRoot.querySelector('li');
                scrollBy(0, card.getBoundingClientRect().top - innerHeight + share * height);
                new IntersectionObserver((_, it) => { it.disconnect(); done(); }).observe(card);
            })""",
            [share, height],
        )

    scroll(0.4)
    page.clock.run_for(5_000)
    assert impressions() == []  # less than half of it is visible
    scroll(0.6)
    page.clock.run_for(900)
    scroll(0.2)
    page.clock.run_for(5_000)
    assert impressions() == []  # it was visible for less than a second
    scroll(0.6)
    with page.expect_request("**/api/events*"):
        page.clock.run_for(1_200)
    (one,) = impressions()
    assert one["list_id"] == "below"
    assert len(one["product_ids"]) == 3
    assert len(one["recommendation_id"]) == 32
    page.clock.run_for(60_000)
    scroll(0.1)
    scroll(0.9)
    page.clock.run_for(5_000)
    assert len(impressions()) == 1  # the same list is seen once
    layer = page.evaluate("dataLayer")
    assert [each["event"] for each in layer] == ["view_item_list"]
    assert layer[0]["ecommerce"]["item_list_id"] == "below"


def test_events_wait_while_the_service_is_away_and_arrive_once(page: Page, address: str) -> None:
    tries: list[int] = []

    def away(route: Route) -> None:
        tries.append(1)
        route.fulfill(status=503, body="{}") if len(tries) < 3 else route.continue_()

    page.route("**/api/events*", away)
    page.clock.install()
    sent = posted(page)
    standing(page, address, f'<persona-recs k="2" link="#{{id}}"></persona-recs>{SCRIPT}')
    filled(page, "persona-recs")
    page.evaluate("persona.track('search', {query: 'kettle'})")
    for wanted in (1, 2, 3):
        while len(tries) < wanted:
            page.clock.run_for(1_000)
    page.wait_for_function("persona.waiting === 0")
    searches = [each["event_id"] for each in sent if each["event_type"] == "search"]
    assert len(searches) == 3
    assert len(set(searches)) == 1


def test_a_page_that_goes_away_sends_what_waits_by_beacon(page: Page, address: str) -> None:
    page.route("**/api/events*", lambda route: route.fulfill(status=503, body="{}"))
    standing(page, address, f'<persona-recs k="2"></persona-recs>{SCRIPT}')
    filled(page, "persona-recs")
    page.evaluate(
        """() => { window.beacons = [];
            navigator.sendBeacon = (url, body) => beacons.push([String(url), JSON.parse(body)]);
            persona.track('view', {product_id: 'p1'});
            Object.defineProperty(document, 'visibilityState', {get: () => 'hidden'});
            document.dispatchEvent(new Event('visibilitychange', {bubbles: true})); }"""
    )
    ((url, events),) = page.evaluate("beacons")
    assert url.endswith("/api/events")
    assert [each["event_type"] for each in events] == ["view"]
    assert page.evaluate("persona.waiting") == 1  # nobody has confirmed it


def test_the_shops_own_list_stays_where_there_is_no_answer(page: Page, address: str) -> None:
    answers: list[Callable[[Route], None]] = [
        lambda route: route.fulfill(status=503, body="{}"),
        lambda route: route.abort(),
        lambda route: route.fulfill(status=200, body="<html>a proxy's page"),
        lambda route: route.fulfill(json={"recommendations": []}),
    ]
    for answer in answers:
        page.unroute_all()
        page.route("**/api/recommendations*", answer)
        standing(page, address, f"<persona-recs><ul><li>Our own</li></ul></persona-recs>{SCRIPT}")
        page.wait_for_function(
            "document.querySelector('persona-recs:defined')"
            "?.shadowRoot.querySelector('section:not([aria-busy])')"
        )
        expect(page.get_by_text("Our own")).to_be_visible()
    page.unroute_all()
    standing(page, address, f"<persona-recs><ul><li>Our own</li></ul></persona-recs>{SCRIPT}")
    expect(page.locator("persona-recs .card").first).to_be_visible()
    expect(page.get_by_text("Our own")).to_be_hidden()


def test_the_shops_own_card_is_used(page: Page, address: str) -> None:
    standing(
        page, address,
        """<persona-recs k="3" link="/p/{id}" cart-label="In den Warenkorb"><template>
        <article><a data-link><b data-field="name"></b></a><i data-field="price"></i>
        <button data-action="add_to_cart"></button></article></template></persona-recs>"""
        + SCRIPT,
    )  # fmt: skip
    filled(page, "persona-recs")
    assert page.locator("persona-recs article b").count() == 3
    first = page.locator("persona-recs article").first
    assert re.match(r"/p/\w+", first.locator("a").get_attribute("href") or "")
    name = first.locator("b").inner_text()
    assert first.get_by_role("button").get_attribute("aria-label") == f"In den Warenkorb: {name}"


def test_the_row_is_a_named_list_of_links_that_keys_reach(shop: Page) -> None:
    row = shop.get_by_role("region", name="For you")
    assert row.get_by_role("list").count() == 1
    cards = row.get_by_role("listitem")
    assert cards.count() == len(shown(shop)) == 10
    for place in range(3):
        assert cards.nth(place).get_by_role("link").count() == 1
        button = cards.nth(place).get_by_role("button")
        assert shown(shop)[place] in (button.get_attribute("aria-label") or "")
    cards.first.get_by_role("link").focus()
    focused = "document.activeElement.shadowRoot.activeElement.textContent"
    for _ in range(2):  # to its button, to the next card
        shop.keyboard.press("Tab")
    assert shown(shop)[1] in shop.evaluate(focused)


def test_focus_stays_in_the_row_when_it_changes(shop: Page) -> None:
    consent(shop)
    shop.locator(f"{ROW} [data-action=add_to_cart]").nth(1).focus()
    shop.keyboard.press("Enter")
    expect(shop.locator("#change")).to_have_attribute("data-changed", re.compile("true|false"))
    assert shop.evaluate("document.activeElement.id") == "for-you"
    assert shop.evaluate("document.activeElement.shadowRoot.activeElement.tagName") == "BUTTON"


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_is_wider_than_the_window(
    page: Page, address: str, width: int, direction: str
) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    page.goto(f"{address}/demo")
    filled(page)
    if width < 960:
        page.get_by_role("button", name="Behind the rows").click()
    if direction == "rtl":
        page.get_by_label("right to left").check()
    consent(page)
    wide = "document.documentElement.scrollWidth > innerWidth"
    assert not page.evaluate(wide)
    page.locator(f"{ROW} [data-action=add_to_cart]").first.click()
    page.locator(f"{ROW} a").first.click()
    expect(page.locator("#buy")).to_be_visible()
    assert not page.evaluate(wide)
    page.locator("header").get_by_role("link", name="Cart").click()
    expect(page.locator("#order")).to_be_visible()
    assert not page.evaluate(wide)
    places = page.locator(f"{ROW} li").evaluate_all(
        "all => all.map(each => each.getBoundingClientRect().left)"
    )
    assert places == sorted(places, reverse=direction == "rtl")


def test_an_answer_moves_nothing_on_the_page(page: Page, address: str) -> None:
    page.add_init_script(
        "window.moved = 0; new PerformanceObserver(list => list.getEntries()"
        ".forEach(each => moved += each.value)).observe({type: 'layout-shift', buffered: true});"
    )
    standing(
        page, address,
        "<style>persona-recs { display: block; min-height: 19rem }</style>"
        f'<persona-recs heading="For you" k="5"></persona-recs><p id="after">after</p>{SCRIPT}',
    )  # fmt: skip
    before = page.locator("#after").bounding_box()
    filled(page, "persona-recs")
    assert page.locator("#after").bounding_box() == before
    assert page.evaluate("moved") == 0


def test_another_model_answers_when_it_is_chosen(shop: Page) -> None:
    shop.locator("#user").select_option(index=1)
    consent(shop)
    expect(shop.locator("#answer dd").first).to_have_text("personal")
    champion = shop.locator("#answer dd").nth(1).inner_text()
    for name in shop.locator("#model option").evaluate_all("all => all.map(each => each.value)")[
        1:3
    ]:
        shop.locator("#model").select_option(name)
        expect(shop.locator("#answer dd").nth(1)).to_have_text(name)
        assert name != champion
    shop.locator("#known summary").first.click()
    expect(shop.locator("#known dl").first).to_be_visible()
