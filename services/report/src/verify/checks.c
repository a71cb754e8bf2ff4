#include "verify/checks.h"

#include "bundle/layout.h"

/* Columns of an answer: the subject, and what is said of it. */
static const struct {
    const char *check;
    unsigned groups;
    const char *sql;
} checks[] = {
        /* ---- rows -> scans ---- */
        {"row -> scan", VERIFY_ALWAYS,
         "SELECT uai, 'says Yes in In Latest Scan without checksum' FROM rows WHERE in_scan AND "
         "uai NOT IN (SELECT uai FROM digests) AND uai NOT IN (SELECT uai FROM others)"},
        {"row -> scan", VERIFY_ALWAYS,
         "SELECT d.uai, d.digest || ' occurs with it in no raw scan' FROM digests d JOIN rows r "
         "USING (uai) WHERE r.in_scan AND NOT EXISTS (SELECT 1 FROM targets t WHERE t.uai = d.uai "
         "AND t.digest = d.digest)"},
        {"row -> scan", VERIFY_ALWAYS,
         "SELECT d.uai, 'the raw scan of ' || d.digest || ' is not complete' FROM digests d JOIN "
         "rows r USING (uai) JOIN targets t USING (uai, digest) WHERE r.in_scan GROUP BY d.uai, "
         "d.digest HAVING max(t.complete) = 0"},
        {"row -> scan", VERIFY_ALWAYS,
         "SELECT d.uai, 'the newest raw scan of ' || d.digest || ' is of ' || max(t.finished_at) "
         "|| "
         "', more than 30 days before' FROM digests d JOIN rows r USING (uai) JOIN targets t USING "
         "(uai, digest) WHERE r.in_scan AND t.complete GROUP BY d.uai, d.digest HAVING "
         "max(t.finished_at) < (SELECT oldest FROM limits)"},
        {"row -> scan", VERIFY_ALWAYS,
         "SELECT uai, 'says No in In Latest Scan, and " BUNDLE_GAPS " does not explain it' FROM "
         "rows WHERE NOT in_scan AND uai NOT IN (SELECT uai FROM gaps) AND uai NOT IN (SELECT uai "
         "FROM "
         "others)"},
        {"workbook", VERIFY_ALWAYS,
         "SELECT uai, 'is declared in " BUNDLE_OTHER_ASSETS
         " but has no row' FROM others WHERE uai "
         "NOT IN (SELECT uai FROM rows)"},
        /* ---- gaps and rows ---- */
        {"gaps", VERIFY_ALWAYS,
         "SELECT uai, 'is declared a gap but has no row' FROM gaps WHERE uai NOT IN (SELECT uai "
         "FROM rows)"},
        {"gaps", VERIFY_ALWAYS,
         "SELECT uai, 'is declared a gap, but its row says Yes' FROM gaps JOIN rows USING (uai) "
         "WHERE in_scan"},
        {"gaps", VERIFY_ALWAYS,
         "SELECT g.uai, g.digest || ' is declared but not in the row' FROM gap_images g JOIN rows "
         "r USING (uai) WHERE NOT r.in_scan AND g.digest <> '' AND NOT EXISTS (SELECT 1 FROM "
         "digests d WHERE d.uai = g.uai AND d.digest = g.digest)"},
        {"gaps", VERIFY_ALWAYS,
         "SELECT d.uai, d.digest || ' is in the row but not declared' FROM digests d JOIN rows r "
         "USING (uai) JOIN gaps USING (uai) WHERE NOT r.in_scan AND NOT EXISTS (SELECT 1 FROM "
         "gap_images g WHERE g.uai = d.uai AND g.digest = d.digest)"},
        {"gaps", VERIFY_ALWAYS,
         "SELECT uai, 'is declared without an image that is not covered' FROM gaps JOIN rows r "
         "USING (uai) WHERE NOT r.in_scan AND NOT EXISTS (SELECT 1 FROM gap_images g WHERE g.uai = "
         "gaps.uai AND NOT g.covered)"},
        {"row -> scan", VERIFY_ALWAYS,
         "SELECT g.uai, g.digest || ' occurs with it in no raw scan' FROM gap_images g JOIN rows r "
         "USING (uai) JOIN digests d USING (uai, digest) WHERE g.covered AND NOT r.in_scan AND NOT "
         "EXISTS (SELECT 1 FROM targets t WHERE t.uai = g.uai AND t.digest = g.digest)"},
        {"row -> scan", VERIFY_ALWAYS,
         "SELECT g.uai, 'the raw scan of ' || g.digest || ' is not complete' FROM gap_images g "
         "JOIN rows r USING (uai) JOIN digests d USING (uai, digest) JOIN targets t USING (uai, "
         "digest) WHERE g.covered AND NOT r.in_scan GROUP BY g.uai, g.digest HAVING "
         "max(t.complete) = 0"},
        {"not running", VERIFY_ALWAYS,
         "SELECT uai, digest || ' is in the row, and declared as not running' FROM digests JOIN "
         "not_running USING (uai, digest)"},
        /* ---- scans -> rows ---- */
        {"scan -> row", VERIFY_ALWAYS,
         "SELECT t.uai, t.digest || ' was scanned (' || min(t.file) || ') but is in no row' FROM "
         "targets t WHERE NOT EXISTS (SELECT 1 FROM digests d WHERE d.uai = t.uai AND d.digest = "
         "t.digest) AND NOT EXISTS (SELECT 1 FROM not_running n WHERE n.uai = t.uai AND n.digest = "
         "t.digest) GROUP BY t.uai, t.digest"},
        /* A verbatim report is there for a raw scan. */
        {"files", VERIFY_ALWAYS,
         "SELECT name, 'is a report that no raw scan was made of' FROM files WHERE name GLOB "
         "'" BUNDLE_REPORTS "/*' AND name NOT IN (SELECT name FROM reports)"},
        /* ---- containers and rows ---- */
        {"containers", VERIFY_HAS_CONTAINERS,
         "SELECT uai, 'runs in pod ''' || pod || ''', but is declared as no image' FROM containers "
         "JOIN others USING (uai)"},
        {"containers", VERIFY_HAS_CONTAINERS,
         "SELECT uai, 'runs in pod ''' || pod || ''' but has no row' FROM containers WHERE uai NOT "
         "IN (SELECT uai FROM rows)"},
        {"containers", VERIFY_HAS_CONTAINERS,
         "SELECT c.uai, c.digest || ' runs in pod ''' || c.pod || ''' but is not in the row' FROM "
         "containers c JOIN rows r USING (uai) WHERE c.digest <> '' AND NOT EXISTS (SELECT 1 FROM "
         "digests d WHERE d.uai = c.uai AND d.digest = c.digest)"},
        {"containers", VERIFY_HAS_CONTAINERS,
         "SELECT c.uai, 'is ' || c.state || ' in pod ''' || c.pod || ''', but its row says Yes' "
         "FROM containers c JOIN rows r USING (uai) WHERE r.in_scan AND c.state <> 'covered'"},
        {"containers", VERIFY_HAS_CONTAINERS,
         "SELECT d.uai, d.digest || ' is in the row, but no container runs it' FROM digests d "
         "WHERE NOT EXISTS (SELECT 1 FROM containers c WHERE c.uai = d.uai AND c.digest = "
         "d.digest)"},
        /* ---- findings and raw scans ---- */
        /* An image has one list of findings whatever its names: a scan under another one counts. */
        {"findings", VERIFY_HAS_FINDINGS,
         "SELECT item, 'is a finding of ' || uai || ', but none of its raw scans has ' || name "
         "FROM (SELECT f.item, f.uai, min(f.vulnerability) AS name FROM findings f GROUP BY "
         "f.item, f.uai HAVING max(EXISTS (SELECT 1 FROM targets t JOIN found d USING (file) WHERE "
         "t.uai = f.uai AND d.vulnerability = f.vulnerability)) = 0) g WHERE EXISTS (SELECT 1 FROM "
         "scanned s WHERE s.uai = g.uai) AND NOT EXISTS (SELECT 1 FROM findings f JOIN scanned s "
         "USING (uai) JOIN found d ON d.file = s.file AND d.vulnerability = f.vulnerability WHERE "
         "f.uai = g.uai AND f.item = g.item)"},
        /* What the newest scan of the image found. */
        {"findings", VERIFY_HAS_FINDINGS,
         "SELECT t.uai, d.vulnerability || ' was found (' || min(t.file) || ') but is not in "
         "" BUNDLE_FINDINGS "' FROM found d JOIN targets t USING (file) JOIN digests USING (uai, "
         "digest) WHERE t.complete AND NOT EXISTS (SELECT 1 FROM findings f WHERE f.uai = t.uai "
         "AND f.vulnerability = d.vulnerability) AND NOT EXISTS (SELECT 1 FROM targets n WHERE "
         "n.digest = t.digest AND n.file <> t.file AND n.complete AND n.finished_at >= "
         "t.finished_at AND NOT EXISTS (SELECT 1 FROM found o WHERE o.file = n.file AND "
         "o.vulnerability = d.vulnerability)) GROUP BY t.uai, d.vulnerability"},
        /* ---- items and assets of the deliverables ---- */
        {"items", VERIFY_HAS_FINDINGS | VERIFY_HAS_CLOSED,
         "SELECT name, 'stands in ' || file || ', but neither in " BUNDLE_FINDINGS
         " nor in " BUNDLE_CLOSED_FINDINGS "' FROM items i WHERE kind = 'item' AND name GLOB "
         "'" BUNDLE_ITEM_PREFIX
         "*' AND NOT EXISTS (SELECT 1 FROM items o WHERE o.kind = 'item' AND "
         "o.name = i.name AND o.file IN ('" BUNDLE_FINDINGS "', '" BUNDLE_CLOSED_FINDINGS "'))"},
        {"items", VERIFY_ALWAYS,
         "SELECT name, 'stands in ' || file || ', but has no row, and is not declared as not "
         "running' "
         "FROM items i WHERE kind = 'uai' AND file <> '" BUNDLE_POAM
         "' AND name NOT IN (SELECT uai "
         "FROM rows) AND name NOT IN (SELECT uai FROM not_running) AND name NOT IN (SELECT uai "
         "FROM further_tags)"},
        {"items", VERIFY_HAS_ASSETS,
         "SELECT uai, 'has a row, but is not in " BUNDLE_ASSETS "' FROM rows WHERE uai NOT IN "
         "(SELECT uai FROM others) AND uai NOT IN "
         "(SELECT name FROM items WHERE kind = 'uai' AND file = '" BUNDLE_ASSETS "')"},
        {"items", VERIFY_HAS_FINDINGS,
         "SELECT name, 'stands in " BUNDLE_POAM ", but nothing was found on it' FROM items i "
         "WHERE kind = 'uai' AND file = '" BUNDLE_POAM "' AND name NOT IN (SELECT uai FROM "
         "rows) AND name NOT IN (SELECT uai FROM not_running) AND name NOT IN (SELECT name FROM "
         "items WHERE kind = 'closed uai') AND name NOT IN (SELECT uai FROM further_tags)"},
        /* ---- another's package ---- */
        {"row -> scan", VERIFY_FOREIGN,
         "SELECT d.uai, d.digest || ' occurs in no scan, nor does the name' FROM digests d JOIN "
         "rows r USING (uai) WHERE r.in_scan AND NOT EXISTS (SELECT 1 FROM by_digest b WHERE b.uai "
         "= d.uai AND b.digest = d.digest) AND NOT EXISTS (SELECT 1 FROM by_name b WHERE b.uai = "
         "d.uai)"},
        {"row -> scan", VERIFY_FOREIGN,
         "SELECT d.uai, d.digest || ' occurs in no scan: that of the name (' || min(b.file) || ') "
         "is of ' || min(n.name) FROM digests d JOIN rows r USING (uai) JOIN by_name b USING (uai) "
         "JOIN names n ON n.file = b.file AND n.kind = 'digest' WHERE r.in_scan AND NOT EXISTS "
         "(SELECT 1 FROM by_digest x WHERE x.uai = d.uai AND x.digest = d.digest) GROUP BY d.uai, "
         "d.digest"},
        {"row -> scan", VERIFY_FOREIGN,
         "SELECT uai, 'has no checksum, and its name occurs in no scan' FROM rows r WHERE in_scan "
         "AND uai NOT IN (SELECT uai FROM digests) AND NOT EXISTS (SELECT 1 FROM by_name b WHERE "
         "b.uai = r.uai)"},
        {"row -> scan", VERIFY_FOREIGN,
         "SELECT b.uai, b.digest || ' was scanned (' || min(b.file) || ') as ' || min(n.name) || "
         "', "
         "not as this asset' FROM by_digest b JOIN names n ON n.file = b.file AND n.kind = "
         "'spelled' WHERE NOT EXISTS (SELECT 1 FROM by_digest x JOIN by_name y USING (uai, file) "
         "WHERE x.uai = b.uai AND x.digest = b.digest) GROUP BY b.uai, b.digest"},
        {"row -> scan", VERIFY_FOREIGN,
         "SELECT uai, 'its newest scan (' || file || ') is of ' || max(finished_at) || ', more "
         "than "
         "30 days before' FROM (SELECT uai, file FROM by_digest UNION SELECT uai, file FROM "
         "by_name) JOIN scans USING (file) JOIN rows USING (uai) WHERE in_scan GROUP BY uai HAVING "
         "max(finished_at) < (SELECT oldest FROM limits)"},
        {"scan -> row", VERIFY_FOREIGN,
         "SELECT COALESCE((SELECT min(n.name) FROM names n WHERE n.file = s.file AND n.kind = "
         "'spelled'), (SELECT min(n.name) FROM names n WHERE n.file = s.file AND n.kind = "
         "'digest'), s.file), 'was scanned by ' || tool || ' (' || file || ') but is in no row' "
         "FROM "
         "scans s WHERE NOT EXISTS (SELECT 1 FROM names n JOIN digests d ON d.digest = n.name "
         "WHERE "
         "n.file = s.file AND n.kind IN ('digest', 'config')) AND NOT EXISTS (SELECT 1 FROM names "
         "n "
         "JOIN row_names r USING (name) WHERE n.file = s.file AND n.kind = 'name')"},
        {"scans", VERIFY_FOREIGN,
         "SELECT file, 'does not tell when it was made' FROM scans WHERE finished_at IS NULL"},
        {"scans", VERIFY_FOREIGN,
         "SELECT file, 'does not tell which image it is of' FROM scans WHERE file NOT IN (SELECT "
         "file FROM names)"},
};

struct answer {
    struct verify_state *state;
    const char *check;
};

static bool on_answer(void *opaque, const char *const *columns)
{
    const struct answer *answer = opaque;

    verify_difference(answer->state, answer->check, columns[0], "%s", columns[1]);
    return true;
}

void verify_run_checks(struct verify_state *state, unsigned groups)
{
    const bool foreign = (groups & VERIFY_FOREIGN) != 0;

    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        struct answer answer = {state, checks[i].check};

        if ((checks[i].groups & groups) == checks[i].groups &&
            foreign == ((checks[i].groups & VERIFY_FOREIGN) != 0))
            verify_ask(state->store, checks[i].sql, NULL, 2, on_answer, &answer);
    }
}
