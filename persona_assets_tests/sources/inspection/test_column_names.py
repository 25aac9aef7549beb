"""What a column's name says, in several languages."""

import pytest

from persona_assets.sources.event_names import event_type_of as common_event_type_of
from persona_assets.sources.inspection.column_names import looks_like_data, role_of
from persona_assets.sources.inspection.event_names import (
    IN_OTHER_LANGUAGES,
    LEFT_OPEN,
    event_type_of,
)

NAMES = {
    "user_id": "user_id visitorid CustomerID customer.id client_id userId user_pseudo_id "
    "Kundennummer kunden_nr id_usuario cliente utilisateur klant_id visitor uid_user",
    "product_id": "product_id sku itemid StockCode items[].item_id line_items[].product_id "
    "Artikelnummer id_producto produit asin articolo Lineitem_sku 商品",
    "event_type": "event_type event action type eventName interaction",
    "timestamp": "timestamp ts event_time InvoiceDate created_at time fecha order_date "
    "Zeitstempel horodatage bestelldatum",
    "unit_price": "unit_price UnitPrice price Einzelpreis precio items[].price prix "
    "product.price.amount",
    "quantity": "quantity Qty Menge Anzahl cantidad aantal items[].quantity",
    "order_id": "order_id InvoiceNo transactionid Bestellnummer commande ecommerce.transaction_id",
    "total": "total order_total amount revenue Gesamtbetrag line_total",
    "session": "session_id user_session visit_id sid",
    "category": "category category_code item_category Kategorie",
    "name": "name title product_name Description Bezeichnung",
    "country": "Country customer_country pays",
    "consent": "consent marketing_consent Einwilligung",
    "signup_date": "signup_date registration_date user_created_at Kunde_seit customer_since "
    "member_since registered registered_at joined customer.since client_depuis Mitglied_seit "
    "Registrierungsdatum",
    "valid_from": "valid_from since gueltig_ab product_since customer_valid_from",
    "person": "email phone_number ip_address Vorname user_name billing.email",
    "event_id": "event_id EventUUID",
    "arrived_at": "received_at ingested_at arrival_time",
    "none": "user_feature_0 user-item_affinity_3 position propensity_score xyzzy "
    "valid_to gueltig_bis effective_until",
}


@pytest.mark.parametrize(
    ("name", "role"), [(name, role) for role, names in NAMES.items() for name in names.split()]
)
def test_name_is_understood(name, role):
    assert role_of(name)[0] == role


def test_known_name_is_surer_than_one_with_an_unknown_word():
    assert role_of("event_time")[1] > role_of("frobnicated_time")[1] > 0


def test_a_word_that_is_not_understood_makes_no_key_of_a_group():
    assert role_of("user_group") == ("none", 0.0)
    assert role_of("user_xy_id")[0] == "user_id"


@pytest.mark.parametrize("name", ["", "17", "2024-01-01", "ann@example.org", "x" * 80])
def test_a_name_that_is_a_value_is_seen(name):
    assert looks_like_data(name)


def test_names_of_events_mean_one_thing_each():
    names = [name for names in IN_OTHER_LANGUAGES.values() for name in names.split()]
    assert len(names) == len({*names})
    for ours, further in IN_OTHER_LANGUAGES.items():
        for name in further.split():
            assert event_type_of(name) == ours
            assert common_event_type_of(name) in (None, ours)


@pytest.mark.parametrize("name", sorted(LEFT_OPEN))
def test_what_shops_use_for_different_things_is_left_open(name):
    assert event_type_of(name.upper()) is None


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("VIEW", "view"),
        ("Product Viewed", "view"),
        ("addToCart", "add_to_cart"),
        ("add-to-cart", "add_to_cart"),
        ("In den Warenkorb", "add_to_cart"),
        ("Order Completed", "purchase"),
        ("Achat", "purchase"),
        ("Rückgabe", "return"),
        ("session_start", "unused"),
        ("click", None),
        ("wobble", None),
    ],
)
def test_event_is_known_for_certain_or_nobodys_guess(name, ours):
    assert event_type_of(name) == ours
