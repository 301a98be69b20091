"""What was repaired, dropped or noticed in a file without refusing a row: one stable code each, with a sentence."""

from __future__ import annotations

from siyu_cli.language import tr
from siyu_cli.phone import phone_reason


def note_text(code: str, count: int) -> str:
    """What was repaired, dropped or left out without refusing the row, in one sentence."""
    if code.startswith("phone-"):
        return tr(
            f"{count:,} 个手机号没有采用:{phone_reason(code)}",
            f"{count:,} phones not used: {phone_reason(code)}",
        )
    words = {
        "more-than-two-decimals": tr(
            f"{count:,} 个金额超过两位小数,已四舍五入到分",
            f"{count:,} amounts had more than two decimals and were rounded",
        ),
        "refund-with-minus": tr(
            f"{count:,} 个退款金额写成了负数,按退回的金额计",
            f"{count:,} refunds are written with a minus and count as money given back",
        ),
        "partial-without-amount": tr(
            f"{count:,} 行部分退款没有写退款金额,按没有退款计",
            f"{count:,} partial refunds name no amount and count as none",
        ),
        "header-again": tr(
            f"{count:,} 行是重复的表头,当作空行", f"{count:,} rows repeat the header and count as blank"
        ),
        "no-rows": tr("表头下面没有数据行", "there are no rows below the header"),
        "order-key-missing": tr(
            "文件里没有订单号列:每一行算作一单",
            "the file has no order id column: every row counts as an order",
        ),
        "assumed-paid": tr(
            "文件里没有订单状态,也没有付款时间:每一行都按已付款算,日期用下单时间",
            "the file has neither status nor pay time: every row counts as paid at its order time",
        ),
        "duplicate-headers": tr(f"{count} 个表头重复出现", f"{count} headers stand twice"),
        "merged-cells": tr(
            f"{count:,} 处格子上下合并着,只有最上面一格有值:取消合并、往下填满再导入(合在一起的金额要分开写)",
            f"{count:,} blocks of cells are merged over rows and only the first cell has the value: "
            "unmerge them and fill down (but divide amounts)",
        ),
        "hidden-rows": tr(f"含 {count:,} 行被隐藏,也读了", f"{count:,} hidden rows were read too"),
        "formula-without-value": tr(
            f"{count:,} 个公式没有算出的值:用 Excel/WPS 打开文件,保存一次再导入",
            f"{count:,} formulas have no calculated value: open and save the file in Excel, then import it",
        ),
        "nul-removed": tr(f"去掉了 {count:,} 个空字符", f"{count:,} NUL characters were removed"),
        "phones-split": tr(
            f"{count:,} 行一格里有多个号码,已拆成多条线索",
            f"{count:,} rows hold several phones and make several leads",
        ),
        "id-masked": tr(f"{count:,} 个账号被脱敏,没有采用", f"{count:,} ids are masked and were not used"),
        "noted-phones-several": tr(
            f"{count:,} 行的备注里有不止一个号码,没有当作本人手机",
            f"{count:,} remarks hold more than one phone; none is taken for the person's own",
        ),
        "buyer-masked": tr(
            f"{count:,} 个买家账号被脱敏,没有采用", f"{count:,} buyer ids are masked and were not used"
        ),
        "code-precision-lost": tr(
            f"{count:,} 个商品编码成了科学计数,没有采用",
            f"{count:,} product codes lost digits and were not used",
        ),
        "negative-rows": tr(
            f"{count:,} 行是退货(金额为负):从同一买家之前的购买里减",
            f"{count:,} rows are goods sent back (a negative amount): set against earlier purchases",
        ),
        "negative-rows-free": tr(
            f"{count:,} 行数量为负、金额为 0(盘点、报损之类),不影响金额",
            f"{count:,} rows have a negative quantity and no money (stock-taking and the like)",
        ),
        "date-from-order-id": tr(
            f"{count:,} 行没有任何时间,下单日取自订单号的开头",
            f"{count:,} rows name no time: their day is the beginning of the order id",
        ),
        "joined-cells": tr(
            f"{count:,} 行把几件商品写在一格里:件数相加,金额不拆",
            f"{count:,} rows list several items in one cell: pieces are summed, amounts not split",
        ),
        "long-cell-cut": tr(
            f"{count:,} 个单元格超过 32,767 字,只取了前面的部分",
            f"{count:,} cells hold more than 32,767 characters and were cut there",
        ),
        "bad-side-date": tr(
            f"{count:,} 个次要日期看不懂,没有采用", f"{count:,} minor dates were not understood"
        ),
    }
    return words.get(code, f"{code}: {count:,}")
