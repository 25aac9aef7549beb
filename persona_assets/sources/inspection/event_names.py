"""Names of events as a stranger's files have them: the common ones, vendors', other languages'.

Belongs here: what is known besides the common names, and which of those a draft leaves open. Does
not belong here: the common names (`sources/event_names.py`) and vendors' vocabularies (`presets/`).

A name that means one thing here and another there is nobody's guess: a `click` may be on a
product, a banner or a button.
"""

import tomllib
import unicodedata
from functools import cache

from persona_assets.sources import event_names
from persona_assets.sources.presets import preset_text
from persona_assets.tables.mart import EVENT_TYPES, UNUSED

IN_OTHER_LANGUAGES: dict[str, str] = {
    "view": "views view_product_page product_detail_view product_page_view detail_page_view "
    "detail_view pdp_view ansicht angesehen produktansicht vue vue_produit vista visto "
    "visualizacion visualizzazione bekeken visning",
    "add_to_cart": "warenkorb in_den_warenkorb panier ajout_panier ajout_au_panier "
    "ajouter_au_panier carrito anadir_al_carrito agregar_al_carrito carrello "
    "aggiungi_al_carrello carrinho winkelwagen in_winkelwagen kundvagn indkobskurv koszyk "
    "basket_add added_product",
    "purchase": "purchases orders sales place_order purchase_complete purchase_completed "
    "completed_purchase purchase_success checkout_complete checkout_success kauf kaufe kaeufe "
    "gekauft verkauf verkaufe verkaeufe bestellung bestellungen achat achete commande compra "
    "comprado acquisto aankoop gekocht kop kjop kob zakup",
    "return": "returns item_returned retoure rueckgabe ruckgabe retour devolucion reso resi",
    UNUSED: "cart_remove remove_from_basket wishlist add_to_wishlist favorite favourite fav "
    "logout checkout_progress identify page screen view_category category_view list_view "
    "list_click category_page_view shopping_cart_page_view home_page_view collection_viewed "
    "search_submitted checkout_step view_home",
}
"""Event type → further names; words joined by `_`, without accents."""

LEFT_OPEN = frozenset(
    {"click", "clicked", "clk", "visit", "seen", "read", "conversion", "refund", "refunded",
     "impression", "exposure", "share", "pageview", "pageviewed"}
)  # fmt: skip
"""Common names that shops use for different things; a person says which."""

_VENDORS = ("ga4", "segment", "retailrocket", "rees46")


def event_type_of(name: str) -> str | None:
    """Our event type for a shop's name of an event, `unused`, or None: nobody's guess."""
    if is_our_own(name):
        return name
    plain = _plain(name)
    if not plain or plain in LEFT_OPEN:
        return None
    return _further().get(plain) or event_names.event_type_of(plain)


def is_our_own(name: str) -> bool:
    """Whether a name needs no translation."""
    return name in (*EVENT_TYPES, UNUSED)


@cache
def _further() -> dict[str, str]:
    known = {
        _plain(name): ours
        for vendor in _VENDORS
        for name, ours in tomllib.loads(preset_text(vendor))["events"]["values"][
            "event_type"
        ].items()
    }
    others = {_plain(n): ours for ours, names in IN_OTHER_LANGUAGES.items() for n in names.split()}
    return known | others


def _plain(name: str) -> str:
    """A name without case, accents and separators, as the common names are compared."""
    letters = unicodedata.normalize("NFKD", name.replace("ß", "ss"))
    plain = "".join(each for each in letters if not unicodedata.combining(each))
    return "".join(filter(str.isalnum, plain.lower()))
