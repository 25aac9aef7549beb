"""What shops call things: words of columns' names, in several languages, and what they mean.

Belongs here: the words. Does not belong here: what a whole name means (`column_names.py`) and names
of events (`event_names.py`).

Words are in lower case and without accents. Of languages that write words together, a word's
beginning or end is enough: see `PARTS`.
"""

WORDS: dict[str, str] = {
    "who": "user users uid member members customer customers cust client clients visitor visitors "
    "buyer buyers shopper shoppers account acct subscriber guest "
    "reviewer reviewers rater household panelist mitglied mitglieder membre miembro socio "
    "kunde kunden benutzer nutzer besucher kaufer kaeufer utilisateur utilisateurs acheteur "
    "visiteur usuario usuarios cliente clientes clienti comprador visitante utente utenti "
    "acquirente klant klanten gebruiker bezoeker kund anvandare bruger kunder klient klienci "
    "uzytkownik zakaznik uzivatel musteri kullanici asiakas kayttaja pelanggan",
    "device": "cookie anonymous fullvisitor",
    "machine": "device browser",
    "product": "product products prod item items sku skus article articles artikel produkt "
    "produkte produit produits producto productos produto produtos prodotto prodotti articolo "
    "articoli articulo articulos goods asin gtin ean upc isbn lineitem lineitems "
    "movie movies film films book books song songs track tracks video videos "
    "game games recipe listing hotel restaurant varer vara "
    "varen produkty towar tovar urun tuote "
    "商品 товар",
    "variant": "variant variation variante",
    "order": "order orders invoice invoices transaction transactions receipt basket checkout "
    "bestellung bestellungen auftrag rechnung beleg commande commandes facture pedido pedidos "
    "factura ordine ordini fattura fatura bestelling factuur ordre ordrer faktura zamowienie "
    "objednavka siparis tilaus",
    "session": "session sessions visit visits sid sitzung sesion sessione sessie sesja oturum",
    "bought": "purchase purchases purchased bought compra achat kauf acquisto aankoop sold",
    "event": "event events action actions activity interaction interactions behavior behaviour "
    "ereignis aktion evenement evento eventi accion acao azione handeling handelse haendelse "
    "zdarzenie",
    "kind": "type types kind typ art",
    "time": "time times timestamp timestamps datetime ts created occurred happened when "
    "epoch unixtime unix zeit zeitpunkt zeitstempel uhrzeit heure horodatage hora tempo tijd "
    "tijdstip tidpunkt tidspunkt tid czas cas zaman aika 时间 время",
    "day": "date dates day dt datum fecha data dato tarih paivamaara jour dia 日期 дата",
    "at": "at on utc local gmt",
    "arrival": "received ingested arrived arrival loaded processed ingest",
    "price": "price prices preis prix precio precios prezzo preco prijs pris cena fiyat hinta "
    "价格 цена",
    "amount": "amount value cost betrag montant importe importo valor bedrag belopp belob "
    "sales sale",
    "unit": "unit each single einzel unitaire unitario",
    "total": "total subtotal sum revenue gross net tax shipping discount umsatz gesamt summe "
    "totale rabatt steuer",
    "quantity": "quantity quantities qty quant units pieces menge anzahl stueck stuck quantite "
    "qte cantidad quantita quantidade aantal antal ilosc mnozstvi adet maara 数量 количество",
    "name": "name title description desc label bezeichnung titel beschreibung libelle nom "
    "nombre nome naam namn navn nazwa nazev titre titulo titolo",
    "category": "category categories categ cat department dept genre kategorie kategorien "
    "rubrik warengruppe categorie categoria categorias kategori kategoria afdeling",
    "brand": "brand brands vendor manufacturer maker marke hersteller marque marca merk marka "
    "fabricant marchio",
    "country": "country countries pays pais paese land kraj zeme ulke maa staat",
    "consent": "consent consents consented einwilligung zustimmung consentement consentimiento "
    "consenso toestemming samtykke optin gdpr dsgvo rgpd lgpd privacy datenschutz accepts "
    "permission permissions",
    "currency": "currency wahrung waehrung devise moneda valuta moeda",
    "identifier": "id ids identifier no nr num number nummer code key uuid guid hash pseudo ref "
    "numero n",
    "person": "email mail phone telephone telefon mobile firstname lastname surname vorname "
    "nachname first last address adresse street strasse city stadt ort zip postcode plz ip "
    "birth birthday birthdate dob geburtstag gender geschlecht age iban age",
    "query": "query search keyword keywords term suchbegriff suche recherche busqueda ricerca",
    "results": "results hits treffer",
    "status": "status state zustand estado stato etat",
    "signup": "signup registered registration registrierung joined registriert "
    "inscription inscripcion alta iscrizione",
    "launch": "launch launched release released introduced",
    "valid": "valid effective gueltig gultig ab",
    "since": "since seit depuis desde dal sinds",
    "parent": "parent related original previous prev referrer",
    "from": "from of the per der des de del",
}
"""Meaning → words that are a whole token of a name."""

PARTS: tuple[tuple[str, str], ...] = (
    ("visitor", "who"), ("customer", "who"), ("reviewer", "who"),
    ("kunden", "who"), ("benutzer", "who"),
    ("nutzer", "who"), ("kunde", "who"), ("klant", "who"), ("user", "who"), ("client", "who"),
    ("produkt", "product"), ("product", "product"), ("artikel", "product"),
    ("article", "product"), ("item", "product"), ("bestell", "order"), ("auftrags", "order"),
    ("rechnungs", "order"), ("transaction", "order"), ("invoice", "order"), ("order", "order"),
    ("registrierungs", "signup"), ("registration", "signup"), ("signup", "signup"),
    ("anmelde", "signup"), ("session", "session"), ("event", "event"), ("kauf", "bought"),
    ("einzel", "unit"),
    ("stueck", "unit"), ("stuck", "unit"), ("unit", "unit"),
    ("zeitpunkt", "time"), ("zeit", "time"), ("timestamp", "time"), ("time", "time"),
    ("datum", "day"), ("date", "day"), ("preis", "price"), ("price", "price"),
    ("gesamt", "total"), ("betrag", "amount"),
    ("menge", "quantity"), ("name", "name"), ("kategorie", "category"), ("category", "category"),
    ("nummer", "identifier"), ("number", "identifier"), ("code", "identifier"),
    ("type", "kind"), ("id", "identifier"), ("nr", "identifier"), ("no", "identifier"),
)  # fmt: skip
"""Parts of which whole tokens may be made (`kundennummer`, `visitorid`) → meaning."""
