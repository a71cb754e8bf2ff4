/* `muster-scanner db query`: every advisory filed for a package, and what it says of a version. */
#include "app/db.h"

#include "database/database.h"
#include "match/judge.h"
#include "match/purl_package.h"
#include "match/severity.h"
#include "version/version.h"

#include "base/table.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { COLUMN_COUNT = 14, CELL_SIZE = 64 };
static const size_t arena_max_bytes = (size_t)64 << 20;

static const char *range_text(const struct candidate *candidate, struct mu_arena *arena)
{
    const struct range_place *place = &candidate->place;

    if (candidate->listed)
        return "listed";
    if (!candidate->affected)
        return "outside its ranges";
    return mu_arena_printf(arena, ">= %s%s%s", place->introduced,
                           place->fixed           ? ", < "
                           : place->last_affected ? ", <= "
                                                  : "",
                           place->fixed           ? place->fixed
                           : place->last_affected ? place->last_affected
                                                  : "");
}

static const char *verdict_of(const struct candidate *candidate, const struct advisory *advisory)
{
    if (!candidate->affected)
        return "no";
    if (advisory->withdrawn)
        return "withdrawn";
    if (candidate->module_unknown)
        return "module unknown";
    return mu_text_equal(advisory->rating, "unimportant") ? "unimportant" : "yes";
}

static const char *known(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static void add_row(struct mu_table *table, const struct judge *judge,
                    const struct package_key *key, const struct candidate *candidate,
                    struct mu_arena *arena)
{
    char epss[CELL_SIZE] = "";
    struct severity_verdict severity;
    struct advisory advisory;
    struct cve_facts facts;
    const char *cells[COLUMN_COUNT];

    database_read(judge->database, candidate->row, &advisory);
    (void)database_cve(judge->database, candidate->id, &facts);
    severity_judge(key->ecosystem, &advisory, &facts, &severity);
    if (facts.has_epss)
        (void)snprintf(epss, sizeof(epss), "%.5f", facts.epss_millionths / 1e6);
    cells[0] = candidate->id;
    cells[1] = advisory.id;
    cells[2] = verdict_of(candidate, &advisory);
    cells[3] = range_text(candidate, arena);
    cells[4] = judge->scheme->name;
    cells[5] = candidate->place.fixed;
    cells[6] = severity_word(severity.severity);
    cells[7] = severity.source;
    cells[8] = facts.kev_added;
    cells[9] = epss;
    cells[10] = known(facts.exploitation);
    cells[11] = known(facts.automatable);
    cells[12] = known(facts.technical_impact);
    cells[13] = advisory.disputed || facts.disputed ? "yes" : NULL;
    mu_table_row(table, cells);
}

static enum mu_status key_of(const char *text, struct mu_arena *arena, struct package_key *ret_key,
                             struct mu_error *err)
{
    struct package_distribution distribution;
    struct image_package package;
    struct image_os os;
    struct purl purl;
    enum mu_status st = purl_parse(text, strlen(text), arena, &purl, err);

    if (st == MU_OK)
        st = purl_package(&purl, arena, &package, &os, err);
    if (st == MU_OK)
        st = package_distribution_of(&os, arena, &distribution, err);
    if (st == MU_OK)
        st = package_key_of(&distribution, &package, arena, ret_key, err);
    if (st == MU_OK && !ret_key->ecosystem)
        st = mu_fail(err, MU_E_INVALID,
                     "purl: nobody files advisories for it; packages of a distribution need its "
                     "release: ?distro=debian-12");
    return st;
}

static enum mu_status ask(const struct database *database, const char *text, enum mu_format format,
                          struct mu_error *err)
{
    static const char *const columns[COLUMN_COUNT] = {
            "vulnerability", "advisory",    "affected",         "range",   "comparator",
            "fixed_in",      "severity",    "severity_by",      "kev",     "epss",
            "exploitation",  "automatable", "technical_impact", "disputed"};
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(arena_max_bytes);
    MU_AUTO(table) struct mu_table *table = mu_table_new(columns, COLUMN_COUNT);
    MU_AUTO_DONE(judge_done) struct judge judge;
    struct package_key key;
    enum mu_status st;

    judge_init(&judge, database);
    st = key_of(text, arena, &key, err);
    if (st == MU_OK && !database_has_ecosystem(database, key.ecosystem))
        st = mu_fail(err, MU_E_NOT_FOUND, "the database knows nothing of %s", key.ecosystem);
    if (st == MU_OK)
        st = judge_collect(&judge, &key, err);
    if (st != MU_OK)
        return st;
    for (size_t i = 0; i < judge.count; i++)
        add_row(table, &judge, &key, &judge.candidates[i], arena);
    if (format == MU_FORMAT_TEXT)
        (void)printf("%s %s in %s: %zu statements\n", key.name, key.version ? key.version : "",
                     key.ecosystem, judge.count);
    if (mu_table_row_count(table) > 0 || format != MU_FORMAT_TEXT)
        mu_table_print(table, format, 0, stdout);
    return MU_OK;
}

int db_query(const struct db_config *config, int count, char **purls)
{
    MU_AUTO(database) struct database *database = NULL;
    enum mu_format format;
    struct mu_error err;
    enum mu_status st;

    (void)count;
    if (mu_format_parse(config->format, &format, &err) != MU_OK)
        return db_fail(&err, MU_EXIT_USAGE);
    if (database_open(config->database, &database, &err) != MU_OK)
        return db_fail(&err, MU_EXIT_FAILURE);
    st = ask(database, purls[0], format, &err);
    if (st == MU_E_NOT_FOUND)
        return db_fail(&err, MU_EXIT_DIFFERENCE);
    if (st != MU_OK)
        return db_fail(&err, st == MU_E_INVALID ? MU_EXIT_USAGE : MU_EXIT_FAILURE);
    return MU_EXIT_OK;
}
