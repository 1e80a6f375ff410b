"""The verdict, a flag and its cure as one plain sentence with its numbers."""

from dataclasses import dataclass

from markupsafe import Markup

from collector.domain import cures
from collector.domain.targets import BPS_PER_MBPS
from collector.web.language import present
from collector.web.language.i18n import say, say_many

# Below this share of the tests reaching the target the sentence begins with "Only".
_FEW = 0.25
_NEEDED_TESTS, _NEEDED_DAYS = 12, 5


@dataclass(frozen=True)
class Judged:
    """What a sentence needs of one evaluation."""

    verdict: str
    n: int
    days: int
    attained: int
    share: float
    lower: float | None
    upper: float | None
    median_bps: int | None
    target_bps: int
    remedy: str | None = None
    below_since: str | None = None


def verdict(judged: Judged) -> Markup:
    """Return the verdict in words: how many of how many, what is typical, since when."""
    target = present.with_unit(present.target_mbps(judged.target_bps))
    if judged.verdict == "INSUFFICIENT":
        return _insufficient(judged)
    if judged.verdict == "MEETS":
        return say(
            "<b>%(k)s of %(n)s</b> tests reached the target of <b>%(target)s</b>. This school meets it.",
            k=judged.attained,
            n=judged.n,
            target=target,
        )
    if judged.verdict == "BORDERLINE":
        return _borderline(judged, target)
    if judged.verdict == "NOT_TESTABLE":
        return _not_testable(judged, target)
    return _below(judged, target)


def _below(judged: Judged, target: str) -> Markup:
    values = {"k": judged.attained, "n": judged.n, "target": target, "num": judged.days}
    if judged.attained < _FEW * judged.n:
        first = say_many(
            "Only <b>%(k)s of %(n)s</b> valid tests in the last school day reached the target of <b>%(target)s</b>.",
            "Only <b>%(k)s of %(n)s</b> valid tests in the last %(num)s school days reached the target of "
            "<b>%(target)s</b>.",
            judged.days,
            **values,
        )
    else:
        first = say_many(
            "<b>%(k)s of %(n)s</b> valid tests in the last school day reached the target of "
            "<b>%(target)s</b>: too few.",
            "<b>%(k)s of %(n)s</b> valid tests in the last %(num)s school days reached the target of "
            "<b>%(target)s</b>: too few.",
            judged.days,
            **values,
        )
    parts = [first, _typical(judged)]
    if judged.below_since is not None:
        parts.append(say("Below target since <b>%(day)s</b>.", day=present.day(judged.below_since)))
    return Markup(" ").join(part for part in parts if part)


def _typical(judged: Judged) -> Markup:
    if judged.median_bps is None or not judged.target_bps:
        return Markup("")
    shown, ratio = present.mbps(judged.median_bps), judged.median_bps / judged.target_bps
    if 0.30 <= ratio < 0.37:
        return say("The typical test was <b>%(speed)s</b>, about a third.", speed=shown)
    if 0.46 <= ratio < 0.55:
        return say("The typical test was <b>%(speed)s</b>, about half.", speed=shown)
    if 0.63 <= ratio < 0.70:
        return say("The typical test was <b>%(speed)s</b>, about two thirds.", speed=shown)
    if 0.72 <= ratio < 0.78:
        return say("The typical test was <b>%(speed)s</b>, about three quarters.", speed=shown)
    return say("The typical test was <b>%(speed)s</b>, %(pct)s %% of it.", speed=shown, pct=present.percent(ratio))


def _borderline(judged: Judged, target: str) -> Markup:
    if judged.share == 0.5:
        return say(
            "<b>%(k)s of %(n)s</b> tests reached the target of <b>%(target)s</b>. That is too close to half to say "
            "more: borderline.",
            k=judged.attained,
            n=judged.n,
            target=target,
        )
    return say(
        "<b>%(k)s of %(n)s</b> tests reached the target of <b>%(target)s</b>. That is too close to %(share)s %% to say "
        "more: borderline.",
        k=judged.attained,
        n=judged.n,
        target=target,
        share=present.percent(judged.share),
    )


def _insufficient(judged: Judged) -> Markup:
    if judged.n >= _NEEDED_TESTS and judged.days >= _NEEDED_DAYS:
        return say("All tests are from one half of the school day. We need both halves before we judge.")
    tests = say_many("<b>%(num)s</b> test", "<b>%(num)s</b> tests", judged.n)
    days = say_many("%(num)s day", "%(num)s days", judged.days)
    return say(
        "We have %(tests)s on %(days)s. We need %(least)s on %(least_days)s days before we judge.",
        tests=tests,
        days=days,
        least=_NEEDED_TESTS,
        least_days=_NEEDED_DAYS,
    )


def _not_testable(judged: Judged, target: str) -> Markup:
    values = {"target": target}
    if judged.remedy == "cable":
        return say("The Wi-Fi of the PC cannot show <b>%(target)s</b>. Connect it by cable.", **values)
    if judged.remedy in ("port", "faster_port"):
        return say("The port of the PC cannot show <b>%(target)s</b>. Use a faster port or cable.", **values)
    if judged.remedy in ("bytes", "byte_cap", "larger_cap"):
        return say("The tests ended before they could show <b>%(target)s</b>. Allow more bytes for a test.", **values)
    return say("The PC cannot show <b>%(target)s</b>: its tests were cut short or its port is too slow.", **values)


def share_range(judged: Judged) -> Markup:
    """Return where the true share lies: 1 of 42, the true share is 0 to 15 %, 9 times in 10."""
    if judged.lower is None or judged.upper is None:
        return say("%(k)s of %(n)s.", k=judged.attained, n=judged.n)
    return say(
        "%(k)s of %(n)s. The true share is %(low)s to %(high)s %%, 9 times in 10.",
        k=judged.attained,
        n=judged.n,
        low=present.percent(judged.lower),
        high=present.percent(judged.upper),
    )


def evidence(judged: Judged) -> Markup:
    """Return the evidence of a flag in one line of a list."""
    return say_many(
        "%(k)s of %(n)s valid test reached %(target)s; typical %(speed)s.",
        "%(k)s of %(n)s valid tests reached %(target)s; typical %(speed)s.",
        judged.n,
        k=judged.attained,
        n=judged.n,
        target=present.with_unit(present.target_mbps(judged.target_bps)),
        speed=present.mbps(judged.median_bps),
    )


@dataclass(frozen=True)
class Cure:
    """What to do about a school below target."""

    do: Markup  # a verb first, fit for a link
    because: Markup


def cure(median_bps: int | None, target_bps: int | None, contract_mbps: float | None, provider: str | None) -> Cure:
    """Return what to do: complain where the contract is not kept, buy more where it is too small, else look."""
    kind = cures.cure_of(median_bps, target_bps, contract_mbps)
    if median_bps is None or not contract_mbps:
        because = say("The contract is not in the registry: nobody can say yet whether the provider delivers.")
        return Cure(do(kind, provider), because)
    contract_bps = contract_mbps * BPS_PER_MBPS
    values = {
        "pct": present.percent(median_bps / contract_bps),
        "contract": present.with_unit(present.target_mbps(contract_bps)),
        "speed": present.mbps(median_bps),
    }
    if kind is cures.Cure.BUY:
        because = say(
            "The provider delivers %(pct)s %% of the %(contract)s that are paid for; the target is more.", **values
        )
    else:
        because = say("The school gets %(speed)s of the %(contract)s that are paid for (%(pct)s %%).", **values)
    return Cure(do(kind, provider), because)


def do(kind: cures.Cure, provider: str | None) -> Markup:
    """Return what to do, a verb first; of no certain provider where it is None."""
    named = provider or say("the provider")
    if kind is cures.Cure.COMPLAIN:
        return say("Complain to %(provider)s: send the evidence", provider=named)
    if kind is cures.Cure.BUY:
        return say("Buy more: the contract is smaller than the target")
    if kind is cures.Cure.LOOK:
        return say("Look at when it is slow, then call %(provider)s", provider=named)
    return say("Find out what was contracted")
