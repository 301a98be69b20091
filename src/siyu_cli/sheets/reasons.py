"""Why a row was refused or repaired: one stable code each, with a sentence and the way to mend it."""

from __future__ import annotations

from siyu_cli.language import tr
from siyu_cli.phone import phone_reason

Words = tuple[str, str]


def _rejects(detail: str) -> dict[str, tuple[str, str]]:
    """Code → (reason, remedy); `detail` is the value or word the reason speaks of."""
    return {
        "row-too-short": (
            tr(f"这一行只有 {detail} 格,比表头少", f"the row has fewer cells than the header ({detail})"),
            tr("补齐缺少的格(空的也要留着分隔符)", "add the missing cells"),
        ),
        "row-too-long": (
            tr(f"这一行有 {detail} 格,比表头多", f"the row has more cells than the header ({detail})"),
            tr(
                "多半是内容里有分隔符:合并被拆开的格,删掉「多出的内容」",
                "join the cell that was split by a separator",
            ),
        ),
        "bad-bytes": (
            tr("有无法识别的字节(显示为 �)", "some bytes cannot be read (shown as �)"),
            tr("把 � 处改成正确的文字", "write the right text where � stands"),
        ),
        "duplicate-column-conflict": (
            tr(f"同名的两列内容不同:{detail}", f"two columns of the same name differ: {detail}"),
            tr("只留下正确的一个", "keep only the right one"),
        ),
        "id-precision-lost": (
            tr(
                f"编号存成了数字,精度已丢失:{detail}",
                f"the id was stored as a number and lost digits: {detail}",
            ),
            tr("从平台重新导出,编号列设为文本", "export again with the column as text"),
        ),
        "error-cell": (
            tr(f"单元格是公式的错误值:{detail}", f"the cell shows a formula's error: {detail}"),
            tr("改成真正的值(把公式的结果粘贴成数值)", "put in the value itself, not a formula"),
        ),
        "missing-id": (
            tr("没有订单编号", "the order id is missing"),
            tr("补上订单编号", "fill in the order id"),
        ),
        "bad-money": (
            tr(f"金额看不懂:{detail}", f"not an amount of money: {detail}"),
            tr("写成 1299.50 这样的数字,单位用元", "write a plain number of yuan such as 1299.50"),
        ),
        "missing-amount": (
            tr("已付款,却没有金额", "the order is paid but has no amount"),
            tr("补上实付金额", "fill in the paid amount"),
        ),
        "bad-quantity": (
            tr(f"数量看不懂:{detail}", f"not a quantity: {detail}"),
            tr("写成数字", "write a number"),
        ),
        "bad-date": (
            tr(f"日期不存在或看不懂:{detail}", f"no such date, or not a date: {detail}"),
            tr("写成 2025-03-15 10:00:00", "write it like 2025-03-15 10:00:00"),
        ),
        "ambiguous-date": (
            tr(f"分不清日和月:{detail}", f"day and month cannot be told apart: {detail}"),
            tr(
                "写成 2025-03-15,或在映射文件里写明 dates:",
                "write 2025-03-15, or name the format in the mapping's dates:",
            ),
        ),
        "missing-date": (
            tr("付款时间和下单时间都没有", "neither pay time nor order time is given"),
            tr("补上付款时间或下单时间", "fill in the pay time or the order time"),
        ),
        "unknown-status": (
            tr(f"不认识的订单状态:{detail or '(空)'}", f"unknown order status: {detail or '(empty)'}"),
            tr("在映射文件的 status: 里把这个词归类后再导入", "add the word to status: of the mapping file"),
        ),
        "unknown-refund-status": (
            tr(f"不认识的退款状态:{detail}", f"unknown refund status: {detail}"),
            tr(
                "在映射文件的 refund_status: 里把这个词归类后再导入",
                "add the word to refund_status: of the mapping file",
            ),
        ),
        "missing-order-id": (
            tr("没有订单编号", "the order id is missing"),
            tr("补上订单编号", "fill in the order id"),
        ),
        "negative-amount": (
            tr("金额或数量是负数", "the amount or the quantity is negative"),
            tr(
                "若负数行是退货,在映射文件里写 refunds: {rows: negative_quantity}",
                "if negative rows are returns, write refunds: {rows: negative_quantity} in the mapping",
            ),
        ),
        "conflicting-rows": (
            tr("同一个订单在文件里出现两次,内容不同", "the same order stands twice with different content"),
            tr("留下对的那一行", "keep the right row"),
        ),
        "repeated-amount-conflict": (
            tr(
                "同一个订单的各行写着不同的整单金额",
                "the lines of one order name different figures of the whole order",
            ),
            tr("把这个订单各行的整单金额改成一样", "make the order's figures equal on all its lines"),
        ),
        "no-such-order": (
            tr("工作区里没有这个订单", "the workspace knows no such order"),
            tr(
                "先导入订单,再导入退货名单或商品明细",
                "import the orders first, then their returns or details",
            ),
        ),
        "missing-staff-id": (
            tr("没有员工账号", "the staff account is missing"),
            tr("补上员工账号(企业微信账号)", "fill in the account"),
        ),
        "missing-staff": (
            tr("没有写是哪位员工", "it does not say which member of staff"),
            tr("补上员工账号或姓名", "fill in the account or the name"),
        ),
        "staff-inactive": (
            tr("这位员工已停用", "this member of staff is retired"),
            tr("指定给在岗的人", "assign it to somebody active"),
        ),
        "not-a-lead": (
            tr("没有这个号码的线索", "no lead has this phone"),
            tr("先用 import-leads 导入这个号码", "import the phone with import-leads first"),
        ),
        "not-in-pool": (
            tr(
                "线索不在池里:别人拿着,或已有结果",
                "the lead is not in the pool: somebody has it, or it is closed",
            ),
            tr("先收回或退回,再指定", "take it back first, then assign it"),
        ),
        "changed-later": (
            tr("线索在截止时间之后还有变动", "the lead changed after the cut-off"),
            tr("去掉 --as-of,或写晚一点的时刻", "leave out --as-of, or name a later moment"),
        ),
        "lead-opted-out": (
            tr("这个人退订了", "this person opted out"),
            tr("不要再联系,删掉这一行", "do not contact them, delete the row"),
        ),
        "assignment-differs": (
            tr("同一个号码指定给了两个人", "the phone is assigned to two people"),
            tr("只留下对的那一行", "keep only the right row"),
        ),
        "unknown-staff": (
            tr("员工表里没有这个人", "the staff sheet knows no such person"),
            tr(
                "先导入员工表,或改成员工表里的员工账号",
                "import the staff sheet first, or write the account it has",
            ),
        ),
        "several-staff": (
            tr("有几个人叫这个名字", "several people have this name"),
            tr("写员工账号,不要只写姓名", "write the account, not only the name"),
        ),
        "leave-differs": (
            tr(
                "同一个人同一天开始的请假写了两次,内容不同",
                "the same leave stands twice with different content",
            ),
            tr("只留下对的那一行", "keep only the right row"),
        ),
        "missing-leave-day": (
            tr("没有开始日", "the first day is missing"),
            tr("补上开始日,写成 2025-03-15", "fill in the first day, like 2025-03-15"),
        ),
        "leave-ends-early": (
            tr("结束日在开始日前面", "the leave ends before it begins"),
            tr("改正日期;两天都算在假里", "mend the dates; both days belong to the leave"),
        ),
        "missing-name": (tr("没有姓名", "the name is missing"), tr("补上姓名", "fill in the name")),
        "bad-number": (
            tr(f"不是合适的数字:{detail}", f"not a fitting number: {detail}"),
            tr("写成不小于 0 的数字", "write a number of 0 or more"),
        ),
        "unknown-lead-status": (
            tr(f"不认识的添加状态:{detail}", f"unknown state of the friend request: {detail}"),
            tr("在映射文件的 status: 里把这个词归类后再导入", "add the word to status: of the mapping file"),
        ),
        "unknown-contact-status": (
            tr(f"不认识的好友状态:{detail}", f"unknown state of the friendship: {detail}"),
            tr("在映射文件的 status: 里把这个词归类后再导入", "add the word to status: of the mapping file"),
        ),
        "missing-contact": (
            tr("没有姓名、手机号,也没有外部联系人 ID", "neither a name nor a phone nor an external id"),
            tr("补上其中一样", "fill in one of them"),
        ),
        "unknown-event": (
            tr(f"不认识的行为:{detail or '(空)'}", f"unknown event: {detail or '(empty)'}"),
            tr("在映射文件的 events: 里把这个词归类后再导入", "add the word to events: of the mapping file"),
        ),
        "missing-event-time": (
            tr("没有写什么时候", "the time is missing"),
            tr("补上时间", "fill in the time"),
        ),
        "unknown-leave-status": (
            tr(f"不认识的请假状态:{detail}", f"unknown state of the leave: {detail}"),
            tr("空着(算请假),或写 取消", "leave it empty (it counts), or write 取消"),
        ),
        "unknown-staff-status": (
            tr(f"不认识的状态:{detail}", f"unknown state: {detail}"),
            tr("写成 在岗 或 停用", "write 在岗 or 停用"),
        ),
        "missing-row-key": (
            tr("没有行标识", "the row key is missing"),
            tr("从原来那张表里把这一行的行标识复制过来", "copy the row's key from the original sheet"),
        ),
        "bad-row-key": (
            tr(f"行标识被改过:{detail}", f"the row key was changed: {detail}"),
            tr("从原来那张表里把这一行的行标识复制过来", "copy the row's key from the original sheet"),
        ),
        "no-such-lead": (
            tr("没有这条线索,或没有这次分配", "there is no such lead or assignment"),
            tr(
                "看是不是别的工作区的表,或线索已经撤回",
                "the sheet may be of another workspace, or the lead taken back",
            ),
        ),
        "key-phone-differs": (
            tr("行标识和手机号对不上:是两条线索", "row key and phone are of two different leads"),
            tr("按手机号从原来那张表里复制行标识", "copy the key of this phone from the original sheet"),
        ),
        "unknown-feedback": (
            tr(f"不认识的结果:{detail}", f"unknown result: {detail}"),
            tr(
                "从下拉里选,或在 platforms/反馈.yaml 的 status: 里把这个词归类",
                "choose from the list, or add the word to status: of the mapping",
            ),
        ),
        "unknown-verdict": (
            tr(f"不认识的核对结论:{detail}", f"unknown answer: {detail}"),
            tr("写 属实 或 不属实", "write 属实 or 不属实"),
        ),
        "verdict-without-claim": (
            tr("只有「已添加」「已是好友」可以核对为属实", "only 已添加 and 已是好友 can be confirmed"),
            tr("去掉「核对」里的字", "clear the column 核对"),
        ),
        "feedback-differs": (
            tr(
                "同一条线索填了两种不同的结果,分不出先后", "two different results for one lead, neither newer"
            ),
            tr("留下对的那一行,再导入一次", "keep the right row and import again"),
        ),
        "late-added": (
            tr("线索已经不在他手里,他说加上了", "no longer this person's lead, but reported as added"),
            tr(
                "在「反馈待核对」里写 属实 或 不属实,再导入那张表",
                "answer 属实 or 不属实 in the list of questions and import it",
            ),
        ),
        "claimed-twice": (
            tr("两个人都说加上了", "two people report it as added"),
            tr("问清是谁加上的;导入好友列表也能看清", "ask who added it; a list of friends shows it too"),
        ),
        "cannot-follow-added": (
            tr(
                "好友列表里已经是好友,不能再是别的结果",
                "the list of friends shows a friend, nothing else can follow",
            ),
            tr("确实删掉了好友就不用管这一行", "leave the row if the friend is gone"),
        ),
        "no-longer-owner": (
            tr("线索已经不在他手里,没有采用", "no longer this person's lead, not used"),
            tr(
                "不用改;线索现在是谁的见「反馈待核对」",
                "nothing to mend; the list of questions says whose it is",
            ),
        ),
        "unknown-stage": (
            tr(f"没有这个阶段:{detail}" if detail else "没有这个阶段", f"no such stage: {detail}"),
            tr("写 rules/ 里 stages 列出的阶段", "write a stage that stages: in rules/ lists"),
        ),
        "missing-stage": (tr("没有写阶段", "the stage is missing"), tr("补上阶段", "fill in the stage")),
        "stage-not-theirs": (
            tr("线索已经不在他手里,阶段没有采用", "no longer this person's lead, the stage was not used"),
            tr(
                "让现在的负责员工来填,或 siyu set-stage",
                "ask whoever has the lead now, or use siyu set-stage",
            ),
        ),
        "stage-differs": (
            tr("同一位客户写了两个不同的阶段", "two different stages for one customer"),
            tr("只留下对的那一行", "keep only the right row"),
        ),
        "unknown-tag": (
            tr(f"规则里没有这个标签:{detail}" if detail else "规则里没有这个标签", f"no such tag: {detail}"),
            tr(
                "写 rules/ 里有的标签;只由人打的先写进 manual_tags",
                "write a tag of rules/; tags only people set are listed in manual_tags first",
            ),
        ),
        "missing-tag": (tr("没有写标签", "the tag is missing"), tr("补上标签", "fill in the tag")),
        "tag-by-rule-only": (
            tr(f"「{detail}」写着 manual: forbid,不许人工改", f"“{detail}” is not to be set by hand"),
            tr("要改就改规则,或去掉 manual: forbid", "change the rule, or take manual: forbid out"),
        ),
        "unknown-tag-act": (
            tr(f"不认识的操作:{detail}", f"unknown action: {detail}"),
            tr("写 打上、去掉 或 还给规则;空着就是打上", "write on, off or release; empty means on"),
        ),
        "until-past": (
            tr("到期的日子已经过了", "the day it ends is past"),
            tr(
                "写今天或以后的日子;不要这个标签了,操作写「去掉」",
                "write today or a later day; to take the tag away, write off as its action",
            ),
        ),
        "until-of-release": (
            tr("还给规则没有到期的日子", "a release has no end"),
            tr("去掉「到期」,或把操作改成打上、去掉", "leave the end out, or make the action on or off"),
        ),
        "tag-differs": (
            tr(
                "同一位客户的同一个标签写了两个不同的操作或到期",
                "the sheet says two things of one tag of a customer",
            ),
            tr("只留下对的那一行", "keep only the right row"),
        ),
        "tag-group-differs": (
            tr(
                f"同一组里只能有一个,前面已经写了「{detail}」",
                f"of its group the customer has “{detail}” in an earlier row",
            ),
            tr("只留下对的那一行", "keep only the right row"),
        ),
        "unknown-customer": (
            tr("没有这位客户", "there is no such customer"),
            tr(
                "先导入他的订单或好友,再导入这张表;还不是客户的号码用 import-leads 的标签列",
                "import their orders or friends first; phones of leads take the tags column of import-leads",
            ),
        ),
        "bad-customer-id": (
            tr(f"不是客户编号:{detail}", f"not a customer's number: {detail}"),
            tr("写客户编号(一个数字),或把手机号写在手机号一列", "write the customer's number, or the phone"),
        ),
        "missing-customer": (
            tr("没有写是哪位客户", "it does not say which customer"),
            tr("补上手机号或客户编号", "fill in the phone or the customer's number"),
        ),
        "who-differs": (
            tr("客户编号和手机号不是同一位客户", "the number and the phone are two customers"),
            tr("只留下对的那一个", "keep only the right one"),
        ),
        "unusable-sheet": (
            tr("整张工作表认不出表头", "the header of the sheet is not recognised"),
            tr("用 --platform FILE.yaml 说明各列", "say which column is what with --platform FILE.yaml"),
        ),
    }


def reason_text(code: str, detail: str = "") -> str:
    """The reason of a refusal, for the operator."""
    if code.startswith("phone-"):
        return phone_reason(code)
    return _rejects(detail).get(code, (code, ""))[0]


def fix_text(code: str) -> str:
    """How to mend a row refused for `code`."""
    if code.startswith("phone-"):
        return tr("换成本人的 11 位手机号", "give the person's own 11-digit mobile")
    return _rejects("").get(code, ("", ""))[1]


def near_text(near: str) -> str:
    """`你是不是想写:爱水果 ?`, empty where nothing is near."""
    return tr(f"你是不是想写:{near} ? ", f"Did you mean: {near} ? ") if near else ""


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
