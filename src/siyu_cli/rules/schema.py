"""A JSON Schema (draft-07) of rule files with a workspace's own names, so that editors complete them.

Structural keys are closed: what is E107 for the reader is underlined while it is typed. Conditions are text;
the schema offers examples and leaves the rest to `check-rules`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from siyu_cli.errors import SiyuError
from siyu_cli.files import replacing
from siyu_cli.rules.catalog import (
    AGGREGATES,
    CUSTOMER_FIELDS,
    FACT_TABLES,
    GROUPS,
    HAD_TAGS,
    ROW_FIELDS,
    TAGS,
    UNITS,
)
from siyu_cli.rules.structure import STRUCTURE
from siyu_cli.rules.tagging import workspace_rules
from siyu_cli.rules.tree import RuleSet, TextColumn
from siyu_cli.rules.vocabulary import Entry, built_in_names, own_names

if TYPE_CHECKING:
    from siyu_cli.workspace import Workspace

Schema = dict[str, Any]

SCHEMA_NAME = "rules.schema.json"
# Names and texts may look like numbers: 12, 2025.
_TEXT: Schema = {"type": ["string", "number", "boolean"]}
_NUMBER: Schema = {"type": ["number", "string"], "pattern": r"^\s*[-+]?\d+(\.\d+)?\s*$"}
_DAYS: Schema = {"type": "string", "pattern": r"^\s*\d{1,5}d\s*$"}
_COUNTED: Schema = {"anyOf": [{"enum": [">= 3", "3 以上", "2 到 5"]}, {"type": "string", "pattern": r"\d"}]}
_NULL: Schema = {"type": "null"}
_TRUE: Schema = {"const": True}


def schema_of(rules: RuleSet | None = None) -> Schema:
    """The schema with the names of a rule set; without one only built-in names are offered."""
    entries = [*built_in_names(), *(own_names(rules) if rules else ())]
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "siyu rules",
        "$ref": "#/definitions/file",
        "definitions": {**_conditions(entries), **_definitions(entries), **_tests(entries)},
    }


def write_schema(workspace: Workspace, rules: RuleSet | None = None) -> None:
    """Bring the file up to date that the first line of rule files points to; its names are those of the rules.

    It is a help for editors: files with mistakes leave it as it was, and where it cannot be written, nothing
    else is stopped for it.
    """
    path = workspace.state_dir / SCHEMA_NAME
    try:
        rules = rules or workspace_rules(workspace)
        text = schema_text(schema_of(rules))
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            with replacing(path) as temporary:
                temporary.write_text(text, encoding="utf-8")
    except (OSError, SiyuError):
        return


def schema_text(schema: Schema) -> str:
    """As it stands in a file."""
    return json.dumps(schema, ensure_ascii=False, indent=1) + "\n"


def _keys(place: str, more: Schema | None = None, *, required: Iterable[str] = (), **types: Schema) -> Schema:
    """A mapping with the keys of a place and nothing else; `else_` stands for the key `else`."""
    known = {key.removesuffix("_"): value for key, value in types.items()}
    assert set(known) == set(STRUCTURE[place]), (place, set(known) ^ set(STRUCTURE[place]))
    properties = {key: {**known[key], "description": what} for key, what in STRUCTURE[place].items()}
    found = {"type": "object", "properties": {**properties, **(more or {})}, "additionalProperties": False}
    return {**found, "required": sorted(required)} if required else found


def _ref(name: str) -> Schema:
    # draft-07 ignores what stands beside $ref, so a description needs a wrapper.
    return {"allOf": [{"$ref": f"#/definitions/{name}"}]}


def _list(item: Schema, least: int = 0) -> Schema:
    return {"type": "array", "items": item, **({"minItems": least} if least else {})}


def _named(item: Schema) -> Schema:
    return {"type": ["object", "null"], "additionalProperties": item}


def _names(entries: list[Entry], kind: str) -> list[str]:
    return sorted({entry.name for entry in entries if entry.kind == kind})


def _offered(names: list[str], other: Schema = _TEXT) -> Schema:
    """Names an editor completes, and anything else as well."""
    return {"anyOf": [{"enum": names}, other]} if names else other


def _conditions(entries: list[Entry]) -> Schema:
    """`condition` over customers and `row_condition` over rows: a line, a list, or one of the nestings."""
    found: Schema = {}
    for name, is_row in (("condition", False), ("row_condition", True)):
        lines = sorted({entry.example for entry in entries if _is_line(entry, is_row=is_row)})
        one, some = _ref(name), {"anyOf": [_ref(name), _list(_ref(name), 1)]}
        nestings = _keys(
            "condition", all=some, any=some, none=some, not_=one, at_least=_ref(f"{name}_at_least"),
            did=_ref("did"),
        )  # fmt: skip
        if is_row:
            del nestings["properties"]["did"]
        found[f"{name}_at_least"] = _keys(
            "at_least", n={"type": "integer", "minimum": 1}, of=some, required=("n", "of")
        )
        found[name] = {
            "anyOf": [
                {"enum": lines},
                {"type": "string", "pattern": r"\S"},
                _list(one, 1),
                {**nestings, "minProperties": 1, "maxProperties": 1},
            ]
        }
        nestings["properties"]["not"] = {
            "anyOf": [{"type": "string", "pattern": r"\S"}, {"type": "object", "allOf": [one]}],
            "description": STRUCTURE["condition"]["not"],
        }
    return found


def _is_line(entry: Entry, *, is_row: bool) -> bool:
    """Whether an entry's example is a line over rows, or over customers."""
    over_rows = (entry.kind == "fields" and "(on: " in entry.where) or entry.kind == "events"
    return entry.kind in ("fields", "events", "metrics", "scopes", "tags", "groups") and over_rows is is_row


def _definitions(entries: list[Entry]) -> Schema:
    tags, when, rows = _names(entries, "tags"), _ref("condition"), _ref("row_condition")
    sources: Schema = {"enum": list(FACT_TABLES)}
    units = sorted({unit for known in UNITS.values() for unit in known})
    fields = sorted({field for known in ROW_FIELDS.values() for field in known})
    texts = sorted(name for name, column in CUSTOMER_FIELDS.items() if isinstance(column, TextColumn))
    metric = _offered(_names(entries, "metrics"))
    hand = {"manual": {"const": "forbid"}, "manual_ttl": _DAYS}
    keep: Schema = {"anyOf": [{"enum": ["forever", "30d", "0d"]}, _DAYS]}
    count: Schema = {"type": "integer", "minimum": 0}
    tag = {"when": when, "keep": keep, "guard": _ref("guard"), "was": _TEXT, "note": _TEXT}
    lone = _keys("tag", **tag, **hand, required=("when",))
    member = {**lone, "properties": {key: lone["properties"][key] for key in tag}}
    plain = _list({**_named(member), "type": "object", "minProperties": 1, "maxProperties": 1}, 1)
    group = _keys(
        "group", exclusive=_TRUE, tags=plain, bands=_ref("bands"), map=_ref("map"), default=_TEXT,
        guard=_ref("guard"), **hand, was=_named(_TEXT), note=_TEXT,
    )  # fmt: skip
    return {
        "file": {
            **_keys(
                "file", version={"const": 1}, scopes=_named(_ref("scope")), metrics=_named(_ref("metric")),
                manual_tags=_list(_TEXT), tag_groups=_named(_ref("group")), tags=_named(_ref("tag")),
                stages=_list(_ref("stage"), 1), tests={"anyOf": [_list(_ref("test")), _NULL]},
            ),
            "type": ["object", "null"],
        },
        "scope": _keys("scope", on=sources, when=rows, note=_TEXT, required=("on", "when")),
        "metric": {
            "anyOf": [
                _keys(
                    "metric", from_=sources, agg={"enum": list(AGGREGATES)}, of={"enum": fields}, when=rows,
                    ratio={**_list(metric, 2), "maxItems": 2}, unit={"enum": units}, override={"type": "boolean"},
                    note=_TEXT,
                ) | {"required": needed}
                for needed in (["from", "agg"], ["ratio"])
            ]
        },
        "tag": lone,
        "group": {**group, "oneOf": [{"required": [kind]} for kind in ("tags", "bands", "map")]},
        "bands": _keys(
            "bands", of=metric, cuts=_list({"type": ["number", "string"]}, 1), names=_list(_TEXT, 2), missing=_TEXT,
            required=("of", "cuts", "names"),
        ),
        "map": _keys(
            "map", field={"enum": texts}, values={**_named(_TEXT), "type": "object", "minProperties": 1},
            else_=_TEXT, missing=_TEXT, required=("field", "values"),
        ),
        "stage": _keys(
            "stage", name=_TEXT, when=when, remind_after=_DAYS, was={"anyOf": [_TEXT, _list(_TEXT, 1)]}, lost=_TRUE,
            guard=_ref("guard"), note=_TEXT, required=("name",),
        ),
        "guard": _keys("guard", max_add=count, max_remove_pct={**count, "maximum": 100}),
        "known_tag": _offered(tags),
        "did": _keys(
            "did", event=_ref("deed"), times=_COUNTED, days=_COUNTED, same={"enum": ["商品", "品类"]},
            within=_offered(_names(entries, "windows")), after=_ref("after"), where=rows, without=_ref("without"),
            required=("event",),
        ),
        "deed": {"enum": ["订单", *_names(entries, "events")]},
        "after": _keys(
            "after", push=_TEXT, hours={"type": "integer", "minimum": 1}, required=("push", "hours")
        ),
        "without": _keys(
            "without", event=_ref("deed"), same={"type": "boolean"}, since={"enum": ["first", "last"]},
            required=("event", "since"),
        ),
    }  # fmt: skip


def _tests(entries: list[Entry]) -> Schema:
    """`tests`: the made-up customers may also give fields, which are keys there."""
    as_of: Schema = {"type": "string"}
    day: Schema = {"ago": {"type": "integer", "minimum": 0}, "at": {"type": "string"}}
    known, text_or_none = _ref("known_tag"), {"type": ["string", "number", "boolean", "null"]}
    some_days_ago: Schema = {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}}
    held: Schema = {"anyOf": [_list(known), some_days_ago]}
    given = dict.fromkeys(CUSTOMER_FIELDS, text_or_none) | {TAGS: held, HAD_TAGS: held, GROUPS: _list(_TEXT)}
    texts = {source: dict.fromkeys(fields, _TEXT) for source, fields in ROW_FIELDS.items()}
    events = {"anyOf": [{"enum": _names(entries, "events")}, _TEXT]}
    stages = _names(entries, "stages")
    stage: Schema = {"enum": stages} if stages else _TEXT
    expect = _keys("expect", has=_list(known), lacks=_list(known), only=_list(known), stage=stage)
    names = [*CUSTOMER_FIELDS, *(name for fields in texts.values() for name in fields)]
    each: Schema = {
        "type": "object", "properties": dict.fromkeys(names, _list(_TEXT)), "additionalProperties": False,
        "minProperties": 1, "maxProperties": 1,
    }  # fmt: skip
    customer = _keys(
        "customer", given, id=_TEXT, orders=_list(_ref("order")), events=_list(_ref("event")),
        sends=_list(_ref("send")), set_stage={"anyOf": [stage, some_days_ago]}, release_stage={"const": True},
        each=each, expect=_ref("expect"), note=_TEXT, required=("id",),
    )  # fmt: skip
    customers = _list(_ref("customer"))
    one_day = _keys(
        "test", name=_TEXT, as_of=as_of, customers=customers, note=_TEXT, steps=_list(_ref("step"), 1)
    )
    return {
        "test": {**one_day, "required": ["name"], "anyOf": [{"required": ["as_of"]}, {"required": ["steps"]}]},
        "step": _keys(
            "step", as_of=as_of, customers=customers, expect=_named(_ref("expect")), note=_TEXT, required=("as_of",)
        ),
        "customer": customer,
        "order": _keys(
            "order", texts["orders"], **day, paid=_NUMBER, refund=_NUMBER, refund_ago=day["ago"],
            refund_at=day["at"], status={"enum": ["paid", "unpaid", "closed", "refunded"]},
            items=_list({"type": "object", "properties": {**texts["items"], "数量": _NUMBER, "净额": _NUMBER},
                         "additionalProperties": False}),
        ),
        "event": _keys(
            "event", texts["events"], event=events, times={"type": "integer", "minimum": 1}, **day, required=("event",)
        ),
        "send": _keys("send", push=_TEXT, **day, required=("push",)),
        "expect": expect,
    }  # fmt: skip
