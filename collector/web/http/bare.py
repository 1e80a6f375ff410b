"""Pages made where nothing of a request is known but that it cannot be served: in every language, in the same look."""

from typing import Final

from markupsafe import escape

from collector.web.http.assets import version_of

MEDIA: Final = "text/html; charset=utf-8"

# Status -> title and sentence for each language.
_SAID: Final = {
    431: {
        "en": (
            "Address too long",
            "This address is longer than any page of ours. Nothing was changed; shorten the search.",
        ),
        "es": (
            "Dirección demasiado larga",
            "Esta dirección es más larga que cualquiera de nuestras páginas. No se cambió nada; acorte la búsqueda.",
        ),
        "pt": (
            "Endereço longo demais",
            "Este endereço é mais longo que o de qualquer página nossa. Nada foi alterado; encurte a busca.",
        ),
        "fr": (
            "Adresse trop longue",
            "Aucune de nos pages n’a une adresse aussi longue. Rien n’a été modifié\u00a0; raccourcissez la recherche.",
        ),
    },
    413: {
        "en": ("Too much at once", "What was sent is larger than any form of ours. Nothing was saved; send less."),
        "es": (
            "Demasiado de una vez",
            "Lo enviado es más grande que cualquiera de nuestros formularios. No se guardó nada; envíe menos.",
        ),
        "pt": (
            "Demais de uma vez",
            "O que foi enviado é maior que qualquer formulário nosso. Nada foi salvo; envie menos.",
        ),
        "fr": (
            "Trop à la fois",
            "Cet envoi est plus grand que tous nos formulaires. Rien n’a été enregistré\u00a0; envoyez moins.",
        ),
    },
    503: {
        "en": ("Too many readers at once", "Nothing is lost. Load this page again in %(wait)s seconds."),
        "es": ("Demasiados lectores a la vez", "No se pierde nada. Cargue esta página otra vez en %(wait)s segundos."),
        "pt": (
            "Leitores demais ao mesmo tempo",
            "Nada se perde. Carregue esta página de novo em %(wait)s segundos.",
        ),
        "fr": (
            "Trop de lecteurs à la fois",
            "Rien n’est perdu. Rechargez cette page dans %(wait)s secondes.",
        ),
    },
    500: {
        "en": ("That is our fault", "This page could not be made. No measurement is lost. Tell the administrator."),
        "es": (
            "La culpa es nuestra",
            "No se pudo hacer esta página. No se pierde ninguna prueba. Avise al administrador.",
        ),
        "pt": (
            "A culpa é nossa",
            "Não foi possível montar esta página. Nenhuma medição se perde. Avise o administrador.",
        ),
        "fr": (
            "C’est notre faute",
            "Cette page n’a pas pu être produite. Aucune mesure n’est perdue. Prévenez l’administrateur.",
        ),
    },
    400: {
        "en": ("Not understood", "What was sent is no request that we can read. Go back and try it once more."),
        "es": ("No se entiende", "Lo enviado no es una petición que podamos leer. Vuelva atrás y pruebe otra vez."),
        "pt": (
            "Não foi entendido",
            "O que foi enviado não é um pedido que possamos ler. Volte e tente mais uma vez.",
        ),
        "fr": (
            "Pas compris",
            "Ce qui a été envoyé n’est pas une requête que nous savons lire. Revenez en arrière et réessayez.",
        ),
    },
}


def bare_page(status: int, wait_s: int = 0) -> bytes:
    """Return the page for a status of HTTP; `wait_s` is when to come back."""
    said = _SAID.get(status, _SAID[500 if status >= 500 else 400])
    parts = []
    for language, (title, sentence) in said.items():
        shown = escape(sentence.replace("%(wait)s", str(wait_s)))
        parts.append(f'<div lang="{language}"><h1>{escape(title)}</h1><p>{shown}</p></div>')
    title = said["en"][0]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)} · Enlace</title>\n"
        f'<link rel="stylesheet" href="/static/site.css?v={version_of("site.css")}">\n</head>\n<body>\n'
        '<div class="alone wide"><a class="brand" href="/">Enlace</a><br>\n'
        f'<main id="main" class="card">{"<br>".join(parts)}</main></div>\n</body>\n</html>\n'
    ).encode()
