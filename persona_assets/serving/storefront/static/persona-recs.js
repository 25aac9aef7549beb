/**
 * <persona-recs placement="product" product-id="4711" k="8" intent="related">: a row of
 * recommendations, and `persona`, which sends what people do. docs/serving.md has every attribute.
 *
 * Before consent nothing is stored and no identifier of a person, device or visit is sent.
 * All text goes through textContent: a product's name is never markup.
 */
const here = new URL(import.meta.url);
const settings = {
  endpoint: here.origin,
  key: here.searchParams.get("key") ?? "",
  currency: here.searchParams.get("currency") ?? "",
  userId: null, // the shop's name of who is logged in
  parameters: {}, // more parameters of each question
};
const STORE = "persona";
const HALF = 0.5;
const SECOND = 1000;
const BATCH = 50; // fits the 64 KiB of a beacon
const MOST_WAITING = 500;
const MOST_RECENT = 20;
const PATIENCE = 4000; // ms

let consented = false;
let device = null;
let visit = null;
let recent = []; // products that were viewed, the newest first
let origins = {}; // product → the list in which it was clicked
let queue = []; // events without an answer yet
let sending = false;
let pause = SECOND;
let retry = 0;

// Not randomUUID: pages without TLS have none.
const random = () => crypto.getRandomValues(new Uint32Array(4)).join("-");
const tell = (name, detail) => document.dispatchEvent(new CustomEvent(`persona:${name}`, { detail }));
const rows = () => document.querySelectorAll("persona-recs");

/** Where a browser refuses storage, memory has to do. */
function stored(area, value) {
  try {
    const store = globalThis[area];
    if (value === undefined) return JSON.parse(store.getItem(STORE) ?? "null");
    if (value === null) store.removeItem(STORE);
    else store.setItem(STORE, JSON.stringify(value));
  } catch (error) {
    tell("storage", { area, reason: error.name });
  }
  return null;
}

function keep() {
  if (!consented) return;
  stored("localStorage", { device, recent, queue });
  stored("sessionStorage", { visit, origins });
}

/** The person's answer, from the shop's consent dialog; call it on every page. */
function consent(given) {
  if (given === consented) return;
  consented = given;
  if (given) {
    const old = stored("localStorage") ?? {};
    device = old.device ?? random();
    const visited = stored("sessionStorage") ?? {};
    visit = visited.visit ?? random();
    origins = { ...visited.origins, ...origins };
    const seen = new Set(recent.map((each) => each.product_id));
    recent = [...recent, ...(old.recent ?? []).filter((each) => !seen.has(each.product_id))].slice(0, MOST_RECENT);
    queue = [...(old.queue ?? []), ...queue];
    keep();
    flush();
  } else {
    device = visit = null;
    queue = queue.filter((each) => !each.consent);
    stored("localStorage", null);
    stored("sessionStorage", null);
  }
  persona.refresh();
}

const address = (path, parameters) => {
  const found = new URL(settings.endpoint + path, here);
  for (const [name, value] of Object.entries({ ...parameters, key: settings.key }))
    if (value !== "" && value != null) found.searchParams.set(name, value);
  return found;
};

/** Note what happened: `track("view", {product_id, name, price})`. */
function track(type, of = {}) {
  const { name, ...fields } = of;
  const who = consented ? { user_id: settings.userId ?? undefined, anonymous_id: device, session_id: visit } : {};
  const event = { event_id: random(), event_type: type, event_time: new Date().toISOString(), consent: consented, ...who, ...origins[of.product_id], ...fields };
  if (type === "view") {
    recent = [{ ...of }, ...recent.filter((each) => each.product_id !== of.product_id)].slice(0, MOST_RECENT);
    for (const row of rows()) if (row.getAttribute("intent") === "recent") row.refresh();
  }
  queue = [...queue, event].slice(-MOST_WAITING);
  keep();
  tell("event", { event, state: "waiting" });
  flush();
}

/** Send what waits. An event is known by its event_id, so that sending again is safe. */
async function flush() {
  if (sending || !queue.length) return;
  sending = true;
  clearTimeout(retry);
  const batch = queue.slice(0, BATCH);
  try {
    // Plain text needs no preflight.
    const answer = await fetch(address("/api/events"), {
      method: "POST", body: JSON.stringify(batch), keepalive: true, credentials: "omit",
      headers: { "Content-Type": "text/plain" },
    });
    if (answer.status === 429 || answer.status >= 500) throw new Error(`status ${answer.status}`);
    const sent = new Set(batch.map((each) => each.event_id));
    queue = queue.filter((each) => !sent.has(each.event_id));
    keep();
    pause = SECOND;
    sending = false;
    const wrong = new Set(((await answer.json()).rejected ?? []).map((each) => each.index));
    batch.forEach((event, index) => tell("event", { event, state: answer.ok && !wrong.has(index) ? "accepted" : "refused" }));
    if (batch.some((each) => each.consent && each.event_type !== "impression"))
      for (const row of rows()) if (row.hasAttribute("live")) row.refresh();
    flush();
  } catch (error) {
    sending = false;
    tell("retry", { events: batch.length, reason: String(error.message), wait: pause });
    retry = setTimeout(flush, pause);
    pause = Math.min(2 * pause, 60 * SECOND);
  }
}

/** A page that goes away hears no answer: what waits goes by beacon, and stays in the queue. */
function leave() {
  if (document.visibilityState === "hidden") {
    for (let at = 0; at < queue.length; at += BATCH)
      if (!navigator.sendBeacon(address("/api/events"), JSON.stringify(queue.slice(at, at + BATCH)))) break;
  } else flush();
}

function layer(event, placement, items) {
  (globalThis.dataLayer ??= []).push({ event, ecommerce: { item_list_id: placement, items } });
}

const sheet = new CSSStyleSheet();
sheet.replaceSync(`
:host { display: block; min-block-size: var(--persona-height, 19rem); color: var(--persona-color, inherit); font: inherit; overflow-wrap: anywhere; }
:host([hidden]) { display: none; }
.answered slot { display: none; }
h2 { font-size: var(--persona-heading-size, 1.25rem); line-height: 1.3; margin: 0 0 .75rem; }
ul { display: grid; grid-auto-flow: column; grid-auto-columns: var(--persona-card-width, 11rem); gap: var(--persona-gap, .75rem);
  margin: 0; padding: 3px; list-style: none; overflow-x: auto; scroll-snap-type: x proximity; }
ul:empty { display: none; }
li { scroll-snap-align: start; min-inline-size: 0; }
.card { display: flex; flex-direction: column; block-size: var(--persona-card-height, 15rem); box-sizing: border-box; overflow: hidden; gap: .25rem;
  padding: .75rem; border: 1px solid var(--persona-border, #d5d7db); border-radius: var(--persona-radius, .5rem); background: var(--persona-background, #fff); }
a { color: inherit; text-decoration: none; display: flex; flex-direction: column; gap: .25rem; flex: 1; min-block-size: 0; }
a:hover [part=name] { text-decoration: underline; }
:focus-visible { outline: 2px solid var(--persona-accent, #1a56db); outline-offset: 1px; }
img { inline-size: 100%; block-size: 6rem; object-fit: contain; }
[part=name] { font-weight: 600; }
[part=reason] { font-size: .8125rem; color: var(--persona-muted, #5a6270); }
[part=name], [part=reason] { overflow: hidden; display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; }
button { font: inherit; padding: .35rem .5rem; border: 1px solid currentColor; border-radius: var(--persona-radius, .5rem); background: none; color: var(--persona-accent, #1a56db); cursor: pointer; }
`);

/** The card where the shop has no <template> of its own. */
const CARD = document.createElement("template");
CARD.innerHTML = `<div class="card" part="card"><a data-link part="link"><img data-image part="image" alt="" loading="lazy">
<span data-field="name" part="name" dir="auto"></span><span data-field="price" part="price"></span>
<span data-field="reason" part="reason" dir="auto"></span></a><button type="button" data-action="add_to_cart" part="cart"></button></div>`;

class PersonaRecs extends HTMLElement {
  static observedAttributes = ["placement", "product-id", "k", "intent", "heading"];
  #body = document.createElement("section");
  #heading = document.createElement("h2");
  #list = document.createElement("ul");
  #asked = 0;
  #due = false;
  #answer = null;
  #cards = new Map(); // <li> → its product
  #timers = new Map();
  #seen = new Set();
  #told = [];
  #watch = new IntersectionObserver((changes) => changes.forEach((each) => this.#visible(each)), { threshold: HALF });

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    this.#heading.part = "heading";
    this.#list.part = "list";
    this.#list.setAttribute("role", "list"); // for VoiceOver: list-style is none
    this.#body.append(this.#heading, this.#list, document.createElement("slot"));
    root.append(this.#body);
    this.#list.addEventListener("click", (event) => this.#clicked(event));
  }

  connectedCallback() { document.addEventListener("visibilitychange", this); this.refresh(); }
  disconnectedCallback() { document.removeEventListener("visibilitychange", this); this.#forget(); this.#asked += 1; }
  attributeChangedCallback(name, before, now) { if (before !== now && this.isConnected) this.refresh(); }

  handleEvent() {
    this.#impression();
    for (const item of this.#cards.keys()) {
      this.#stop(item);
      this.#watch.unobserve(item);
      if (document.visibilityState === "visible") this.#watch.observe(item);
    }
  }

  #of(name, otherwise) { return this.getAttribute(name) ?? otherwise; }
  get #placement() { return this.#of("placement", "home"); }

  /** Ask again; several calls in a row are one question. */
  refresh() {
    if (this.#due) return;
    this.#due = true;
    queueMicrotask(() => { this.#due = false; if (this.isConnected) this.#load(); });
  }

  #question() {
    const item_id = this.#of("product-id", "");
    const k = this.#of("k", 8);
    const intent = this.#of("intent");
    if (intent === "related" || intent === "complementary")
      return [intent === "related" ? "/api/similar" : "/api/complementary", { item_id, k }];
    const context = item_id && ["product", "cart"].includes(this.#placement) ? this.#placement : "home";
    return ["/api/recommendations", { k, consent: consented, context, item_id: context === "home" ? "" : item_id,
      user_id: consented ? settings.userId ?? device : "", ...settings.parameters }];
  }

  async #load() {
    const asked = ++this.#asked;
    const label = this.#of("heading", "");
    this.#heading.textContent = label;
    this.#heading.hidden = !label;
    this.#body.setAttribute("aria-label", label || "Recommendations");
    if (this.#of("intent") === "recent") {
      const others = recent.filter((each) => each.product_id !== this.#of("product-id"));
      return this.#show({ recommendations: others.slice(0, this.#of("k", 8)) });
    }
    const [path, parameters] = this.#question();
    if (parameters.item_id === "" && !parameters.context) return this.#show({ recommendations: [] });
    this.#body.setAttribute("aria-busy", "true");
    const began = performance.now();
    try {
      const answer = await fetch(address(path, { ...parameters, placement: this.#placement }), { credentials: "omit", signal: AbortSignal.timeout(PATIENCE) });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const body = await answer.json();
      if (asked === this.#asked) this.#show(body, performance.now() - began);
    } catch (error) {
      // What is there stays: the shop's own list, or the last answer.
      if (asked === this.#asked) tell("failed", { element: this, reason: String(error.message) });
    } finally {
      if (asked === this.#asked) this.#body.removeAttribute("aria-busy");
    }
  }

  #show(answer, milliseconds) {
    const focused = this.shadowRoot.activeElement;
    const held = focused && [...this.#list.children].findIndex((each) => each.contains(focused));
    const before = this.#cards.get(this.#list.children[held])?.product_id;
    this.#forget();
    this.#answer = answer;
    const items = answer.recommendations;
    this.#list.replaceChildren(...items.map((product, index) => this.#card(product, index + 1)));
    this.#body.classList.toggle("answered", items.length > 0);
    this.toggleAttribute("empty", !items.length);
    if (focused && held >= 0 && items.length) {
      const at = items.findIndex((each) => each.product_id === before);
      const next = this.#list.children[at < 0 ? Math.min(held, items.length - 1) : at];
      next.querySelector(focused.dataset.action ? `[data-action=${focused.dataset.action}]` : "a")?.focus();
    }
    if (items.length && answer.recommendation_id) for (const item of this.#cards.keys()) this.#watch.observe(item);
    tell("list", { element: this, answer, milliseconds });
  }

  #card(product, position) {
    const item = document.createElement("li");
    item.append((this.querySelector(":scope > template") ?? CARD).content.cloneNode(true));
    const name = product.name ?? product.product_id;
    const fill = (pattern) => pattern.replaceAll("{id}", encodeURIComponent(product.product_id));
    const texts = { ...product, name, price: this.#money(product.price) };
    for (const each of item.querySelectorAll("[data-field]")) each.textContent = texts[each.dataset.field] ?? "";
    for (const each of item.querySelectorAll("[data-link]"))
      if (this.hasAttribute("link")) each.href = fill(this.#of("link"));
    for (const each of item.querySelectorAll("[data-image]"))
      if (this.hasAttribute("image")) each.src = fill(this.#of("image"));
      else each.remove();
    for (const each of item.querySelectorAll("[data-action]")) {
      const label = this.#of(each.dataset.action === "reject" ? "reject-label" : "cart-label");
      if (!label && !each.textContent.trim()) each.remove(); // the shop did not ask for it
      else {
        each.textContent ||= label;
        each.setAttribute("aria-label", `${label ?? each.textContent.trim()}: ${name}`);
      }
    }
    this.#cards.set(item, { ...product, position });
    return item;
  }

  #money(price) {
    if (price == null) return "";
    const language = this.closest("[lang]")?.lang || navigator.language;
    const style = settings.currency ? { style: "currency", currency: settings.currency } : { minimumFractionDigits: 2, maximumFractionDigits: 2 };
    return new Intl.NumberFormat(language, style).format(price);
  }

  #clicked(event) {
    const product = this.#cards.get(event.target.closest("li"));
    const action = event.target.closest("[data-action]")?.dataset.action;
    const type = action ?? (event.target.closest("a") ? "list_click" : null);
    if (!product || !type) return;
    const go = this.dispatchEvent(new CustomEvent(`persona-${type}`, { bubbles: true, composed: true, cancelable: true, detail: product }));
    if (!go) event.preventDefault();
    const { product_id, name, price, position } = product;
    if (this.#answer.recommendation_id) origins[product_id] = { recommendation_id: this.#answer.recommendation_id, list_id: this.#placement, position };
    track(type, { product_id, name, price: price ?? undefined });
    if (type !== "reject") layer(action ?? "select_item", this.#placement, [item(product)]);
  }

  #visible({ target, intersectionRatio }) {
    this.#stop(target);
    const product = this.#cards.get(target);
    if (intersectionRatio < HALF || !product || this.#seen.has(product.product_id)) return;
    this.#timers.set(target, setTimeout(() => {
      this.#seen.add(product.product_id);
      this.#told.push(product);
      if (this.#told.length === 1) setTimeout(() => this.#impression(), 100);
    }, SECOND));
  }

  #impression() {
    const seen = this.#told.splice(0);
    if (!seen.length) return;
    track("impression", { recommendation_id: this.#answer.recommendation_id, list_id: this.#placement,
      product_ids: seen.map((each) => each.product_id) });
    layer("view_item_list", this.#placement, seen.map(item));
  }

  #stop(item) { clearTimeout(this.#timers.get(item)); this.#timers.delete(item); }

  #forget() {
    this.#impression();
    this.#watch.disconnect();
    for (const each of this.#cards.keys()) this.#stop(each);
    this.#cards.clear();
    this.#seen.clear();
  }
}

const item = ({ product_id, name, price, position }) => ({ item_id: product_id, item_name: name, price, index: position });

export const persona = (globalThis.persona ??= {
  consent, track, flush,
  configure(changes) { Object.assign(settings, changes); persona.refresh(); },
  refresh() { for (const row of rows()) row.refresh?.(); },
  get consented() { return consented; },
  get who() { return consented ? settings.userId ?? device : null; },
  get waiting() { return queue.length; },
});

addEventListener("visibilitychange", leave);
addEventListener("online", flush);
if (!customElements.get("persona-recs")) customElements.define("persona-recs", PersonaRecs);
