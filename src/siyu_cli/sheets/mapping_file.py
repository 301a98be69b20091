"""Mapping files: the strict YAML of `configs/platforms/`, the workspace's `platforms/` and `--platform FILE.yaml`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from siyu_cli.errors import InputRefused, Where
from siyu_cli.events import EVENT_KINDS
from siyu_cli.language import tr
from siyu_cli.sheets.mapping import (
    FIELDS,
    KINDS,
    AmountKind,
    BuyerIdentity,
    PlatformMapping,
    RefundRows,
    RowsKind,
    ZeroKind,
    id_date_width,
)
from siyu_cli.words import did_you_mean, fold
from siyu_cli.yamlfile import Items, Mark, Node, Scalar, bytes_of, parse_yaml
from siyu_cli.yamlfile import Mapping as YamlMapping

if TYPE_CHECKING:
    from siyu_cli.workspace import Workspace

_STATUS_MEANINGS = {
    "staff": ("active", "inactive"),
    "leave": ("active", "inactive"),
    "leads": ("open", "added"),
    "tags": ("on", "off", "release"),
    "contacts": ("friend", "lost"),
    "feedback": ("requested", "added", "befriended", "declined", "invalid", "postponed", "returned"),
}
_ORDER_MEANINGS = ("paid", "unpaid", "closed", "refunded")
_REFUND_MEANINGS = ("full", "partial", "running", "none")
_KEYS = (
    "name", "kind", "source", "match", "constants", "columns", "private", "dates", "status", "identity",
)  # fmt: skip
_ORDER_KINDS = ("orders", "returns", "details")
_ORDER_KEYS = (
    "order_key", "rows", "amount", "zero_amount", "repeated", "carried", "joined", "gifts", "postage",
    "refunds", "refund_status", "date_in_order_id",
)  # fmt: skip
_KIND_KEYS = {**dict.fromkeys(_ORDER_KINDS, _ORDER_KEYS), "contacts": ("tag_groups",), "events": ("events",)}
_REPEATABLE = ("amount_paid", "amount_total", "refund_amount")
_DATE_PARTS = frozenset("YymdHMSpI")


def load_mapping(path: Path, shown_as: str | None = None) -> PlatformMapping:
    """The mapping in a YAML file; InputRefused names line and column of anything unknown or wrong."""
    name = shown_as or str(path)
    content = path.stem, bytes_of(path, name)
    if content not in _loaded:
        node = parse_yaml(content[1], name)
        if not isinstance(node, YamlMapping):
            mark = node.mark if node is not None else Mark(name, 1, 1)
            raise _refuse(mark, tr("映射文件应是「键: 值」", "A mapping file must be “key: value”"))
        _loaded[content] = _Loader(node, name).load()
    return replace(_loaded[content], file=name)


_loaded: dict[tuple[str, bytes], PlatformMapping] = {}
"""By a file's name (a mapping may be called so) and content: a workspace's copies of the shipped files are the
same text, and reading it takes longer than the rest of a small import."""


def available_mappings(workspace: Workspace | None) -> list[PlatformMapping]:
    """The shipped mappings and the workspace's own, which win by name; ordered by name."""
    from siyu_cli.workspace import configs_dir

    found: dict[str, PlatformMapping] = {}
    own = [] if workspace is None else [workspace.root / "platforms"]
    for folder in (configs_dir() / "platforms", *own):
        here: dict[str, PlatformMapping] = {}
        for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
            mapping = load_mapping(path, workspace.shown(path) if workspace else path.name)
            if mapping.name in here:
                raise _same_name(here[mapping.name], mapping)
            here[mapping.name] = mapping
        found.update(here)
    return [found[name] for name in sorted(found)]


def missed_headers(mapping: PlatformMapping, headers: Sequence[str]) -> list[str]:
    """The headers that the shipped mapping of the same name reads and this copy of it, made before, does not."""
    from siyu_cli.workspace import configs_dir

    path = configs_dir() / "platforms" / f"{mapping.name}.yaml"
    if not headers or not mapping.name or not path.is_file():
        return []
    shipped = load_mapping(path, path.name)
    if shipped.kind != mapping.kind:
        return []
    own = mapping.found_columns(headers)
    return [header for field, header in shipped.found_columns(headers).items() if field not in own]


def _same_name(one: PlatformMapping, other: PlatformMapping) -> InputRefused:
    return InputRefused(
        "bad-mapping",
        tr(
            f"{one.file} 和 {other.file} 都叫「{other.name}」",
            f"{one.file} and {other.file} are both called “{other.name}”",
        ),
        hint=tr("改掉其中一个的 name:,或删掉一个文件", "Rename one of them or delete one file"),
        where=Where(file=other.file),
    )


def resolve_mappings(
    chosen: str | None, mappings: Sequence[PlatformMapping], kinds: Sequence[str]
) -> list[PlatformMapping]:
    """The mappings `--platform auto|NAME|FILE.yaml` allows; several only for `auto` (see choose_mapping)."""
    if chosen is None or fold(chosen) in ("", "auto"):
        return [mapping for mapping in mappings if mapping.kind in kinds]
    by_name = [mapping for mapping in mappings if fold(mapping.name) == fold(chosen)]
    if not by_name and chosen.lower().endswith((".yaml", ".yml")):
        path = Path(chosen).expanduser()
        if not path.is_file():
            raise InputRefused(
                "file-not-found",
                tr(f"没有这个映射文件:{chosen}", f"No such mapping file: {chosen}"),
                hint=tr("检查 --platform 后面的路径", "Check the path after --platform"),
            )
        by_name = [load_mapping(path, chosen)]
    names = [mapping.name for mapping in mappings if mapping.kind in kinds]
    if not by_name:
        near = did_you_mean(chosen, names)
        raise InputRefused(
            "unknown-platform",
            tr(f"没有叫「{chosen}」的平台", f"No platform is called “{chosen}”"),
            hint=(tr(f"你是不是想写:{near};", f"Did you mean: {near}; ") if near else "")
            + tr(
                f"可用:auto、{'、'.join(names)},或一个 .yaml 文件",
                f"known: auto, {', '.join(names)}, or a .yaml file",
            ),
        )
    mapping = by_name[0]
    if mapping.kind not in kinds:
        raise InputRefused(
            "wrong-mapping-kind",
            tr(
                f"映射「{mapping.name}」是 kind: {mapping.kind},这里要的是 {' / '.join(kinds)}",
                f"Mapping “{mapping.name}” is kind: {mapping.kind}, wanted here: {' / '.join(kinds)}",
            ),
            hint=tr("换一个映射,或换导入命令", "Choose another mapping or another import command"),
        )
    return [mapping]


class _Loader:
    """Turns checked nodes into a PlatformMapping; every complaint carries its place."""

    def __init__(self, node: YamlMapping, file: str) -> None:
        self.node = node
        self.file = file

    def load(self) -> PlatformMapping:
        kind = self._choice("kind", KINDS, default=None)
        _check_keys(self.node, (*_KEYS, *_KIND_KEYS.get(kind, ())), "")
        name = self._text("name") or Path(self.file).stem
        columns = self._columns(kind)
        constants = self._constants(kind)
        meanings = _STATUS_MEANINGS.get(kind, _ORDER_MEANINGS)
        status = self._words("status", meanings)
        refund_status = self._words("refund_status", _REFUND_MEANINGS)
        for field_name, words in (("status", status), ("refund_status", refund_status)):
            if field_name in columns and not words:
                raise _refuse(
                    self.node.mark,
                    tr(
                        f"columns 里有 {field_name},却没有词表 {field_name}:",
                        f"columns maps {field_name} but there are no {field_name}: words",
                    ),
                )
        refunds = self._section("refunds", ("rows", "status"))
        identity = self._section("identity", ("buyer_id",))
        gifts = self._section("gifts", ("column", "values"))
        return PlatformMapping(
            name=name,
            kind=kind,
            columns=columns,
            source=self._text("source"),
            any_of=self._alternatives(),
            constants=constants,
            order_key=self._order_key(kind, columns),
            rows=self._choice("rows", get_args(RowsKind), default="line"),  # type: ignore[arg-type]
            amount=self._choice("amount", get_args(AmountKind), default="gross"),  # type: ignore[arg-type]
            zero_amount=self._choice("zero_amount", get_args(ZeroKind), default="gift"),  # type: ignore[arg-type]
            refund_rows=_choice_of(refunds, "rows", get_args(RefundRows), "none"),  # type: ignore[arg-type]
            refund_by_status=_flag_of(refunds, "status"),
            dates=self._dates(),
            status=status,
            refund_status=refund_status,
            buyer_identity=_choice_of(identity, "buyer_id", get_args(BuyerIdentity), "platform"),  # type: ignore[arg-type]
            repeated=self._fields("repeated", _REPEATABLE, columns),
            carried=self._fields("carried", FIELDS.get(kind, ()), columns),
            joined=self._separator(),
            gift_columns=self._required(gifts, "gifts", "column"),
            gift_words=tuple(map(fold, self._required(gifts, "gifts", "values"))),
            postage=tuple(map(fold, self._list("postage"))),
            date_in_order_id=self._id_date(columns),
            private=self._list("private"),
            tag_groups=self._text("tag_groups"),
            events=self._words("events", EVENT_KINDS),
            file=self.file,
        )

    def _list(self, key: str) -> tuple[str, ...]:
        node = self.node.get(key)
        return () if node is None else _texts(node, key)

    def _required(self, section: YamlMapping | None, parent: str, key: str) -> tuple[str, ...]:
        """A list a section must have; () without the section."""
        if section is None:
            return ()
        node = section.get(key)
        if node is None:
            raise _refuse(
                section.mark,
                tr(f"{parent} 里缺少 {key}", f"{parent} lacks {key}"),
            )
        return _texts(node, f"{parent}.{key}")

    def _fields(self, key: str, allowed: Sequence[str], columns: Mapping[str, object]) -> tuple[str, ...]:
        """Names of mapped canonical fields; they only make sense where orders can be told apart."""
        node = self.node.get(key)
        if node is None:
            return ()
        names = _texts(node, key)
        for name in names:
            if name not in allowed:
                raise _refuse(
                    node.mark,
                    tr(f"{key} 里的「{name}」不能用", f"“{name}” cannot stand in {key}"),
                    _suggest(name, list(allowed))
                    or tr(f"可写:{'、'.join(allowed)}", f"One of: {', '.join(allowed)}"),
                )
            if name not in columns:
                raise _refuse(
                    node.mark,
                    tr(f"{key} 里的「{name}」不在 columns 里", f"“{name}” of {key} is not in columns"),
                )
        self._need_order_id(key, node.mark, columns)
        return names

    def _need_order_id(self, key: str, mark: Mark, columns: Mapping[str, object]) -> None:
        if "order_id" not in columns:
            raise _refuse(
                mark, tr(f"用 {key} 时 columns 里要有 order_id", f"{key} needs order_id in columns")
            )

    def _separator(self) -> str:
        node = self.node.get("joined")
        text = self._text("joined")
        if node is not None and (len(text) != 1 or text.isalnum() or text.isspace() or text in ".+-*"):
            raise _wrong(node.mark, "joined", tr("一个分隔符,如 ;", "one separator such as ;"))
        return text

    def _id_date(self, columns: Mapping[str, object]) -> str:
        node = self.node.get("date_in_order_id")
        if node is None:
            return ""
        text = _scalar(node, "date_in_order_id").text
        if sorted(text.lower()) != sorted("%y%m%d") or not id_date_width(text):
            raise _refuse(
                node.mark,
                tr(f"订单号里的日期「{text}」看不懂", f"The date in order ids “{text}” is not understood"),
                tr('写成 "%y%m%d" 或 "%Y%m%d"', 'Write "%y%m%d" or "%Y%m%d"'),
            )
        self._need_order_id("date_in_order_id", node.mark, columns)
        return text

    def _text(self, key: str) -> str:
        node = self.node.get(key)
        return "" if node is None else _scalar(node, key).text

    def _choice(self, key: str, allowed: Sequence[str], *, default: str | None) -> str:
        if self.node.get(key) is None and default is None:
            raise _refuse(
                self.node.mark,
                tr(f"缺少 {key}:", f"{key}: is missing"),
                tr(f"可写:{'、'.join(allowed)}", f"One of: {', '.join(allowed)}"),
            )
        return _choice_of(self.node, key, allowed, default or "")

    def _section(self, key: str, allowed: Sequence[str]) -> YamlMapping | None:
        node = self.node.get(key)
        if node is None:
            return None
        section = _mapping(node, key)
        _check_keys(section, allowed, key)
        return section

    def _columns(self, kind: str) -> dict[str, tuple[str, ...]]:
        node = self.node.get("columns")
        if node is None:
            raise _refuse(self.node.mark, tr("缺少 columns:(哪一列是什么)", "columns: is missing"))
        section = _mapping(node, "columns")
        if kind in FIELDS:
            _check_keys(section, FIELDS[kind], "columns")
        return {key.text: _texts(value, f"columns.{key.text}") for key, value in section.pairs}

    def _constants(self, kind: str) -> dict[str, str]:
        node = self.node.get("constants")
        if node is None:
            return {}
        section = _mapping(node, "constants")
        if kind in FIELDS:
            _check_keys(section, ("platform", *FIELDS[kind]), "constants")
        return {key.text: _scalar(value, f"constants.{key.text}").text for key, value in section.pairs}

    def _alternatives(self) -> tuple[tuple[str, ...], ...]:
        section = self._section("match", ("any_of",))
        node = section.get("any_of") if section else None
        if node is None:
            return ()
        if not isinstance(node, Items):
            raise _wrong(node.mark, "match.any_of", tr("列表的列表", "a list of lists"))
        return tuple(_texts(item, "match.any_of") for item in node.items)

    def _order_key(self, kind: str, columns: Mapping[str, object]) -> tuple[str, ...]:
        node = self.node.get("order_key")
        if node is None:
            return ("order_id",) if kind in ("orders", "returns") and "order_id" in columns else ()
        key = _texts(node, "order_key", is_empty_allowed=True)
        for name in key:
            if name not in columns:
                raise _refuse(
                    node.mark,
                    tr(
                        f"order_key 里的「{name}」不在 columns 里", f"“{name}” of order_key is not in columns"
                    ),
                    _suggest(name, list(columns)),
                )
        return key

    def _dates(self) -> tuple[str, ...]:
        node = self.node.get("dates")
        if node is None:
            return ()
        formats = _texts(node, "dates")
        for text in formats:
            parts = [
                text[at + 1 : at + 2]
                for at, char in enumerate(text)
                if char == "%" and text[at - 1 : at] != "%"
            ]
            unknown = [part for part in parts if part not in _DATE_PARTS]
            if unknown or not {"m", "d"} <= set(parts) or not {"Y", "y"} & set(parts):
                raise _refuse(
                    node.mark,
                    tr(f"日期格式「{text}」看不懂", f"Date format “{text}” is not understood"),
                    tr(
                        '写成 "%Y-%m-%d %H:%M:%S" 这样,必须有年月日',
                        'Like "%Y-%m-%d %H:%M:%S"; year, month and day are needed',
                    ),
                )
        return formats

    def _words(self, key: str, meanings: Sequence[str]) -> dict[str, str]:
        section = self._section(key, meanings)
        words: dict[str, str] = {}
        for meaning, node in section.pairs if section else ():
            for word in _texts(node, f"{key}.{meaning.text}", is_empty_allowed=True):
                if not word.strip("* "):
                    raise _wrong(node.mark, f"{key}.{meaning.text}", tr("有文字的词", "words with letters"))
                if words.get(fold(word), meaning.text) != meaning.text:
                    raise _refuse(
                        node.mark,
                        tr(f"「{word}」同时算作两种 {key}", f"“{word}” stands for two meanings of {key}"),
                    )
                words[fold(word)] = meaning.text
        return words


def _choice_of(section: YamlMapping | None, key: str, allowed: Sequence[str], default: str) -> str:
    node = section.get(key) if section else None
    if node is None:
        return default
    text = _scalar(node, key).text
    if text not in allowed:
        raise _refuse(
            node.mark,
            tr(f"{key} 不能是「{text}」", f"{key} cannot be “{text}”"),
            _suggest(text, list(allowed))
            or tr(f"可写:{'、'.join(allowed)}", f"One of: {', '.join(allowed)}"),
        )
    return text


def _flag_of(section: YamlMapping | None, key: str) -> bool:
    node = section.get(key) if section else None
    if node is None:
        return False
    value = _scalar(node, key).value
    if not isinstance(value, bool):
        raise _wrong(node.mark, key, "true / false")
    return value


def _check_keys(section: YamlMapping, allowed: Sequence[str], parent: str) -> None:
    for key, _ in section.pairs:
        if key.text not in allowed:
            place = tr(f"{parent} 里", f"in {parent} ") if parent else tr("映射文件里", "in a mapping file ")
            raise _refuse(
                key.mark,
                tr(f"{place}没有「{key.text}」这一项", f"There is no “{key.text}” {place}".strip()),
                _suggest(key.text, list(allowed))
                or tr(f"可写:{'、'.join(allowed)}", f"One of: {', '.join(allowed)}"),
            )


def _scalar(node: Node, key: str) -> Scalar:
    if not isinstance(node, Scalar):
        raise _wrong(node.mark, key, tr("一个值", "one value"))
    return node


def _mapping(node: Node, key: str) -> YamlMapping:
    if not isinstance(node, YamlMapping):
        raise _wrong(node.mark, key, tr("「键: 值」", "“key: value”"))
    return node


def _texts(node: Node, key: str, *, is_empty_allowed: bool = False) -> tuple[str, ...]:
    """One text or a list of texts."""
    items = node.items if isinstance(node, Items) else (node,)
    texts = tuple(_scalar(item, key).text for item in items)
    if (not texts and not is_empty_allowed) or not all(text.strip() for text in texts):
        raise _wrong(node.mark, key, tr("一段文字,或文字的列表", "text or a list of texts"))
    return texts


def _suggest(word: str, known: list[str]) -> str:
    near = did_you_mean(word, known)
    return tr(f"你是不是想写:{near}", f"Did you mean: {near}") if near else ""


def _wrong(mark: Mark, key: str, wanted: str) -> InputRefused:
    return _refuse(mark, tr(f"{key} 应是{wanted}", f"{key} must be {wanted}"))


def _refuse(mark: Mark, message: str, hint: str = "") -> InputRefused:
    return InputRefused("bad-mapping", message, hint=hint, where=mark.where())
