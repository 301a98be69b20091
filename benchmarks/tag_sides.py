"""The programs beside `plan-tags`: SQL by hand on the same store, and pandas; both print the holders of every tag.

Both were written to be fast, not to look slow: lines are netted once, orders are put together once with what every
scope asks of them, and customers are grouped once per source. Both know a valid order as siyu does: paid by the
moment, not closed, refunds of that moment set against the line they name, something other than postage left over.
"""

from __future__ import annotations

import re

from benchmarks.tag_rules import TAGS

DAY = 20162
"""2025-03-15, the moment of all sides."""
_NUMBERS = {tag.name: number for number, tag in enumerate(TAGS, start=1)}


def _condition(text: str) -> str:
    return re.sub(r"\{(.+?)\}", lambda found: f"t{_NUMBERS[found[1]]}", text)


SQL_TEXT = f"""
CREATE TEMP TABLE flags AS
WITH back AS (
    SELECT line_no, sum(refund_fen) AS back_fen FROM refunds
    WHERE line_no IS NOT NULL AND refund_sec < {DAY + 1} * 86400 GROUP BY line_no
),
lines AS (
    SELECT l.line_no, l.order_no, l.customer_id, l.paid_day AS day, l.paid_sec, l.is_goods, l.quantity_milli, l.product_key,
           l.category_key, l.sku_key, l.channel_key, l.shop_key,
           CAST(l.paid_fen - CASE WHEN l.refund_sec < {DAY + 1} * 86400 THEN l.refund_fen ELSE 0 END
                - coalesce(b.back_fen, 0) AS BIGINT) AS net_fen
    FROM order_lines AS l LEFT JOIN back AS b ON b.line_no = l.line_no
    WHERE l.kind = 'sale' AND l.is_detail = 0 AND l.status IN ('paid', 'refunded')
      AND l.paid_sec < {DAY + 1} * 86400
),
bought AS (
    SELECT *, is_goods = 1 AND (category_key = '水果' OR starts_with(category_key, '水果/')) AS fruit,
           is_goods = 1 AND (category_key = '零食' OR starts_with(category_key, '零食/')) AS snack,
           is_goods = 1 AND (contains(product_key, '车厘子') OR contains(product_key, '樱桃'))
               AND NOT (contains(product_key, '手机壳') OR contains(product_key, '香薰')) AS cherry,
           is_goods = 1 AND (contains(product_key, '礼盒') OR contains(product_key, '礼包')
               OR contains(product_key, '伴手礼')) AS gift,
           is_goods = 1 AND (contains(product_key, '宝宝') OR contains(product_key, '儿童')) AS kids,
           is_goods = 1 AND (contains(sku_key, '5斤') OR contains(sku_key, '10斤')) AS pack
    FROM lines WHERE net_fen > 0
),
orders AS (
    SELECT order_no, min(customer_id) AS customer_id, min(day) AS day, min(paid_sec) AS paid_sec, max(is_goods) AS is_order,
           sum(net_fen) AS net_fen, min(channel_key) AS channel_key, min(shop_key) AS shop_key,
           bool_or(fruit) AS fruit, bool_or(cherry) AS cherry, bool_or(gift) AS gift, bool_or(kids) AS kids,
           bool_or(pack) AS pack, sum(CASE WHEN fruit THEN net_fen ELSE 0 END) AS fruit_fen,
           sum(CASE WHEN gift THEN net_fen ELSE 0 END) AS gift_fen, sum(CASE WHEN snack THEN net_fen ELSE 0 END) AS snack_fen,
           sum(CASE WHEN is_goods = 1 THEN quantity_milli ELSE 0 END) AS quantity
    FROM bought GROUP BY order_no
    UNION ALL
    SELECT 0, customer_id, refund_day, refund_sec, 0, -refund_fen, '', coalesce(shop_key, ''), false, false, false, false,
           false, 0, 0, 0, 0
    FROM refunds WHERE line_no IS NULL AND refund_sec < {DAY + 1} * 86400
),
by_orders AS (
    SELECT customer_id, coalesce(sum(is_order), 0) AS orders, sum(net_fen) AS spend,
           count(DISTINCT CASE WHEN is_order = 1 THEN day END) AS days,
           min(day) FILTER (is_order = 1) AS first, max(day) FILTER (is_order = 1) AS last,
           {DAY} - min(day) FILTER (is_order = 1) AS age, {DAY} - max(day) FILTER (is_order = 1) AS r,
           count(*) FILTER (is_order = 1 AND day > {DAY} - 7) AS orders_7,
           count(*) FILTER (is_order = 1 AND day > {DAY} - 30) AS orders_30,
           count(*) FILTER (is_order = 1 AND day > {DAY} - 90) AS orders_90,
           count(*) FILTER (is_order = 1 AND day > {DAY} - 180) AS orders_180,
           count(*) FILTER (is_order = 1 AND day > {DAY} - 365) AS orders_365,
           count(*) FILTER (is_order = 1 AND day BETWEEN {DAY} - 730 AND {DAY} - 366) AS orders_before,
           coalesce(sum(net_fen) FILTER (day > {DAY} - 30), 0) AS spend_30,
           coalesce(sum(net_fen) FILTER (day > {DAY} - 90), 0) AS spend_90,
           coalesce(sum(net_fen) FILTER (day > {DAY} - 180), 0) AS spend_180,
           coalesce(sum(net_fen) FILTER (day > {DAY} - 365), 0) AS spend_365,
           count(*) FILTER (is_order = 1 AND net_fen >= 50000) AS big,
           max(net_fen) FILTER (is_order = 1) AS max_order,
           count(*) FILTER (is_order = 1 AND channel_key = '直播') AS live_orders,
           count(*) FILTER (is_order = 1 AND shop_key = '甲店') AS shop_orders,
           arg_min(channel_key, (paid_sec, order_no)) FILTER (is_order = 1) AS first_channel,
           count(*) FILTER (fruit) AS fruit_orders, count(*) FILTER (fruit AND day > {DAY} - 90) AS fruit_orders_90,
           sum(fruit_fen) AS fruit_spend, coalesce(sum(fruit_fen) FILTER (day > {DAY} - 180), 0) AS fruit_spend_180,
           coalesce(sum(fruit_fen) FILTER (channel_key = '直播'), 0) AS fruit_live_spend,
           count(*) FILTER (cherry AND day > {DAY} - 365) AS cherry_orders_365,
           count(*) FILTER (gift) AS gift_orders, coalesce(sum(gift_fen) FILTER (day > {DAY} - 365), 0) AS gift_spend_365,
           count(*) FILTER (kids AND day > {DAY} - 180) AS kids_orders_180, sum(snack_fen) AS snack_spend,
           count(*) FILTER (pack) AS pack_orders, sum(quantity) AS pieces,
           coalesce(sum(quantity) FILTER (day > {DAY} - 90), 0) AS pieces_90
    FROM orders WHERE customer_id IS NOT NULL GROUP BY customer_id
),
by_products AS (
    SELECT customer_id, count(DISTINCT product_key) AS products FROM bought
    WHERE is_goods = 1 AND product_key <> '' AND customer_id IS NOT NULL GROUP BY customer_id
),
seen AS (SELECT * FROM events WHERE customer_id IS NOT NULL AND at_sec < {DAY + 1} * 86400),
by_events AS (
    SELECT customer_id, count(*) FILTER (kind = 'view' AND day > {DAY} - 7) AS views_7,
           count(*) FILTER (kind = 'view' AND day > {DAY} - 30) AS views_30,
           count(DISTINCT day) FILTER (kind = 'view' AND day > {DAY} - 7) AS view_days_7,
           {DAY} - max(day) FILTER (kind = 'view') AS seen_r,
           count(*) FILTER (kind = 'add_to_cart' AND day > {DAY} - 7) AS carts_7,
           count(*) FILTER (kind = 'click' AND day > {DAY} - 90) AS clicks_90,
           count(*) FILTER (kind = 'sign_in' AND day > {DAY} - 90) AS signs_90,
           count(*) FILTER (kind = 'share') AS shares, count(*) FILTER (kind = 'review') AS reviews,
           count(*) FILTER (kind = 'coupon' AND day > {DAY} - 180) AS coupons_180,
           count(*) FILTER (kind IN ('view', 'click') AND (category_key = '水果' OR starts_with(category_key, '水果/'))
                            AND day > {DAY} - 90) AS fruit_seen_90,
           count(*) FILTER (kind = 'group_message' AND contains(page_key, '水果') AND day > {DAY} - 90) AS fruit_talk_90
    FROM seen GROUP BY customer_id
),
items AS (SELECT customer_id, product_key, paid_sec, day, order_no FROM bought WHERE is_goods = 1 AND customer_id IS NOT NULL),
wavering AS (
    SELECT DISTINCT v.customer_id FROM (
        SELECT customer_id, product_key, min(at_sec) AS first_sec FROM seen
        WHERE kind = 'view' AND day > {DAY} - 90 AND product_key <> ''
        GROUP BY customer_id, product_key HAVING count(*) >= 2 AND count(DISTINCT day) >= 2) AS v
    WHERE NOT EXISTS (SELECT 1 FROM items AS i WHERE i.customer_id = v.customer_id
                      AND i.product_key = v.product_key AND i.paid_sec >= v.first_sec)
),
left_in_cart AS (
    SELECT v.customer_id FROM (
        SELECT customer_id, max(at_sec) AS last_sec FROM seen
        WHERE kind = 'add_to_cart' AND at_sec > {DAY + 1} * 86400 - 1 - 72 * 3600 AND at_sec <= {DAY + 1} * 86400 - 1 - 24 * 3600
        GROUP BY customer_id) AS v
    LEFT JOIN (SELECT customer_id, max(paid_sec) AS bought_sec FROM items GROUP BY customer_id) AS i
      ON i.customer_id = v.customer_id
    WHERE bought_sec IS NULL OR bought_sec < last_sec
),
after_push AS (
    SELECT DISTINCT c.customer_id FROM seen AS c JOIN push_members AS p
      ON p.customer_id = c.customer_id AND p.push_key = '三月车厘子' AND p.at_sec < {DAY + 1} * 86400
     AND p.at_sec < c.at_sec AND p.at_sec >= c.at_sec - 72 * 3600
    WHERE c.kind = 'click'
),
unused AS (
    SELECT v.customer_id FROM (
        SELECT customer_id, max(at_sec) FILTER (kind = 'coupon' AND day > {DAY} - 90) AS got_sec,
               max(at_sec) FILTER (kind = 'use_coupon') AS used_sec
        FROM seen WHERE kind IN ('coupon', 'use_coupon') GROUP BY customer_id) AS v
    WHERE got_sec IS NOT NULL AND (used_sec IS NULL OR used_sec < got_sec)
),
again AS (
    SELECT DISTINCT customer_id FROM (
        SELECT customer_id, product_key FROM items WHERE day > {DAY} - 365 AND product_key <> ''
        GROUP BY customer_id, product_key HAVING count(DISTINCT order_no) >= 2)
),
people AS (
    SELECT c.customer_id, coalesce(c.province, '') AS province, coalesce(orders, 0) AS orders,
           o.* EXCLUDE (customer_id, orders, spend_365, orders_365, orders_7),
           coalesce(spend_365, 0) AS spend_365, coalesce(orders_365, 0) AS orders_365, coalesce(orders_7, 0) AS orders_7,
           products, e.* EXCLUDE (customer_id), w.customer_id IS NOT NULL AS d_wavering, x.customer_id IS NOT NULL AS d_left,
           a.customer_id IS NOT NULL AS d_after, u.customer_id IS NOT NULL AS d_coupon, g.customer_id IS NOT NULL AS d_again
    FROM customers AS c
    LEFT JOIN by_orders AS o ON o.customer_id = c.customer_id
    LEFT JOIN by_products AS p ON p.customer_id = c.customer_id
    LEFT JOIN by_events AS e ON e.customer_id = c.customer_id
    LEFT JOIN wavering AS w ON w.customer_id = c.customer_id
    LEFT JOIN left_in_cart AS x ON x.customer_id = c.customer_id
    LEFT JOIN after_push AS a ON a.customer_id = c.customer_id
    LEFT JOIN unused AS u ON u.customer_id = c.customer_id
    LEFT JOIN again AS g ON g.customer_id = c.customer_id
)
SELECT customer_id, {", ".join(f"coalesce({_condition(tag.condition)}, false) AS t{number}" for number, tag in enumerate(TAGS, start=1))}
FROM people
"""

SQL_SIDE = f'''
import json, sys, duckdb
con = duckdb.connect(sys.argv[1], read_only=True, config={{"memory_limit": "2GB"}})
con.execute("""{SQL_TEXT}""")
names = {[tag.name for tag in TAGS]!r}
found = con.execute("SELECT " + ", ".join(f"sum(CAST(t{{n}} AS INTEGER))" for n in range(1, len(names) + 1)) + " FROM flags")
print(json.dumps(dict(zip(names, map(int, found.fetchall()[0])))))
'''

PANDAS_SIDE = f'''
import json, sys, duckdb, pandas as pd
con = duckdb.connect(sys.argv[1], read_only=True)
D = {DAY}
END = (D + 1) * 86400
lines = con.execute("""SELECT line_no, order_no, customer_id, paid_day AS day, paid_sec, is_goods, quantity_milli, product_key,
    category_key, sku_key, channel_key, shop_key, paid_fen, refund_fen, refund_sec FROM order_lines
    WHERE kind = 'sale' AND is_detail = 0 AND status IN ('paid', 'refunded') AND customer_id IS NOT NULL""").df()
refunds = con.execute("SELECT line_no, customer_id, refund_sec, refund_day, refund_fen FROM refunds").df()
events = con.execute("""SELECT customer_id, kind, at_sec, day, product_key, category_key, page_key FROM events
    WHERE customer_id IS NOT NULL""").df()
pushes = con.execute("SELECT customer_id, push_key, at_sec AS sent FROM push_members").df()
people = con.execute("SELECT customer_id, coalesce(province, '') AS province FROM customers").df().set_index("customer_id")
con.close()

refunds = refunds[refunds.refund_sec < END]
lines = lines[lines.paid_sec < END]
back = refunds[refunds.line_no.notna()].groupby("line_no").refund_fen.sum()
lines["net"] = (lines.paid_fen - lines.refund_fen.where(lines.refund_sec < END, 0)
                - lines.line_no.map(back).fillna(0)).astype("int64")
lines = lines[lines.net > 0]
goods = lines.is_goods == 1

def holding(column, words, but=()):
    """Words are looked for in the distinct texts, not in every line."""
    texts = pd.Series(lines[column].unique())
    found = texts.str.contains("|".join(words), na=False)
    if but:
        found &= ~texts.str.contains("|".join(but), na=False)
    return goods & lines[column].isin(texts[found])

def under(frame, path):
    texts = pd.Series(frame.category_key.unique())
    return frame.category_key.isin(texts[(texts == path) | texts.str.startswith(path + "/", na=False)])

lines["fruit"] = goods & under(lines, "水果")
lines["cherry"] = holding("product_key", ["车厘子", "樱桃"], ["手机壳", "香薰"])
lines["gift"] = holding("product_key", ["礼盒", "礼包", "伴手礼"])
lines["kids"] = holding("product_key", ["宝宝", "儿童"])
lines["pack"] = holding("sku_key", ["5斤", "10斤"])
lines["fruit_fen"] = lines.net.where(lines.fruit, 0)
lines["gift_fen"] = lines.net.where(lines.gift, 0)
lines["snack_fen"] = lines.net.where(goods & under(lines, "零食"), 0)
lines["quantity"] = lines.quantity_milli.where(goods, 0)
orders = lines.groupby("order_no", as_index=False).agg(
    customer_id=("customer_id", "first"), day=("day", "min"), paid_sec=("paid_sec", "min"), is_order=("is_goods", "max"),
    net=("net", "sum"), channel=("channel_key", "first"), shop=("shop_key", "first"), fruit=("fruit", "max"),
    cherry=("cherry", "max"), gift=("gift", "max"), kids=("kids", "max"), pack=("pack", "max"), fruit_fen=("fruit_fen", "sum"),
    gift_fen=("gift_fen", "sum"), snack_fen=("snack_fen", "sum"), quantity=("quantity", "sum"))
alone = refunds[refunds.line_no.isna() & refunds.customer_id.notna()]
valid = orders[orders.is_order == 1]

def count(frame, rows=None, column="customer_id"):
    return (frame if rows is None else frame[rows]).groupby(column).size()

def total(column, rows=None):
    found = (orders if rows is None else orders[rows]).groupby("customer_id")[column].sum()
    return found

def since(frame, days):
    return frame.day > D - days

def spend(days):
    left = alone if days is None else alone[alone.refund_day > D - days]
    return total("net", None if days is None else since(orders, days)).sub(left.groupby("customer_id").refund_fen.sum(), fill_value=0)

days = valid.groupby("customer_id").day.agg(["min", "max", "nunique"])
people["first"], people["last"], people["days"] = days["min"], days["max"], days["nunique"]
people["age"], people["r"] = D - people["first"], D - people["last"]
people["orders"] = count(valid)
for n in (7, 30, 90, 180, 365):
    people[f"orders_{{n}}"] = count(valid, since(valid, n))
people["orders_before"] = count(valid, valid.day.between(D - 730, D - 366))
people["spend"] = spend(None)
for n in (30, 90, 180, 365):
    people[f"spend_{{n}}"] = spend(n)
people["big"] = count(valid, valid.net >= 50000)
people["max_order"] = valid.groupby("customer_id").net.max()
live = valid.channel == "直播"
people["live_orders"] = count(valid, live)
people["shop_orders"] = count(valid, valid.shop == "甲店")
people["first_channel"] = valid.sort_values(["paid_sec", "order_no"]).drop_duplicates("customer_id").set_index("customer_id").channel
people["fruit_orders"] = count(valid, valid.fruit)
people["fruit_orders_90"] = count(valid, valid.fruit & since(valid, 90))
people["fruit_spend"] = total("fruit_fen")
people["fruit_spend_180"] = total("fruit_fen", since(orders, 180))
people["fruit_live_spend"] = total("fruit_fen", orders.channel == "直播")
people["cherry_orders_365"] = count(valid, valid.cherry & since(valid, 365))
people["gift_orders"] = count(valid, valid.gift)
people["gift_spend_365"] = total("gift_fen", since(orders, 365))
people["kids_orders_180"] = count(valid, valid.kids & since(valid, 180))
people["snack_spend"] = total("snack_fen")
people["pack_orders"] = count(valid, valid.pack)
people["pieces"] = total("quantity")
people["pieces_90"] = total("quantity", since(orders, 90))
items = lines[lines.is_goods == 1]
people["products"] = items[["customer_id", "product_key"]].drop_duplicates().groupby("customer_id").size()

events = events[events.at_sec < END]
kinds = dict(tuple(events.groupby("kind")))
view = kinds["view"]
for n in (7, 30):
    people[f"views_{{n}}"] = count(view, since(view, n))
people["view_days_7"] = view[since(view, 7)].groupby("customer_id").day.nunique()
people["seen_r"] = D - view.groupby("customer_id").day.max()
people["carts_7"] = count(kinds["add_to_cart"], since(kinds["add_to_cart"], 7))
people["clicks_90"] = count(kinds["click"], since(kinds["click"], 90))
people["signs_90"] = count(kinds["sign_in"], since(kinds["sign_in"], 90))
people["shares"] = count(kinds["share"])
people["reviews"] = count(kinds["review"])
people["coupons_180"] = count(kinds["coupon"], since(kinds["coupon"], 180))
looked = pd.concat([view, kinds["click"]])
people["fruit_seen_90"] = count(looked, under(looked, "水果") & since(looked, 90))
talk = kinds["group_message"]
people["fruit_talk_90"] = count(talk, talk.page_key.str.contains("水果", na=False) & since(talk, 90))

def mark(name, ids):
    people[name] = people.index.isin(ids)

both = ["customer_id", "product_key"]
seen = view[since(view, 90) & view.product_key.notna() & (view.product_key != "")].groupby(both).agg(
    times=("at_sec", "size"), days=("day", "nunique"), first_sec=("at_sec", "min")).reset_index()
seen = seen[(seen.times >= 2) & (seen.days >= 2)]
last = items.groupby(both).paid_sec.max().rename("bought").reset_index()
seen = seen.merge(last, on=both, how="left")
mark("d_wavering", seen[~(seen.bought >= seen.first_sec)].customer_id.unique())
carts = kinds["add_to_cart"]
carts = carts[(carts.at_sec > END - 1 - 72 * 3600) & (carts.at_sec <= END - 1 - 24 * 3600)].groupby("customer_id").at_sec.max()
bought = items.groupby("customer_id").paid_sec.max().reindex(carts.index)
mark("d_left", carts[~(bought >= carts)].index)
sent = pushes[(pushes.push_key == "三月车厘子") & (pushes.sent < END)]
near = kinds["click"].merge(sent, on="customer_id")
mark("d_after", near[(near.sent < near.at_sec) & (near.sent >= near.at_sec - 72 * 3600)].customer_id.unique())
got = kinds["coupon"][since(kinds["coupon"], 90)].groupby("customer_id").at_sec.max()
used = kinds["use_coupon"].groupby("customer_id").at_sec.max().reindex(got.index)
mark("d_coupon", got[~(used >= got)].index)
again = items[since(items, 365) & (items.product_key != "")][[*both, "order_no"]].drop_duplicates().groupby(both).size()
mark("d_again", again[again >= 2].index.get_level_values("customer_id").unique())

missing = ["first", "last", "age", "r", "seen_r", "max_order", "first_channel", "province"]
counted = people.columns.difference(missing)
people[counted] = people[counted].fillna(0)
names = {[tag.name for tag in TAGS]!r}
for number, condition in enumerate({[_condition(tag.condition).replace(" and not t", " and ~t") for tag in TAGS]!r}, start=1):
    people[f"t{{number}}"] = people.eval(condition, engine="python").astype(bool)
print(json.dumps({{name: int(people[f"t{{n}}"].sum()) for n, name in enumerate(names, start=1)}}))
'''
