"""A file of rows as an answer; what no file can be made of is known before anything of it is sent."""

import logging

from flask import Response, request
from markupsafe import Markup

from collector.errors import CollectorError
from collector.publish import export
from collector.publish.formats.workbook import MAX_ROWS, TooManyRowsError
from collector.store.queries.exports import ExportFilter
from collector.web.desk import desk
from collector.web.language import present
from collector.web.language.i18n import language, say

LOG = logging.getLogger(__name__)


class NoFileError(Exception):
    """There is no file.

    Attributes:
        sentence: Why, and what to do.
        status: Of the answer.
    """

    def __init__(self, sentence: Markup, status: int) -> None:
        super().__init__(str(sentence))
        self.sentence, self.status = sentence, status


def answer(name: str, table: str, format_name: str, filters: ExportFilter) -> Response:
    """Return a file to download.

    Args:
        name: Of the file, without its ending.
        table: One of `exports.TABLES`.
        format_name: One of `export.offered()` that suits the table.
        filters: Which rows.

    Raises:
        NoFileError: If none can be made.
    """
    pieces = export.iter_in_pieces(desk().store.reader, table, format_name, filters, language())
    if request.method != "HEAD":  # who asks what the file is called gets none made
        try:
            pieces = export.begun(pieces)
        except TooManyRowsError:
            most = present.number(MAX_ROWS)
            sentence = say(
                "A sheet of a spreadsheet holds %(most)s rows and these are more, so there is no file. "
                "Choose fewer days, one school or another format.",
                most=most,
            )
            raise NoFileError(sentence, 400) from None
        except OSError as error:
            LOG.error("export.not_made", extra={"table": table, "format": format_name, "reason": str(error)})
            sentence = say(
                "The disk of the collector has no room to make this file. Choose CSV, which needs none, or tell the "
                "administrator."
            )
            raise NoFileError(sentence, 503) from error
        except CollectorError as error:
            LOG.error("export.not_made", extra={"table": table, "format": format_name, "reason": str(error)})
            sentence = say("These rows cannot be written in this format; the log says why. Choose CSV.")
            raise NoFileError(sentence, 503) from error
    return Response(
        pieces,
        content_type=export.MEDIA[format_name],
        headers={"Content-Disposition": f'attachment; filename="{name}.{format_name}"'},
    )
