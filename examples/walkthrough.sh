#!/bin/sh
# 从头到尾走一遍:造一家样板店,导入,分线索,分层,打标签,出推送名单和报表。
# 用法: sh examples/walkthrough.sh [文件夹]      命令不叫 siyu 时: SIYU=.venv/bin/siyu sh examples/walkthrough.sh
# A walk through the whole main job on a fresh sample shop; exit 0 only when every step ended as it should.
set -u

shop=${1:-./demo-shop}
day=2025-03-15
SIYU=${SIYU:-siyu}
case $SIYU in
  /*) ;;
  */*) SIYU=$(pwd)/$SIYU ;; # we are going to change folders
esac
unset SIYU_WORKSPACE

# step 说明 允许的退出码 命令…
step() {
  title=$1 expected=$2
  shift 2
  printf '\n== %s\n$ siyu' "$title"
  printf ' %s' "$@"
  printf '\n'
  "$SIYU" "$@"
  code=$?
  case " $expected " in
    *" $code "*) ;;
    *)
      printf '\n「%s」以退出码 %s 结束,应为 %s。走到这里停下。\n' "$title" "$code" "$expected" >&2
      exit 1
      ;;
  esac
}

if [ -e "$shop" ]; then
  printf '%s 已经有了。换一个文件夹,或先把它删掉。\n' "$shop" >&2
  exit 1
fi

step '造一家样板店' 0 demo "$shop" --as-of "$day"
cd "$shop" || exit 1
set -- inbox/ExportOrderList*.csv inbox/有赞订单*.xlsx

step '导入员工' '0' import-staff inbox/员工.xlsx
step '导入抖音直播间的线索' '4' import-leads inbox/抖音直播间.xlsx --source 抖音直播间 --as-of "$day"
echo '   打不通的号码(脱敏、座机、虚拟号……)各有各的原因,在拒收表里;拒收表修好能再导入,所以退出码是 4。'
step '导入两个平台的订单' '4' import-orders "$@"
echo '   退出码 4 是预料之中的:样板店里故意放了几行坏数据(订单号变成 4.90012E+17、付款时间是 2 月 30 日),'
echo '   它们被拒收,原样写在 outbox/ 的「…-拒收.xlsx」里,其余各行都已入库。'
step '导入包裹卡的线索' '4' import-leads inbox/包裹卡.csv --source 包裹卡 --as-of "$day"
echo '   这份名单里有几位已经是客户,有几位已在池中:不会变成第二条线索。'
step '导入企业微信好友' '4' import-contacts inbox/客户列表.xlsx
echo '   同一位客户被两位员工加了是两行;没有手机号的好友还对不上客户。'
step '导入客户的行为' '4' import-events inbox/行为.csv
echo '   浏览、加购、签到、领券……;没有写是谁的那些行记在店铺名下。'
step '把线索平均分给在岗员工' '0' distribute-leads --as-of "$day"
step '八分群' '0' score-customers --as-of "$day"
step '检查规则' '0' check-rules
step '看看标签会怎么变(什么也不写)' '0' plan-tags --as-of "$day"
step '打标签' '0' apply-tags --as-of "$day"
step '推送名单' '0' export-push 重要客户·即将流失 --reason 三月挽留 --as-of "$day" --yes
step '报表' '0' export-report --as-of "$day"
step '现在怎样' '0' status

printf '\n走完了。请用 Excel 或 WPS 打开 %s 里的:\n' "$shop"
find outbox -type f -name '*.xlsx' ! -name '.*' | sort | while IFS= read -r file; do
  case $file in
    *拒收*) word='没能导入的行和原因' ;;
    outbox/线索/*汇总*) word='这次怎么分的' ;;
    outbox/线索/*) word='发给员工的线索表' ;;
    outbox/推送/*) word='推送名单' ;;
    outbox/报表/*) word='报表' ;;
    *) word='' ;;
  esac
  printf '  %s  %s\n' "$file" "$word"
done
printf '标准答案在 %s/truth.json,可以逐项核对。\n' "$shop"
