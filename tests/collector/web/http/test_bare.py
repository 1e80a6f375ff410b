"""Pages of which no request is known: each says the same in all languages that it has."""

import re

import pytest

from collector.web.http.bare import bare_page


@pytest.mark.parametrize("status", [400, 404, 413, 431, 500, 502, 503])
def test_a_bare_page_says_all_that_it_can_say(status: int) -> None:
    text = bare_page(status, wait_s=7).decode()
    assert re.findall(r'<div lang="(\w+)"><h1>[^<]+</h1><p>[^<]+</p></div>', text) == ["en", "es", "pt", "fr"]
    assert "%(" not in text
    assert ("7 seconds" in text) == (status == 503)
