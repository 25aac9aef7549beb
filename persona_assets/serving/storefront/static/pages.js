/** The pages of the demo shop. Belongs here: what they show. Does not belong here: rows, the drawer. */

/** An element with properties and children; texts are texts, whatever is in them. */
export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children.filter((each) => each != null));
  return made;
}

const money = new Intl.NumberFormat(document.documentElement.lang, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
export const priced = (price) => (price == null ? "" : money.format(price));
const addressed = (kind, name) => `#/${kind}/${encodeURIComponent(name)}`;

function picture(id) {
  return element("img", { src: `/demo/picture/${encodeURIComponent(id)}`, alt: "", width: 160, height: 120 });
}

function shelf(products) {
  const cards = products.map((each) =>
    element("li", {}, element("a", { href: addressed("product", each.product_id) }, picture(each.product_id),
      element("span", { className: "name", dir: "auto", textContent: each.name ?? each.product_id }),
      element("span", { className: "price", textContent: priced(each.price) }))));
  return element("ul", { className: "shelf" }, ...cards);
}

export function home({ categories }) {
  const links = categories.map((each) =>
    element("li", {}, element("a", { href: addressed("category", each.category ?? "") },
      element("span", { textContent: each.category ?? "Other", dir: "auto" }), ` ${each.products}`)));
  return [
    element("h1", { textContent: "What are you looking for?" }),
    element("nav", { ariaLabel: "Categories" }, element("ul", { className: "categories" }, ...links)),
  ];
}

export function category(name, { products }) {
  return [
    element("p", { className: "trail" }, element("a", { href: "#/", textContent: "Home" })),
    element("h1", { textContent: name || "Other", dir: "auto" }),
    products.length ? shelf(products) : element("p", { textContent: "There is nothing here." }),
  ];
}

export function product(shown, buy, reject) {
  const name = shown.name ?? shown.product_id;
  const details = [shown.brand, shown.product_id].filter(Boolean).join(" · ");
  const trail = element("p", { className: "trail" }, element("a", { href: "#/", textContent: "Home" }));
  if (shown.category) trail.append(" › ", element("a", { href: addressed("category", shown.category), textContent: shown.category }));
  return [
    trail,
    element("article", { className: "product" }, picture(shown.product_id), element("div", {},
      element("h1", { textContent: name, dir: "auto" }),
      element("p", { className: "price", textContent: priced(shown.price) }),
      element("p", { className: "muted", textContent: details, dir: "auto" }),
      element("p", { className: "buttons" },
        element("button", { type: "button", className: "primary", id: "buy", textContent: "Add to cart", onclick: buy }),
        element("button", { type: "button", id: "reject", textContent: "Do not show me this", onclick: reject })))),
  ];
}

export function cart(lines, remove, order) {
  const total = lines.reduce((sum, each) => sum + (each.price ?? 0) * each.quantity, 0);
  const list = lines.map((each) =>
    element("li", {}, picture(each.product_id),
      element("a", { href: addressed("product", each.product_id), textContent: each.name ?? each.product_id, dir: "auto" }),
      element("span", { textContent: `${each.quantity} × ${priced(each.price)}` }),
      element("button", { type: "button", textContent: "Remove", ariaLabel: `Remove: ${each.name ?? each.product_id}`, onclick: () => remove(each) })));
  return [
    element("h1", { textContent: "Cart" }),
    ...(lines.length
      ? [element("ul", { className: "cart" }, ...list), element("p", { className: "price", textContent: `Total ${priced(total)}` }),
         element("button", { type: "button", className: "primary", id: "order", textContent: "Order", onclick: order })]
      : [element("p", { textContent: "The cart is empty." })]),
  ];
}

export function message(title, text) {
  return [element("h1", { textContent: title }), element("p", { textContent: text })];
}

export function keyForm(use) {
  const input = element("input", { type: "password", autocomplete: "off", id: "key", required: true });
  const form = element("form", {}, element("label", { htmlFor: "key", textContent: "An API key with the scope admin" }), input,
    element("button", { textContent: "Open the shop", className: "primary" }));
  form.addEventListener("submit", (event) => { event.preventDefault(); use(input.value.trim()); });
  return [element("h1", { textContent: "This shop needs a key" }), form];
}
