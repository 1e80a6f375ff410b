"""What a webhook is sent: the facts as JSON, signed so that its receiver knows who said it and when.

The receiver works out HMAC-SHA256 with the secret over the text of `Enlace-Timestamp`, a full stop, and the body,
compares it with `Enlace-Signature`, refuses an old time, and takes each `Idempotency-Key` once.
"""

import hmac
import json
from typing import Final

from collector.store.queries.notices.outbox import Notice

SCHEMA: Final = 1


def body_of(notice: Notice, deployment: str, base: str) -> bytes:
    """Return the body: the same for every try.

    Args:
        notice: What is told.
        deployment: Its name.
        base: Beginning of the addresses of pages.
    """
    told = {
        "schema": SCHEMA,
        "id": notice.notice_id,
        "topic": notice.topic,
        "deployment": deployment,
        "made_ms": notice.made_ms,
        "url": base,
        "told": json.loads(notice.payload),
    }
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def headers_of(notice: Notice, body: bytes, secret: str, now_ms: int) -> dict[str, str]:
    """Return the headers of one try: its time, the signature over both, and the key that stays the same."""
    stamp = str(now_ms // 1000)
    return {
        "Content-Type": "application/json",
        "User-Agent": "Enlace",
        "Idempotency-Key": notice.notice_id,
        "Enlace-Timestamp": stamp,
        "Enlace-Signature": f"v1={signature(secret, stamp, body)}",
    }


def signature(secret: str, stamp: str, body: bytes) -> str:
    """Return HMAC-SHA256 over time and body, in hexadecimal."""
    return hmac.digest(secret.encode(), stamp.encode() + b"." + body, "sha256").hex()
