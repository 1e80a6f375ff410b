"""Words beside the rows: what kind a column is in the reader's language, and no label over nothing."""

from html import unescape

from flask.testing import FlaskClient
from sqlalchemy import update

from collector.publish import dictionary
from collector.store.open import Store
from collector.store.tables.devices import DEVICES
from collector.web.words import terms


def test_every_kind_of_column_has_a_word_in_the_readers_language(admin: FlaskClient) -> None:
    kinds = {column.type for table in dictionary.tables("en") for column in table.columns}
    assert kinds <= terms.COLUMN_TYPES.keys()
    admin.set_cookie("enlace_language", "es")
    for address in ("/columns", "/exports"):
        page = unescape(admin.get(address).text)
        assert "<small>hora, UTC</small>" in page and "<small>número entero, bit/s</small>" in page
        assert "<small>text</small>" not in page and "boolean" not in page


def test_a_pc_of_which_nothing_is_known_has_no_empty_label_on_a_phone(admin: FlaskClient, country: Store) -> None:
    with country.unit() as unit:
        unit.connection.execute(update(DEVICES).values(ledger_ready=0, os="Windows 10"))
        waits = update(DEVICES).where(DEVICES.c.device == "d-00123-1")
        unit.connection.execute(waits.values(ledger_ready=2))
        unit.commit()
    rows = [row for row in admin.get("/devices?show=all").text.split("</tr>") if 'data-l="Why, and what to do"' in row]
    known = [row for row in rows if 'class="whole" data-l="Why, and what to do">' in row]
    nothing = [row for row in rows if 'class="whole no-phone" data-l="Why, and what to do"></td>' in row]
    assert known and nothing and len(known) + len(nothing) == len(rows)
    assert "Windows\u00a010" in rows[0]
