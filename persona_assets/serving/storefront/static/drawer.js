/** The drawer: what is behind the rows. Belongs here: showing it. Does not belong here: the shop. */
import { element } from "/demo/pages.js";

const MOST_EVENTS = 12;
const find = (id) => document.getElementById(id);
const began = new Map(); // event_id → when it was sent
let clicked = null; // { at, before }: the last view, and the row before it
let shown = [];

function pairs(of) {
  return Object.entries(of).flatMap(([name, value]) => [
    element("dt", { textContent: name }), element("dd", { textContent: value, dir: "auto" }),
  ]);
}

const milliseconds = (time) => (time == null ? "" : `${time < 10 ? time.toFixed(1) : Math.round(time)} ms`);

/** Somebody turned to a product: from now on the row may change. */
export function turned(what, at) {
  clicked = { what, at, before: shown, accepted: false };
  find("change").textContent = "…";
}

function listed({ detail: { element: row, answer, milliseconds: time } }) {
  if (row.id !== "for-you") return;
  const ids = answer.recommendations.map((each) => each.product_id);
  find("answer").replaceChildren(...pairs({
    path: answer.path, model: answer.model, version: answer.version, "as of": answer.as_of,
    "answered in": milliseconds(time), recommendation: answer.recommendation_id,
  }));
  find("scores").replaceChildren(
    element("thead", {}, element("tr", {}, ...["", "product", "score"].map((each) => element("th", { textContent: each, scope: "col" })))),
    element("tbody", {}, ...answer.recommendations.map((each, place) =>
      element("tr", { className: shown.length && !shown.includes(each.product_id) ? "new" : "" },
        element("td", { textContent: place + 1 }),
        element("td", {}, element("span", { textContent: each.name ?? each.product_id, dir: "auto" }),
          element("small", { textContent: each.reason, dir: "auto" })),
        element("td", { textContent: each.score.toPrecision(4) })))));
  // The change is drawn at the next frame.
  if (clicked?.accepted) {
    const { at, before, what } = clicked;
    const places = ids.filter((each, place) => each !== before[place]).length;
    const fresh = ids.filter((each) => !before.includes(each)).length;
    clicked = null;
    requestAnimationFrame(() => {
      const took = milliseconds(performance.now() - at);
      const told = places
        ? `${took} after ${what}: ${fresh} new products in the row, ${places} of ${ids.length} places changed.`
        : `${took} after ${what}: asked again, and the row is the same.`;
      Object.assign(find("change"), { textContent: told }).dataset.changed = String(places > 0);
    });
  }
  shown = ids;
}

function happened({ detail: { event, state } }) {
  const known = find("events").querySelector(`[data-id="${CSS.escape(event.event_id)}"]`);
  if (state === "waiting") began.set(event.event_id, performance.now());
  const took = state === "waiting" ? "" : milliseconds(performance.now() - began.get(event.event_id));
  const what = event.product_id ?? (event.product_ids ? `${event.product_ids.length} products` : "");
  const line = element("li", { className: state }, element("b", { textContent: event.event_type }),
    ` ${what} `, element("span", { textContent: `${state} ${took}${event.consent ? "" : ", without person"}` }));
  line.dataset.id = event.event_id;
  if (known) known.replaceWith(line);
  else find("events").prepend(line);
  while (find("events").children.length > MOST_EVENTS) find("events").lastChild.remove();
  if (state === "accepted" && clicked && event.event_type !== "impression" && event.event_type !== "list_click") clicked.accepted = true;
}

function retried({ detail: { events, reason, wait } }) {
  find("events").prepend(element("li", { className: "refused", textContent: `${events} events wait: ${reason}; again in ${wait} ms` }));
}

const aged = (seconds) => (seconds < 5400 ? `${Math.round(seconds / 60)} min` : seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`);

function written(value) {
  if (Array.isArray(value)) return `${value.length} numbers`;
  return typeof value === "number" && !Number.isInteger(value) ? value.toPrecision(4) : String(value ?? "–");
}

/** Features with their age; without consent nothing is asked. */
export async function know(who, ask) {
  const place = find("known");
  if (who == null) {
    place.replaceChildren(element("p", { textContent: "Nothing is asked: there is no consent." }));
    return;
  }
  try {
    const profile = await ask(`/api/users/${encodeURIComponent(who)}/profile`);
    const { events, views, purchases } = profile.today;
    const views_of = Object.entries(profile.features).map(([name, view]) =>
      element("details", {},
        element("summary", {}, element("b", { textContent: name }), view ? ` ${aged(view.age_s)} old${view.stale ? ", stale" : ""}` : " has nothing of this customer"),
        view ? element("dl", {}, ...pairs(Object.fromEntries(Object.entries(view.values).map(([key, value]) => [key, written(value)])))) : null));
    place.replaceChildren(
      element("p", { textContent: `Since the last day’s features: ${events} events, ${views} views, ${purchases} purchases.` }), ...views_of);
  } catch (error) {
    place.replaceChildren(element("p", { textContent: `Cannot be shown: ${error.message}` }));
  }
}

export function listen() {
  document.addEventListener("persona:list", listed);
  document.addEventListener("persona:event", happened);
  document.addEventListener("persona:retry", retried);
}
