#include "store/chain.h"

#include "bundle/evidence.h"
#include "bundle/manifest.h"

#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_SIZE = 256, HEX_LEN = MU_SHA256_HEX_SIZE - 1 };

#define PROBLEM(ret_problem, ...) \
    ((void)snprintf((ret_problem), CHAIN_PROBLEM_SIZE, __VA_ARGS__), false)

/* ---- between closes ---- */

static const struct month_close *by_serial(const struct month_store *store, int64_t serial)
{
    for (size_t i = 0; i < month_store_count(store); i++)
        if (month_store_at(store, i)->record.serial == serial)
            return month_store_at(store, i);
    return NULL;
}

/* What it names is there and has that hash. */
static bool link_holds(const struct month_store *store, bool present, const struct close_link *link,
                       const char *name, char ret_problem[CHAIN_PROBLEM_SIZE])
{
    const struct month_close *other = present ? by_serial(store, link->serial) : NULL;

    if (!present)
        return true;
    if (!other || !mu_text_equal(other->record.month, link->month) ||
        other->record.revision != link->revision)
        return PROBLEM(ret_problem, "%s: %s revision %lld, number %lld, is missing", name,
                       link->month, (long long)link->revision, (long long)link->serial);
    if (!mu_text_equal(other->sha256, link->sha256))
        return PROBLEM(ret_problem, "%s: close.json of %s revision %lld was changed (%s, was %s)",
                       name, link->month, (long long)link->revision, other->sha256, link->sha256);
    return true;
}

/* No number twice; the next close has its hash. */
static bool place_holds(const struct month_store *store, const struct month_close *close,
                        char ret_problem[CHAIN_PROBLEM_SIZE])
{
    const int64_t serial = close->record.serial;
    const struct month_close *next = by_serial(store, serial + 1);

    if (by_serial(store, serial) != close)
        return PROBLEM(ret_problem, "another close has its number, %lld", (long long)serial);
    if (serial > 1 && !by_serial(store, serial - 1))
        return PROBLEM(ret_problem, "the close before it, number %lld, is missing",
                       (long long)serial - 1);
    if (serial > 1 && close->record.previous.serial != serial - 1)
        return PROBLEM(ret_problem, "it does not name the close before it");
    if (next && next->record.has_previous &&
        !mu_text_equal(next->record.previous.sha256, close->sha256))
        return PROBLEM(ret_problem, "its close.json was changed (%s, the next close has %s)",
                       close->sha256, next->record.previous.sha256);
    return true;
}

bool chain_links_hold(const struct month_store *store, const struct month_close *close,
                      char ret_problem[CHAIN_PROBLEM_SIZE])
{
    const struct close_record *record = &close->record;

    *ret_problem = '\0';
    return place_holds(store, close, ret_problem) &&
           link_holds(store, record->has_previous, &record->previous, "previous", ret_problem) &&
           link_holds(store, record->has_previous_month, &record->previous_month, "previous_month",
                      ret_problem) &&
           link_holds(store, record->has_replaces, &record->replaces, "replaces", ret_problem);
}

/* ---- its files ---- */

static bool file_holds(const struct month_close *close, const char *name,
                       const struct close_file *expected, char ret_problem[CHAIN_PROBLEM_SIZE])
{
    char path[STORE_PATH_SIZE], digest[MU_DIGEST_TEXT_SIZE];
    uint64_t size_bytes;
    struct mu_error err;

    if (store_path(path, &err, "%s/%s", close->folder, name) != MU_OK ||
        manifest_hash_file(path, digest, &size_bytes, &err) != MU_OK)
        return PROBLEM(ret_problem, "%s: %.300s", name, err.message);
    if (!mu_text_equal(digest, expected->sha256))
        return PROBLEM(ret_problem, "%s was changed (%s, was %s)", name, digest, expected->sha256);
    return true;
}

static bool companions_hold(const struct month_close *close, char ret_problem[CHAIN_PROBLEM_SIZE])
{
    const struct close_companion *companions = close->record.companions.items;

    for (size_t i = 0; i < close->record.companions.count; i++)
        if (!file_holds(close, companions[i].name, &companions[i].file, ret_problem))
            return false;
    return true;
}

static bool evidence_holds(const char *shelf, const char *hex, bool hash,
                           char ret_problem[CHAIN_PROBLEM_SIZE])
{
    char path[EVIDENCE_PATH_SIZE], expected[MU_DIGEST_TEXT_SIZE], digest[MU_DIGEST_TEXT_SIZE];
    uint64_t size_bytes;
    struct mu_error err;
    enum mu_status st;

    (void)snprintf(expected, sizeof(expected), "sha256:%.*s", HEX_LEN, hex);
    st = evidence_shelf_path(shelf, expected, path, &err);
    if (st == MU_OK && !hash) {
        if (access(path, R_OK) == 0)
            return true;
        return PROBLEM(ret_problem, "evidence %s: %s", expected, strerror(errno));
    }
    if (st == MU_OK)
        st = manifest_hash_file(path, digest, &size_bytes, &err);
    if (st != MU_OK)
        return PROBLEM(ret_problem, "evidence %s: %.300s", expected, err.message);
    if (!mu_text_equal(digest, expected))
        return PROBLEM(ret_problem, "evidence %s was changed (%s)", expected, digest);
    return true;
}

/* The list was compared with its hash before. */
static bool list_holds(const struct month_store *store, const struct month_close *close, bool hash,
                       char ret_problem[CHAIN_PROBLEM_SIZE])
{
    char path[STORE_PATH_SIZE], shelf[STORE_PATH_SIZE], line[LINE_SIZE];
    MU_AUTO_FILE FILE *in = NULL;
    int64_t files = 0;
    struct mu_error err;

    if (store_path(path, &err, "%s/%s", close->folder, MONTH_EVIDENCE) != MU_OK ||
        store_path(shelf, &err, "%s/%s", month_store_folder(store), STORE_EVIDENCE) != MU_OK)
        return PROBLEM(ret_problem, "%s", err.message);
    in = fopen(path, "re");
    if (!in)
        return PROBLEM(ret_problem, "%s: %s", MONTH_EVIDENCE, strerror(errno));
    while (fgets(line, sizeof(line), in)) {
        files++;
        if (!evidence_holds(shelf, line, hash, ret_problem))
            return false;
    }
    if (files != close->record.evidence_files)
        return PROBLEM(ret_problem, "%s lists %lld files of %lld", MONTH_EVIDENCE, (long long)files,
                       (long long)close->record.evidence_files);
    return true;
}

bool chain_files_hold(const struct month_store *store, const struct month_close *close,
                      bool hash_evidence, char ret_problem[CHAIN_PROBLEM_SIZE])
{
    const struct close_record *record = &close->record;

    *ret_problem = '\0';
    return file_holds(close, MONTH_SNAPSHOT, &record->snapshot, ret_problem) &&
           file_holds(close, MONTH_SYSTEM, &record->system, ret_problem) &&
           file_holds(close, MONTH_NUMBERS, &record->numbers, ret_problem) &&
           companions_hold(close, ret_problem) &&
           file_holds(close, MONTH_EVIDENCE, &record->evidence, ret_problem) &&
           list_holds(store, close, hash_evidence, ret_problem);
}
