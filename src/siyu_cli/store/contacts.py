"""Friends in the store: the rows of a list are matched with known friendships, judged and written.

A friendship is a person and a member of staff. Exports name the person differently (an external_userid, a
phone, a name and a time), so a row is matched in passes, the surest evidence first; `staged_contacts` holds
the rows of one file with what becomes of each.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from siyu_cli.store import versions
from siyu_cli.store.versions import Undone, Versioned

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

CONTACTS = Versioned("contacts", "contact_no")

# What is said of a friendship: a change in any of these is an update.
_CONTENT = (
    "staff_id", "staff_name", "corp", "external_userid", "unionid", "name", "remark", "description", "phone", "phones",
    "is_phone_noted", "added_sec", "source", "tags", "attributes", "lost_sec",
)  # fmt: skip
_COLUMNS = ("contact_no", "customer_id", *_CONTENT, "exported_sec", "first_run_id", "run_id")

# Ids that a list does not name are not taken back by it.
_LASTING = ("external_userid", "unionid", "corp", "staff_id")

# Keys by which a row is a known friendship of the same member of staff, in turn; equal keys of both sides
# are paired in their order. Later exports change remarks and fill in phones, hence the later passes.
_PASSES: tuple[tuple[str, ...], ...] = (
    ("external_userid",),
    ("unionid",),
    ("phone", "added_sec"),
    ("phone",),
    ("name", "remark", "added_sec"),
    ("name", "added_sec"),
)
_ORDER = "added_sec, name, remark, description, phone, tags, attributes"

_STAFF_KEY = "coalesce(r.staff_id, a.staff_id, '=' || r.staff_name, '')"

# Two rows of one file about one friendship: its key in this file.
_PERSON_KEY = """CASE WHEN external_userid IS NOT NULL THEN row('e', external_userid, NULL, NULL)
    WHEN unionid IS NOT NULL THEN row('u', unionid, NULL, NULL)
    WHEN phone IS NOT NULL THEN row('p', phone, NULL, added_sec) ELSE row('n', name, remark, added_sec) END"""


def stage(con: DuckDBPyConnection, incoming: str) -> None:
    """Make `staged_contacts` from the rows registered as `incoming`; a row said twice is judged here.

    Staff is known by account, else by name where only one account bears it.
    """
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE staff_aliases AS
        SELECT staff_name, min(staff_id) AS staff_id FROM (
            SELECT name AS staff_name, staff_id FROM staff
            UNION SELECT staff_name, staff_id FROM contacts WHERE staff_id IS NOT NULL
            UNION SELECT staff_name, staff_id FROM {incoming} WHERE staff_id IS NOT NULL
        ) WHERE staff_name IS NOT NULL GROUP BY staff_name HAVING count(*) = 1
    """)
    content = ", ".join(name for name in _CONTENT if name != "lost_sec")
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE staged_contacts AS
        WITH phoned AS (
            SELECT * REPLACE (array_to_string(list_sort(list_distinct(string_split(coalesce(phones, noted_phone), ';'))),
                                              ';') AS phones),
                   coalesce(string_split(phones, ';')[1], noted_phone) AS phone,
                   CAST(phones IS NULL AND noted_phone IS NOT NULL AS INTEGER) AS is_phone_noted
            FROM {incoming}
        ),
        keyed AS (
            SELECT r.* REPLACE (coalesce(r.staff_id, a.staff_id) AS staff_id), {_STAFF_KEY} AS staff_key
            FROM phoned AS r LEFT JOIN staff_aliases AS a ON a.staff_name = r.staff_name
        ),
        told AS (
            SELECT *, row({content}, is_lost, lost_sec) AS content, {_PERSON_KEY} AS person_key FROM keyed
        )
        SELECT * EXCLUDE (content, person_key, noted_phone),
               CASE WHEN row_number() OVER w = 1 THEN NULL
                    WHEN content IS NOT DISTINCT FROM first_value(content) OVER w THEN 'duplicate'
                    ELSE 'rejected' END AS verdict
        FROM told
        WINDOW w AS (PARTITION BY staff_key, person_key ORDER BY is_lost, added_sec DESC NULLS LAST, content, row_no)
    """)


def match(con: DuckDBPyConnection) -> None:
    """Make `matched_contacts(row_no, contact_no)`: which friendship a row speaks of, where it is known."""
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE known_contacts AS
        SELECT r.* REPLACE (greatest(r.exported_sec, coalesce(x.moment_sec, 0)) AS exported_sec),
               {_STAFF_KEY} AS staff_key
        FROM contacts AS r LEFT JOIN staff_aliases AS a ON a.staff_name = r.staff_name
        LEFT JOIN ({versions.standing_sql(CONTACTS, "contacts")}) AS x ON x.contact_no = r.contact_no
    """)
    con.execute("CREATE OR REPLACE TEMP TABLE matched_contacts (row_no BIGINT, contact_no BIGINT)")
    for keys in _PASSES:
        listed = ", ".join(("staff_key", *keys))
        is_named = " AND ".join(f"{key} IS NOT NULL" for key in keys if key != "remark")
        if keys[0] == "name":
            # Without a time a name is one only together with its remark.
            is_named = "name IS NOT NULL" if "remark" in keys else is_named
        same = " AND ".join(f"s.{key} IS NOT DISTINCT FROM k.{key}" for key in keys)
        sides = [
            f"""SELECT {number}, {listed}, external_userid AS id,
                       row_number() OVER (PARTITION BY {listed} ORDER BY {_ORDER}, {number}) AS nth
                FROM {table} ANTI JOIN matched_contacts USING ({number}) WHERE {is_named}{rest}"""
            for table, number, rest in (
                ("staged_contacts", "row_no", " AND verdict IS NULL"),
                ("known_contacts", "contact_no", ""),
            )
        ]
        con.execute(f"""
            INSERT INTO matched_contacts
            SELECT s.row_no, k.contact_no FROM ({sides[0]}) AS s
            JOIN ({sides[1]}) AS k ON k.staff_key = s.staff_key AND k.nth = s.nth AND {same}
            WHERE s.id IS NULL OR k.id IS NULL OR s.id = k.id
        """)


def judge(con: DuckDBPyConnection, given: Collection[str], exported_sec: int) -> None:
    """Make `effective_contacts`: the rows as they would stand, each with its verdict and reason.

    `given` names the columns the file has; what it does not speak of stays as it is known. `seen_contacts`
    holds the friendships that earlier files of this run spoke of.
    """
    taken = {
        name: f"CASE WHEN k.contact_no IS NULL THEN s.{name} ELSE k.{name} END"
        for name in _CONTENT
        if name not in given
    }
    if not {"phone", "other_phone"} & set(given):
        # A number that stands in a remark counts in any list; without one, what is known stays.
        taken |= {
            name: f"CASE WHEN k.contact_no IS NULL OR s.phone IS NOT NULL THEN s.{name} ELSE k.{name} END"
            for name in ("phone", "phones", "is_phone_noted")
        }
    else:
        taken |= {name: f"s.{name}" for name in ("phone", "phones", "is_phone_noted")}
    taken |= {name: f"coalesce(s.{name}, k.{name})" for name in _LASTING}
    taken["lost_sec"] = "CASE WHEN s.is_lost = 1 THEN coalesce(s.lost_sec, k.lost_sec, $moment) END"
    columns = ", ".join(f"{taken.get(name, 's.' + name)} AS {name}" for name in _CONTENT)
    same = " AND ".join(f"e.{name} IS NOT DISTINCT FROM k.{name}" for name in _CONTENT)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE effective_contacts AS
        WITH effective AS (
            SELECT s.row_no, s.verdict AS early, s.staff_key, m.contact_no, {columns}
            FROM staged_contacts AS s LEFT JOIN matched_contacts AS m ON m.row_no = s.row_no
            LEFT JOIN known_contacts AS k ON k.contact_no = m.contact_no
        )
        SELECT e.* EXCLUDE (early), k.first_run_id,
               CASE WHEN e.early IS NOT NULL THEN e.early
                    WHEN k.contact_no IS NULL THEN 'new'
                    WHEN ({same} OR k.exported_sec > $moment) AND h.contact_no IS NOT NULL THEN 'duplicate'
                    WHEN {same} OR k.exported_sec > $moment THEN 'unchanged' ELSE 'updated' END AS verdict,
               CASE WHEN e.early = 'rejected' THEN 'conflicting-rows'
                    WHEN e.early = 'duplicate' OR (h.contact_no IS NOT NULL AND {same}) THEN 'same-row'
                    WHEN k.contact_no IS NOT NULL AND {same} THEN 'known'
                    WHEN k.exported_sec > $moment THEN 'older-export' END AS reason
        FROM effective AS e
        LEFT JOIN known_contacts AS k ON k.contact_no = e.contact_no
        LEFT JOIN seen_contacts AS h ON h.contact_no = e.contact_no
        """,
        {"moment": exported_sec},
    )


def claim_people(con: DuckDBPyConnection) -> None:
    """`contact_claims` for people.identity: every key of the accepted rows.

    An id of 企业微信 belongs to a company; where a list does not say which, it is the one that is known for it.
    """
    con.execute("""
        CREATE OR REPLACE TEMP TABLE contact_claims AS
        WITH accepted AS (SELECT * FROM effective_contacts WHERE verdict IN ('new', 'updated', 'unchanged')),
        corps AS (SELECT value, min(namespace) AS namespace FROM customer_keys WHERE kind = 'external_userid' GROUP BY value)
        SELECT row_no AS claim_no, 'external_userid' AS kind, coalesce(a.corp, c.namespace, '') AS namespace,
               a.external_userid AS value, a.added_sec AS first_sec
        FROM accepted AS a LEFT JOIN corps AS c ON c.value = a.external_userid WHERE a.external_userid IS NOT NULL
        UNION ALL SELECT row_no, 'unionid', '', unionid, added_sec FROM accepted WHERE unionid IS NOT NULL
        UNION ALL SELECT row_no, 'phone', '', unnest(string_split(phones, ';')), added_sec FROM accepted
            WHERE phones IS NOT NULL
    """)


def write(con: DuckDBPyConnection, run_id: int, exported_sec: int) -> None:
    """Carry out what `judge` found; `resolved_contacts` says whose the friendships are."""
    values = {
        "customer_id": "r.customer_id", "exported_sec": "$moment", "run_id": "$run",
        "first_run_id": "coalesce(e.first_run_id, $run)",
    }  # fmt: skip
    columns = ", ".join(f"{values.get(name, 'e.' + name)} AS {name}" for name in _COLUMNS)
    source = "effective_contacts AS e LEFT JOIN resolved_contacts AS r ON r.claim_no = e.row_no"
    moment = {"run": run_id, "moment": exported_sec}
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE beaten AS SELECT {columns} FROM {source} WHERE e.reason = 'older-export'",
        moment,
    )
    versions.confirm(
        con,
        CONTACTS,
        "(SELECT contact_no FROM effective_contacts WHERE reason = 'known')",
        run_id,
        exported_sec,
    )
    versions.keep_beaten(con, CONTACTS, "beaten", run_id)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE changing AS SELECT {columns} FROM {source} WHERE e.verdict = 'updated'",
        moment,
    )
    versions.keep(con, CONTACTS, "changing", run_id)
    changed = [name for name in _COLUMNS if name not in ("contact_no", "first_run_id")]
    con.execute(
        f"UPDATE contacts SET {', '.join(f'{name} = x.{name}' for name in changed)} FROM changing AS x "
        "WHERE x.contact_no = contacts.contact_no"
    )
    con.execute(
        f"""
        INSERT INTO contacts ({", ".join(_COLUMNS)})
        SELECT {columns} FROM (
            SELECT * REPLACE ((SELECT coalesce(max(contact_no), 0) FROM (SELECT contact_no FROM contacts
                               UNION ALL SELECT contact_no FROM tag_exports))
                              + row_number() OVER (ORDER BY {_ORDER}, staff_key, external_userid, row_no) AS contact_no)
            FROM effective_contacts WHERE verdict = 'new'
        ) AS e LEFT JOIN resolved_contacts AS r ON r.claim_no = e.row_no
        """,
        moment,
    )
    con.execute(
        """
        INSERT INTO seen_contacts
        SELECT contact_no FROM effective_contacts WHERE contact_no IS NOT NULL AND verdict <> 'rejected'
        UNION SELECT contact_no FROM contacts WHERE run_id = ? EXCEPT SELECT contact_no FROM seen_contacts
        """,
        [run_id],
    )
    con.execute("""
        INSERT INTO seen_staff SELECT DISTINCT staff_key FROM staged_contacts WHERE verdict IS NULL
        EXCEPT SELECT staff_key FROM seen_staff
    """)


def mark_lost(con: DuckDBPyConnection, run_id: int, exported_sec: int) -> int:
    """The friends that the run's lists leave out, of the staff they name, are lost as of the export; how many."""
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE losing AS
        SELECT r.contact_no FROM contacts AS r LEFT JOIN staff_aliases AS a ON a.staff_name = r.staff_name
        SEMI JOIN seen_staff AS s ON s.staff_key = {_STAFF_KEY}
        ANTI JOIN seen_contacts AS h ON h.contact_no = r.contact_no
        WHERE r.lost_sec IS NULL AND r.exported_sec <= ?
        """,
        [exported_sec],
    )
    versions.keep(con, CONTACTS, "losing", run_id)
    done = con.execute(
        "UPDATE contacts SET lost_sec = $moment, exported_sec = $moment, run_id = $run "
        "WHERE contact_no IN (SELECT contact_no FROM losing)",
        {"run": run_id, "moment": exported_sec},
    )
    return int(done.fetchall()[0][0])


def take_back(con: DuckDBPyConnection, run_id: int) -> Undone:
    """Every friendship becomes what the other imports say of it; `taken_back` names those that changed."""
    return versions.take_back(con, CONTACTS, run_id)


def name_customers(con: DuckDBPyConnection, friends: str = "taken_back") -> None:
    """Whose the friendships of the relation `friends(contact_no)` are: who holds their keys now."""
    con.execute(f"""
        UPDATE contacts SET customer_id = x.customer_id FROM (
            SELECT c.contact_no, coalesce(e.customer_id, u.customer_id, p.customer_id) AS customer_id
            FROM contacts AS c SEMI JOIN {friends} AS t ON t.contact_no = c.contact_no
            LEFT JOIN customer_keys AS e ON e.kind = 'external_userid' AND e.value = c.external_userid
                AND (e.namespace = c.corp OR c.corp IS NULL)
            LEFT JOIN customer_keys AS u ON u.kind = 'unionid' AND u.value = c.unionid
            LEFT JOIN customer_keys AS p ON p.kind = 'phone' AND p.value = c.phone
        ) AS x WHERE x.contact_no = contacts.contact_no
    """)
