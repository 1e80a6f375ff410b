"""Strict decoding and canonical encoding of records.

Two steps with two codes: the shape (members, types, words) and the range (bounds, lengths). Unknown members are kept
apart, bounded, so that a newer agent loses nothing at an older collector.
"""

import math
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec

from agent.wire import forms, limits
from agent.wire.records import SCHEMA, Bound, Diary, Items, Measurement, Part, Record, Text
from agent.wire.vocabulary import ItemCode, Kind, Status

_RECORDS: dict[str, type[Measurement] | type[Diary]] = {Kind.MEASUREMENT: Measurement, Kind.DIARY: Diary}
_NESTING = (dict, list)
_SORTED = msgspec.json.Encoder(order="sorted")


class ItemError(Exception):
    """One item cannot be taken; its neighbours can.

    Attributes:
        code: Why, in a word of the vocabulary.
        rid: The item's identity where it could be read, else None.
    """

    def __init__(self, code: ItemCode, sentence: str, rid: str | None = None) -> None:
        super().__init__(sentence)
        self.code, self.sentence, self.rid = code, sentence, rid


@dataclass(frozen=True)
class Decoded:
    """A record that passed, with what belongs to it."""

    record: Record
    unknown: dict[str, Any]  # members that this version does not know, at most `limits.DETAIL_BYTES`
    content_hash: str  # identity of the content: see `content_hash`


def encode(record: Record) -> bytes:
    """Return the record as JSON in the order of the contract, unknown values as null."""
    return msgspec.json.encode(record)


def decode_item(raw: bytes) -> Decoded:
    """Return the record in one item of a batch.

    Args:
        raw: The item's JSON as it was received.

    Raises:
        ItemError: With the code that the contract names for what is wrong.
    """
    if len(raw) > limits.ITEM_BYTES:
        raise ItemError(ItemCode.TOO_LARGE, f"{len(raw)} bytes; an item has at most {limits.ITEM_BYTES}", _rid_of(raw))
    try:
        item = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, ValueError) as error:
        raise ItemError(ItemCode.SHAPE, f"not JSON: {error}") from error
    if not isinstance(item, dict):
        raise ItemError(ItemCode.SHAPE, "not an object")
    rid = item.get("rid")
    rid = rid if isinstance(rid, str) and forms.is_rid(rid) else None
    try:
        return _decode_well(item, raw) or _decode_object(item)
    except ItemError as error:
        error.rid = rid
        raise


def content_hash(item: dict[str, Any]) -> str:
    """Return the SHA-256 of the item with sorted keys, without its bins and without what is null.

    Bins go first when a spool is short of room, so their absence does not make other content; and null says no more
    than a member that is not there.
    """
    bare = {key: _without_bins(value) if key in ("download", "upload") else value for key, value in item.items()}
    return forms.sha256hex(_SORTED.encode(_without_nulls(bare)))


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _without_nulls(one) if isinstance(one, _NESTING) else one
            for key, one in value.items()
            if one is not None
        }
    return [_without_nulls(one) if isinstance(one, _NESTING) else one for one in value]


def _without_bins(value: Any) -> Any:
    return {key: one for key, one in value.items() if key != "bins"} if isinstance(value, dict) else value


def _rid_of(raw: bytes) -> str | None:
    class OnlyRid(msgspec.Struct):
        rid: str

    try:
        rid = msgspec.json.decode(raw, type=OnlyRid).rid
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return None
    return rid if forms.is_rid(rid) else None


def _decode_well(item: dict[str, Any], raw: bytes) -> Decoded | None:
    """Return the record of an item with which nothing is wrong and of which nothing is unknown, else None.

    Most items are such; shape, bounds and members are then looked at together, in one pass that is not Python's. What
    is wrong with the others is found out step by step.
    """
    kind = item.get("kind")
    if not isinstance(kind, str) or kind not in _RECORDS or type(item.get("schema")) is not int:
        return None
    if item["schema"] != SCHEMA or b"\\u0000" in raw:  # NUL stands in JSON in this way only
        return None
    try:
        msgspec.convert(item, type=_strict(_RECORDS[kind]), strict=True)
        record = msgspec.convert(item, type=_RECORDS[kind], strict=True)
    except msgspec.ValidationError:
        return None
    _check_forms(record)
    return Decoded(record, {}, content_hash(item))


@cache
def _strict(struct: type[Part]) -> type[msgspec.Struct]:
    """Return the struct with its bounds as constraints of its members, unknown members forbidden."""
    hints = get_type_hints(struct, include_extras=True)
    fields = [
        (field.encode_name, _constrained(hints[field.name]), msgspec.NODEFAULT if field.required else field.default)
        for field in msgspec.structs.fields(struct)
    ]
    return msgspec.defstruct(
        f"Strict{struct.__name__}", fields, forbid_unknown_fields=True, kw_only=True, module=__name__
    )


def _constrained(hint: Any) -> Any:
    """Return the annotation with the marks of this module as those of msgspec."""
    if get_origin(hint) is Annotated:
        inner, mark = get_args(hint)
        match mark:
            case Bound(low, high):
                return Annotated[inner, msgspec.Meta(ge=low, le=high)]
            case Text(most) | Items(most):
                return Annotated[_constrained(inner), msgspec.Meta(max_length=most)]
    if isinstance(hint, type) and issubclass(hint, Part):
        return _strict(hint)
    if get_origin(hint) in (Union, UnionType):
        return Union[tuple(_constrained(one) for one in get_args(hint))]  # noqa: UP007 -- made at run time
    if get_origin(hint) is list:
        return list[_constrained(get_args(hint)[0])]  # type: ignore[misc]  # made at run time
    return hint


def _decode_object(item: dict[str, Any]) -> Decoded:
    kind, schema = item.get("kind"), item.get("schema")
    if not isinstance(kind, str):
        raise ItemError(ItemCode.SHAPE, "kind is not a text")
    if isinstance(schema, bool) or not isinstance(schema, int):
        raise ItemError(ItemCode.SHAPE, "schema is not a whole number")
    if schema > SCHEMA:
        raise ItemError(ItemCode.SCHEMA, f"schema {schema} is newer than {SCHEMA}")
    if kind not in _RECORDS:
        raise ItemError(ItemCode.KIND, "a kind that this collector does not know")
    try:
        record = msgspec.convert(item, type=_RECORDS[kind], strict=True)
    except msgspec.ValidationError as error:
        raise ItemError(ItemCode.SHAPE, str(error)) from error
    _check_forms(record)
    _check_range(record)
    unknown = _unknown(item, type(record))
    _check_unknown(unknown)
    return Decoded(record, _fitting(unknown), content_hash(item))


def _check_forms(record: Record) -> None:
    if not forms.is_rid(record.rid):
        raise ItemError(ItemCode.SHAPE, "rid is not a lower-case UUID of version 7")
    if record.boot_id is not None and not forms.is_hex(record.boot_id, 32):
        raise ItemError(ItemCode.SHAPE, "boot_id is not 32 hexadecimal digits")
    times = [record.started_at] if isinstance(record, Measurement) else [record.from_at, record.to_at]
    for text in times:
        try:
            forms.parse_time(text)
        except OverflowError as error:
            raise ItemError(ItemCode.RANGE, str(error)) from error
        except ValueError as error:
            raise ItemError(ItemCode.SHAPE, str(error)) from error
    if isinstance(record, Measurement) and (record.failure is None) != (record.status is Status.OK):
        raise ItemError(ItemCode.SHAPE, "failure is present exactly when status is not ok")


# --- ranges ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Rules:
    """What to check of one struct, worked out once from its annotations."""

    numbers: tuple[tuple[str, float, float], ...]  # name, low, high
    texts: tuple[tuple[str, int], ...]  # name, most characters
    lists: tuple[tuple[str, int, Bound | Text | None], ...]  # name, most members, rule of each
    parts: tuple[str, ...]  # members that are structs or lists of structs


def _check_range(part: Part, path: str = "") -> None:
    rules = _rules_of(type(part))
    for name, low, high in rules.numbers:
        number = getattr(part, name)
        if number is not None and not low <= number <= high:
            raise ItemError(ItemCode.RANGE, f"{path}{name} is outside {low:g} to {high:g}")
    for name, chars in rules.texts:
        text = getattr(part, name)
        if text is not None and not _is_text(text, chars):
            raise ItemError(ItemCode.RANGE, f"{path}{name} has more than {chars} characters, or NUL")
    for name, count, each in rules.lists:
        values = getattr(part, name)
        if values is not None and not (len(values) <= count and _are_within(values, each)):
            raise ItemError(ItemCode.RANGE, f"{path}{name} has more than {count} members, or one out of bounds")
    for name in rules.parts:
        value = getattr(part, name)
        for one in value if isinstance(value, list) else [value]:
            if one is not None:
                _check_range(one, f"{path}{name}.")


def _is_text(text: str, chars: int) -> bool:
    return len(text) <= chars and "\0" not in text


def _are_within(values: list[Any], each: Bound | Text | None) -> bool:
    match each:
        case Bound(low, high):
            return not values or (min(values) >= low and max(values) <= high)
        case Text(chars):
            return all(_is_text(text, chars) for text in values)
    return True


@cache
def _rules_of(struct: type[Part]) -> _Rules:
    hints = get_type_hints(struct, include_extras=True)
    marks = {name: _mark_in(hints[name]) for name in struct.__struct_fields__}
    return _Rules(
        numbers=tuple((name, mark.low, mark.high) for name, (mark, _) in marks.items() if isinstance(mark, Bound)),
        texts=tuple((name, mark.chars) for name, (mark, _) in marks.items() if isinstance(mark, Text)),
        lists=tuple((name, mark.count, each) for name, (mark, each) in marks.items() if isinstance(mark, Items)),
        parts=tuple(name for name in struct.__struct_fields__ if _struct_in(hints[name])),
    )


def _mark_in(hint: Any) -> tuple[Bound | Text | Items | None, Bound | Text | None]:
    """Return the rule in an annotation and, of a list, the rule of each member."""
    if get_origin(hint) is Annotated:
        inner, mark = get_args(hint)
        each = _mark_in(get_args(inner)[0])[0] if isinstance(mark, Items) else None
        return mark, each if isinstance(each, Bound | Text) else None
    found = (_mark_in(one) for one in get_args(hint) if get_origin(one) is Annotated)
    return next(found, (None, None))


def _struct_in(hint: Any) -> type[Part] | None:
    if isinstance(hint, type) and issubclass(hint, Part):
        return hint
    return next((found for one in get_args(hint) if (found := _struct_in(one))), None)


# --- unknown members ------------------------------------------------------------------------------------------


def _unknown(item: dict[str, Any], struct: type[Part]) -> dict[str, Any]:
    """Return what the structs do not know, at the path where it stood."""
    hints = _known(struct)
    found: dict[str, Any] = {}
    for key, value in item.items():
        if key not in hints:
            found[key] = value
        elif (inner := hints[key]) is not None and isinstance(value, dict):
            nested = _unknown(value, inner)
            if nested:
                found[key] = nested
        elif inner is not None and isinstance(value, list):
            members = [_unknown(one, inner) if isinstance(one, dict) else {} for one in value]
            if any(members):
                found[key] = members
    return found


@cache
def _known(struct: type[Part]) -> dict[str, type[Part] | None]:
    hints = get_type_hints(struct, include_extras=True)
    return {name: _struct_in(hints[name]) for name in struct.__struct_fields__}


def _check_unknown(unknown: Any) -> None:
    stack = [(unknown, 0)]
    while stack:
        value, depth = stack.pop()
        if depth > limits.DETAIL_DEPTH:
            raise ItemError(ItemCode.RANGE, "unknown members are nested too deeply")
        match value:
            case dict():
                stack += [(one, depth + 1) for pair in value.items() for one in pair]
            case list():
                stack += [(one, depth + 1) for one in value]
            case str() if "\0" in value:
                raise ItemError(ItemCode.RANGE, "an unknown member contains NUL")
            case float() if not math.isfinite(value) or abs(value) > limits.SAFE_INTEGER:
                raise ItemError(ItemCode.RANGE, "an unknown member is no finite number within 2^53")
            case int() if abs(value) > limits.SAFE_INTEGER:
                raise ItemError(ItemCode.RANGE, "an unknown member is no finite number within 2^53")


def _fitting(unknown: dict[str, Any]) -> dict[str, Any]:
    """Return as many members, in order, as fit; the record itself must not be lost for them."""
    if len(msgspec.json.encode(unknown)) <= limits.DETAIL_BYTES:
        return unknown
    kept: dict[str, Any] = {}
    room_bytes = limits.DETAIL_BYTES - len(b'{"_cut":true}')
    for key, value in unknown.items():
        room_bytes -= len(msgspec.json.encode({key: value}))
        if room_bytes < 0:
            break
        kept[key] = value
    return {**kept, "_cut": True}


for _shape in _RECORDS.values():
    _strict(_shape)  # made now, while one thread runs: see `shapes`
