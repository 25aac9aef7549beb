"""What shops call views, additions to the cart, purchases and returns.

Belongs here: the names that are known for certain, in several languages, and those that are known
to be no interaction with a product. Does not belong here: vendors' whole vocabularies (`presets/`),
which are known besides.

A name that is not here is nobody's guess: a `click` may be on a product, a banner or a button.
"""

import re
import tomllib
import unicodedata
from functools import cache

from persona_assets.sources.presets import preset_text

KNOWN: dict[str, str] = {
    "view": "view views viewed pageview_product product_view product_viewed view_product "
    "viewed_product view_item item_view product_detail product_detail_view detail "
    "detail_view detail_page_view product_page_view pdp_view pv ansicht angesehen "
    "produktansicht vue vue_produit vista visto visualizacion visualizzazione bekeken visning",
    "add_to_cart": "add_to_cart addtocart cart added_to_cart add_cart cart_add product_added "
    "added_product product_added_to_cart add_to_basket addtobasket basket basket_add "
    "add_to_bag addtobag atc warenkorb in_den_warenkorb panier ajout_panier ajout_au_panier "
    "ajouter_au_panier carrito anadir_al_carrito agregar_al_carrito carrello "
    "aggiungi_al_carrello carrinho winkelwagen in_winkelwagen kundvagn indkobskurv koszyk",
    "purchase": "purchase purchases purchased buy bought order ordered orders order_completed "
    "completed_order order_placed place_order placeorder purchase_complete purchase_completed "
    "checkout_completed checkout_complete transaction sale sold kauf gekauft bestellung "
    "achat achete commande compra comprado acquisto aankoop gekocht kop kjop kob zakup",
    "return": "return returned returns item_returned product_returned retoure rueckgabe ruckgabe "
    "retour devolucion reso resi",
    "unused": "remove_from_cart removefromcart cart_remove removed_from_cart product_removed "
    "product_removed_from_cart remove_from_basket wishlist add_to_wishlist addtowishlist "
    "favorite favourite fav login logout signup sign_up session_start search begin_checkout "
    "checkout_started checkout_progress page_view view_cart cart_viewed view_item_list "
    "product_list_viewed identify page screen view_category category_view list_view list_click "
    "category_page_view shopping_cart_page_view home_page_view collection_viewed "
    "search_submitted checkout_step view_home",
}
"""Our event type → names, lower case, words joined by `_`; `unused`: known, and not counted."""

_VENDORS = ("ga4", "segment", "retailrocket", "rees46")
_NOT_FOR_CERTAIN = frozenset({"click", "share", "video_start", "refund"})
"""Names whose meaning depends on the vendor."""


def event_type_of(name: str) -> str | None:
    """Our event type for a shop's name of an event, `unused`, or None for a name nobody knows."""
    return _known().get(_plain(name))


def is_our_own(name: str) -> bool:
    """Whether a name needs no translation."""
    return name in ("view", "add_to_cart", "purchase", "return", "unused")


@cache
def _known() -> dict[str, str]:
    known = {
        _plain(name): ours
        for vendor in _VENDORS
        for name, ours in tomllib.loads(preset_text(vendor))["events"]["values"][
            "event_type"
        ].items()
    }
    known = {name: ours for name, ours in known.items() if name not in _NOT_FOR_CERTAIN}
    return known | {name: ours for ours, names in KNOWN.items() for name in names.split()}


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.replace("ß", "ss"))
    text = "".join(each for each in letters if not unicodedata.combining(each)).strip()
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
