"""The tags and segments that a push can be made for, by the names operators use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from siyu_cli.errors import InputRefused
from siyu_cli.language import tr
from siyu_cli.store.scores import newest_score_run
from siyu_cli.words import did_you_mean, fold

if TYPE_CHECKING:
    from siyu_cli.clock import AsOf
    from siyu_cli.store.engine import Engine


@dataclass(frozen=True)
class Target:
    """Whom a push is for: the holders of a tag, or a segment of one score run."""

    kind: Literal["tag", "segment"]
    name: str
    score_run_id: int = 0
    scheme: str = ""

    @property
    def words(self) -> str:
        if self.kind == "tag":
            return tr(f"标签「{self.name}」", f"tag “{self.name}”")
        return tr(f"分群「{self.name}」({self.scheme})", f"segment “{self.name}” ({self.scheme})")


def find_target(engine: Engine, name: str, as_of: AsOf, rule_tags: Sequence[str] = ()) -> Target:
    """The tag of that name, else the segment of the newest score run; InputRefused when there is neither.

    A tag of `rule_tags` or of the past that nobody holds now is still known: its list is empty, not an error.
    """
    held = engine.query("SELECT tag FROM held_tags UNION SELECT tag FROM tag_log").column("tag").to_pylist()
    tags = {*held, *rule_tags}
    run = newest_score_run(engine, as_of)
    segments = [name for _, name in run.segments] if run else []
    wanted = fold(name)
    for tag in sorted(tags):
        if fold(tag) == wanted:
            return Target("tag", tag)
    for segment in segments:
        if run and fold(segment) == wanted:
            return Target("segment", segment, run.run_id, run.scheme)
    names = sorted(tags) + segments
    near = did_you_mean(name, names)
    if near:
        hint = tr(f"你是不是想写:{near}", f"Did you mean: {near}")
    else:
        hint = tr(f"现有:{'、'.join(names[:20])}", f"Known: {', '.join(names[:20])}") if names else ""
        if run is None:
            hint += tr(";分群要先运行 siyu score-customers", "; segments need siyu score-customers first")
    raise InputRefused(
        "unknown-name", tr(f"没有叫「{name}」的标签或分群", f"There is no tag or segment “{name}”"), hint=hint
    )
