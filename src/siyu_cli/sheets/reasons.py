"""Why a row was refused: one stable code each, with a sentence and the way to mend it."""

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
        "like-a-header": (
            tr("表头下面这一行没有数据,像是又一行列名", "the row below the header has no data, only names"),
            tr(
                "是列名就删掉这一行,不用再导入;是数据就改好",
                "delete it if they are column names, else mend it",
            ),
        ),
        "other-header": (
            tr("从这一行起是另一张表:列名的次序和表头不同", "another table begins here, its columns differ"),
            tr(
                "把这一行和下面的行另存成一个文件,再导入",
                "move this row and those below to a file of their own",
            ),
        ),
        "below-other-header": (
            tr(
                f"属于第 {detail} 行表头的那张表,列对不上",
                f"belongs to the table whose header is row {detail}; its columns differ",
            ),
            tr("把那一行表头和下面的行另存成一个文件,再导入", "move that table to a file of its own"),
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
            tr("年月日写全,如 2025-03-15 10:00:00", "write it in full, like 2025-03-15 10:00:00"),
        ),
        "ambiguous-date": (
            tr(f"分不清日和月:{detail}", f"day and month cannot be told apart: {detail}"),
            tr(
                '写成 2025-03-15,或在映射里写明,如 dates: ["%m/%d/%Y"](月/日/年)',
                'write 2025-03-15, or name the format in the mapping, such as dates: ["%m/%d/%Y"]',
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


def merged_text(row_no: int, code: str) -> str:
    """Where the value stands of a cell that is merged with one above; empty for row 0."""
    if not row_no:
        return ""
    if code == "missing-amount":
        return tr(
            f"这一格和第 {row_no:,} 行的合并着,金额是几行合在一起的:分开写,照抄会算两遍。",
            f"The cell is merged with that of row {row_no:,}, one amount for several rows: divide it. ",
        )
    return tr(
        f"这一格和第 {row_no:,} 行的合并着,值只在那一行:照样填进来。",
        f"The cell is merged with that of row {row_no:,}, which holds the value: copy it. ",
    )


def near_text(near: str) -> str:
    """`你是不是想写:爱水果 ?`, empty where nothing is near."""
    return tr(f"你是不是想写:{near} ? ", f"Did you mean: {near} ? ") if near else ""
