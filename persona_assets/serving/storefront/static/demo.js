/** The demo shop. Belongs here: which page is shown, the cart, the switches. Pages are in pages.js. */
import { know, listen, turned } from "/demo/drawer.js";
import { cart, category, home, keyForm, message, product } from "/demo/pages.js";

const find = (id) => document.getElementById(id);
const WIDE = matchMedia("(min-width: 60rem)");
const lines = new Map(); // product → line of the cart
let key = "";
let turn = 0;
let last = null; // the product that was viewed last
let bought = null; // the one that was put into the cart last
let pressed = null; // when somebody clicked what led to this page

listen(); // before the rows are there: the drawer shows their first answers, too
const { persona } = await import("/storefront/persona-recs.js");

async function ask(path) {
  const answer = await fetch(path, key ? { headers: { Authorization: `Bearer ${key}` } } : {});
  const body = await answer.json();
  if (answer.ok) return body;
  throw Object.assign(new Error(body.error.message), { status: answer.status });
}

const row = (id, changes, visible) => {
  const found = find(id);
  for (const [name, value] of Object.entries(changes)) found.setAttribute(name, value);
  found.hidden = !visible;
};

/** Which rows a page has, and of which product they are. */
function arrange(page) {
  // On its own page a product is not recommended.
  row("for-you", page === "product" ? { placement: "product", "product-id": last.product_id } : { placement: "home", "product-id": "" }, page !== "none");
  const of = page === "cart" ? bought : page === "product" ? last : null;
  row("goes-with", { "product-id": of?.product_id ?? "", heading: of ? `Goes with ${of.name ?? of.product_id}` : "" }, of);
  row("because", { "product-id": last?.product_id ?? "", heading: `Because you viewed ${last?.name ?? last?.product_id ?? ""}` }, last && page !== "cart");
  row("recent", { "product-id": page === "product" ? last?.product_id ?? "" : "" }, last && page !== "cart");
}

const plain = ({ product_id, name, price }) => ({ product_id, name, price: price ?? undefined });

function put(item, told) {
  const line = lines.get(item.product_id) ?? { ...plain(item), quantity: 0 };
  lines.set(item.product_id, { ...line, quantity: line.quantity + 1 });
  bought = item;
  find("cart-count").textContent = [...lines.values()].reduce((sum, each) => sum + each.quantity, 0);
  turned("a product was put into the cart", performance.now());
  if (!told) persona.track("add_to_cart", plain(item));
  if (location.hash === "#/cart") show();
}

function remove(item) {
  lines.delete(item.product_id);
  find("cart-count").textContent = [...lines.values()].reduce((sum, each) => sum + each.quantity, 0);
  persona.track("remove_from_cart", { product_id: item.product_id });
  show();
}

function order() {
  const order_id = `demo-${Date.now()}`;
  turned("the order", performance.now());
  for (const { name, ...each } of lines.values()) persona.track("purchase", { ...each, order_id });
  lines.clear();
  bought = null;
  find("cart-count").textContent = "0";
  fill(message("Thank you", "What you bought does not come back into the rows."));
  arrange("done");
}

async function visit(identifier) {
  const shown = await ask(`/demo/shop/product?item_id=${encodeURIComponent(identifier)}`);
  return () => {
    last = shown;
    turned("the click", pressed ?? performance.now());
    persona.track("view", plain(shown));
    fill(product(shown, () => put(shown), () => {
      turned("the rejection", performance.now());
      persona.track("reject", { product_id: shown.product_id });
      location.hash = "#/";
    }));
    arrange("product");
  };
}

const PAGES = {
  category: async (name) => {
    const found = await ask(`/demo/shop/products?most=60&category=${encodeURIComponent(name)}`);
    return () => { fill(category(name, found)); arrange("category"); };
  },
  product: visit,
  cart: async () => () => { fill(cart([...lines.values()], remove, order)); arrange("cart"); },
};

async function first() {
  const found = await ask("/demo/shop/categories");
  return () => { fill(home(found)); arrange("home"); };
}

function fill(parts) {
  find("page").replaceChildren(...parts);
  document.title = `${parts.find((each) => each.tagName === "H1")?.textContent ?? "Product"} – Demo shop`;
}

/** Show the page of the address; of two clicks the later one counts. */
async function show() {
  const mine = ++turn;
  const [, kind, name] = location.hash.split("/");
  try {
    const draw = await (PAGES[kind] ?? first)(decodeURIComponent(name ?? ""));
    if (mine === turn) draw();
  } catch (error) {
    if (mine !== turn) return;
    if (error.status === 401 || error.status === 403) fill(keyForm(unlock));
    else fill(message("This page cannot be shown", error.message));
    arrange("none");
  }
  pressed = null;
}

async function unlock(given) {
  key = given;
  persona.configure({ key });
  await start();
}

function option(value, text) {
  return Object.assign(document.createElement("option"), { value, textContent: text });
}

async function start() {
  await show();
  let switches;
  try {
    switches = await ask("/demo/shop/switches");
  } catch (error) {
    find("change").textContent = error.message;
    return;
  }
  find("user").replaceChildren(option("", "new visitor"),
    ...switches.people.map((each) => option(each.user_id, `${each.user_id} (${each.events} events)`)));
  find("model").replaceChildren(option("", `${switches.champion} (serves)`),
    ...switches.models.filter((each) => each !== switches.champion).map((each) => option(each, each)));
}

const learn = () => know(persona.who, ask);

find("user").addEventListener("change", (event) => { persona.configure({ userId: event.target.value || null }); learn(); });
find("model").addEventListener("change", (event) => persona.configure({ parameters: event.target.value ? { model: event.target.value } : {} }));
find("consent").addEventListener("change", (event) => { persona.consent(event.target.checked); learn(); });
find("direction").addEventListener("change", (event) => { document.documentElement.dir = event.target.checked ? "rtl" : "ltr"; });
find("toggle").addEventListener("click", () => drawer(find("drawer").hidden));

function drawer(open) {
  find("drawer").hidden = !open;
  find("toggle").setAttribute("aria-expanded", String(open));
}

document.addEventListener("click", (event) => { if (event.composedPath().some((each) => each.tagName === "A")) pressed = performance.now(); });
document.addEventListener("persona-add_to_cart", (event) => put(event.detail, true));
document.addEventListener("persona:event", ({ detail: { event, state } }) => {
  if (state === "accepted" && event.event_type !== "impression") learn();
});
addEventListener("hashchange", async () => { await show(); find("page").focus(); scrollTo(0, 0); });

drawer(WIDE.matches);
find("consent").checked = persona.consented;
learn();
await start();
