"""A proof as one file that can be printed, sent and checked: what it says, for people and for programs."""

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from flask import render_template
from markupsafe import Markup
from nacl.signing import SigningKey

from agent.wire import forms, signing
from collector.domain import proof as rule
from collector.evaluate.proof import Proof, Tested
from collector.publish import packs
from collector.web.http.frame import product_version
from collector.web.language import present
from collector.web.language.i18n import language
from collector.web.views import proof_words

_STYLE: Final = Path(__file__).parents[1] / "static" / "pack.css"


@dataclass(frozen=True)
class Made:
    """When, under which name and in whose deployment a file is made."""

    pack_id: str
    at_ms: int
    deployment: str


@cache
def style() -> str:
    """Return the style sheet that stands in every file."""
    return _STYLE.read_text("utf-8")


def policy() -> str:
    """Return what a browser may do with a file that is shown: nothing but its own style."""
    digest = base64.b64encode(hashlib.sha256(style().encode()).digest()).decode()
    nothing = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    return f"{nothing}; style-src 'sha256-{digest}'"


def content_hash(proof: Proof, key: SigningKey, deployment: str) -> str:
    """Return what tells two files apart that say different things; when and by whom they were made says nothing."""
    said = {**_said(proof, key), "deployment": deployment, "language": language()}
    return hashlib.sha256(packs.canonical([said])).hexdigest()


def make(proof: Proof, key: SigningKey, made: Made) -> bytes:
    """Return the file, signed.

    Args:
        proof: With a contract.
        key: Of the collector.
        made: When and where.
    """
    said = _said(proof, key) | {
        "pack_id": made.pack_id,
        "made_at": forms.format_time(made.at_ms),
        "deployment": made.deployment,
        "language": language(),
    }
    zone = proof_words.zone_of(proof)
    document = render_template(
        "evidence/pack.html",
        mark=Markup(packs.MARK.decode()),  # noqa: S704 -- a constant
        slot=Markup(packs.SLOT.decode()),  # noqa: S704 -- a constant
        style=Markup(style()),  # noqa: S704 -- our own file
        data=Markup(packs.data_text(said)),  # noqa: S704 -- JSON in which no sign can end it
        said=said,
        proof=proof,
        rule=rule,
        made=made,
        zone=zone,
        zone_name=f"{zone.key}, {present.zone_name(zone, made.at_ms)}",
        proof_words=proof_words,
        pictures=proof_words.pictures(proof),
        others=[one for one in proof.tests if one.reason is not None],
        version=product_version(),
    )
    return packs.seal(document, key)


def _said(proof: Proof, key: SigningKey) -> dict[str, Any]:
    public_key = bytes(key.verify_key)
    school, terms = proof.school, proof.terms
    rows = [_row(one) for one in proof.tests]
    return {
        "pack": packs.VERSION,
        "key_id": signing.key_id(public_key),
        "public_key": forms.b64url(public_key),
        "is_demo": school.is_demo,
        "school": school.code,
        "school_name": school.name,
        "area": school.area,
        "provider": school.provider,
        "technology": school.technology,
        "timezone": proof.timezone,
        "first_day": proof.wanted.first.isoformat(),
        "last_day": proof.wanted.last.isoformat(),
        "hours": proof.wanted.hours.value,
        "contract_bps": terms.max_bps if terms else None,
        "normal_bps": terms.normal_bps if terms else None,
        "min_bps": terms.min_bps if terms else None,
        "needed": rule.TESTS,
        "counted": len(proof.counted),
        "days": [day.isoformat() for day in proof.choice.days],
        "findings": [
            {"question": one.question.value, "bps": one.bps, "found": one.found, "of": one.of, "needed": one.needed}
            for one in proof.findings
        ],
        "rows_sha256": packs.rows_hash(rows),
        "rows": rows,
    }


def _row(one: Tested) -> dict[str, Any]:
    test, printed = one.row.measured, one.row.printed
    return {
        "rid": test.rid,
        "device": test.device,
        "started_at": forms.format_time(test.started_ms),
        "day": one.day.isoformat(),
        "counts": one.reason is None,
        "reason": one.reason,
        "status": test.status,
        "failure": printed.failure_code,
        "tier": printed.tier,
        "trigger": test.trigger,
        "download_bps": test.download_bps,
        "download_half_width_pct": printed.download_half_width_pct,
        "download_lower_bound": test.download_lower_bound,
        "download_stop_reason": test.download_stop_reason,
        "download_steady_s": test.download_steady_s,
        "download_bytes": test.download_bytes,
        "download_method": printed.download_method,
        "upload_bps": test.upload_bps,
        "idle_rtt_ms": test.idle_rtt_ms,
        "engine": test.engine,
        "engine_version": printed.engine_version,
        "engine_protocol": printed.engine_protocol,
        "server_id": test.server_id,
        "server_host": printed.server_host,
        "medium": test.medium,
        "link_bps": test.link_bps,
        "cpu_pct": test.cpu_pct,
        "other_bps": test.other_bps,
        "time_quality": test.time_quality,
        "receipt_verdict": printed.receipt_verdict,
    }
