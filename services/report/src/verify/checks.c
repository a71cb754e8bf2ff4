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
         "uai NOT IN (SELECT uai FROM digests)"},
        {"row -> scan", VERIFY_ALWAYS,
         "SELECT d.uai, d.digest || ' occurs with it in no raw scan' FROM digests d JOIN rows r "
         "USING (uai) WHERE r.in_scan AND NOT EXISTS (SELECT 1 FROM targets t WHERE t.uai = d.uai "
         "AND t.digest = d.digest)"},
        {"row -> scan", VERIFY_ALWAYS,
         "SELECT d.uai, 'the raw scan of ' || d.digest || ' is not complete' FROM digests d JOIN "
         "rows r USING (uai) JOIN targets t USING (uai, digest) WHERE r.in_scan GROUP BY d.uai, "
         "d.digest HAVING max(t.complete) = 0"},
        {"row -> scan", VERIFY_ALWAYS,
         "SELECT uai, 'says No in In Latest Scan, and " BUNDLE_GAPS " does not explain it' FROM "
         "rows WHERE NOT in_scan AND uai NOT IN (SELECT uai FROM gaps)"},
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
