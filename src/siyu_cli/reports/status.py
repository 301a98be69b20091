"""Where the shop stands: counts of what the workspace holds, and the next command."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from siyu_cli.language import tr

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class Status:
    """What the workspace holds now; days and moments as local seconds, None where nothing happened yet."""

    staff_active: int
    staff_retired: int
    leads: int
    leads_in_pool: int
    leads_held: int
    customers: int
    order_lines: int
    anonymous_lines: int
    first_paid_sec: int | None
    last_paid_sec: int | None
    contacts: int
    events: int
    tags_held: int
    scored_customers: int
    opted_out: int
    last_run_sec: int | None
    last_command: str | None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def read_status(con: DuckDBPyConnection) -> Status:
    """One look at every table."""
    row = con.execute("""
        SELECT (SELECT count(*) FROM staff WHERE is_active = 1), (SELECT count(*) FROM staff WHERE is_active = 0),
               (SELECT count(*) FROM lead_state), (SELECT count(*) FROM lead_state WHERE state = '待分配'),
               (SELECT count(*) FROM lead_state WHERE state IN ('待添加', '待通过')), (SELECT count(*) FROM customers),
               (SELECT count(*) FROM order_lines WHERE is_detail = 0),
               (SELECT count(*) FROM order_lines WHERE is_detail = 0 AND customer_id IS NULL),
               (SELECT min(paid_sec) FROM order_lines), (SELECT max(paid_sec) FROM order_lines),
               (SELECT count(*) FROM contacts WHERE lost_sec IS NULL), (SELECT count(*) FROM events),
               (SELECT count(*) FROM held_tags),
               (SELECT count(*) FROM scores WHERE run_id = (SELECT max(run_id) FROM score_runs)),
               (SELECT count(DISTINCT phone) FROM opt_outs),
               (SELECT arg_max(finished_sec, run_id) FROM runs WHERE outcome IN ('done', 'partial')),
               (SELECT arg_max(command, run_id) FROM runs WHERE outcome IN ('done', 'partial'))
    """).fetchall()[0]
    return Status(*row)


def next_step(status: Status) -> str:
    """The command that moves the shop on."""
    if not status.staff_active:
        return tr(
            "导入员工:siyu import-staff inbox/员工.xlsx", "Import staff: siyu import-staff inbox/staff.xlsx"
        )
    if not status.order_lines:
        return tr(
            "导入订单:siyu import-orders inbox/订单.csv", "Import orders: siyu import-orders inbox/orders.csv"
        )
    if not status.leads:
        return tr(
            "导入线索:siyu import-leads inbox/名单.xlsx", "Import leads: siyu import-leads inbox/list.xlsx"
        )
    if status.leads_in_pool:
        return tr("分线索:siyu distribute-leads --dry-run", "Deal leads out: siyu distribute-leads --dry-run")
    if not status.scored_customers:
        return tr("给客户分层:siyu score-customers", "Score customers: siyu score-customers")
    if not status.tags_held:
        return tr("打标签:siyu apply-tags", "Tag customers: siyu apply-tags")
    if status.last_command == "export-report":
        return tr(
            "都做完了;有新文件就放进 inbox/ 再导入一次",
            "All done; put new files into inbox/ and import again",
        )
    return tr("出报表:siyu export-report", "Report: siyu export-report")
