#include "completeness/completeness.h"

#include "completeness/state.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_BYTES = 64 * 1024 * 1024, SAYS_SIZE = 600, SUBJECT_SIZE = 900 };

void complain(struct completeness *state, enum completeness_id id, const char *subject,
              const char *fmt, ...)
{
    struct completeness_result *result = &state->results[id];
    struct completeness_subject *place;
    char says[SAYS_SIZE], name[SUBJECT_SIZE];
    va_list arguments;

    result->count++;
    if (result->named == COMPLETENESS_MAX_SUBJECTS)
        return;
    if (!result->subjects)
        result->subjects =
                mu_xcalloc(COMPLETENESS_MAX_SUBJECTS, sizeof(struct completeness_subject));
    va_start(arguments, fmt);
    (void)vsnprintf(says, sizeof(says), fmt, arguments);
    va_end(arguments);
    mu_utf8_clean(says); /* may be cut in a character */
    (void)snprintf(name, sizeof(name), "%s", subject && *subject ? subject : "-");
    mu_utf8_clean(name);
    place = &result->subjects[result->named];
    place->subject = mu_arena_strdup(state->arena, name);
    place->says = mu_arena_strdup(state->arena, says);
    result->named += place->subject && place->says ? 1 : 0;
}

int64_t time_of(const char *text)
{
    int64_t at_us;
    struct mu_error err;

    return text && mu_time_parse(text, strlen(text), &at_us, &err) == MU_OK ? at_us : MU_TIME_NONE;
}

enum mu_status completeness_each(struct completeness *state, enum snapshot_list list, void *row,
                                 completeness_row_fn *each, struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    bool found = true;
    enum mu_status st = snapshot_list(state->snapshot, list, NULL, &cursor, err);

    while (st == MU_OK) {
        st = snapshot_next(cursor, row, &found, err);
        if (st != MU_OK || !found)
            break;
        st = each(state, row, err);
    }
    return st;
}

/* What only the system file can say. */
static void check_system(struct completeness *state)
{
    const struct system_file *system = state->system;
    const bool legacy = !mu_text_equal(system->deliverables, "cr26");
    const bool cr26 = !mu_text_equal(system->deliverables, "legacy");

    if (legacy && !*system->point_of_contact)
        complain(state, CHECK_CONTACT, system->name, "no POA&M item would name a contact");
    if (cr26 && !*system->package_overview_uri)
        complain(state, CHECK_PACKAGE_URI, system->name, "the VER files would not be valid");
    if (!*system->unique_vulnerability_baseline)
        complain(state, CHECK_NO_BASELINE, system->name,
                 "a spike of vulnerabilities could not be told");
    if (!*system->fedramp_id)
        complain(state, CHECK_NO_FEDRAMP_ID, system->name, "the package would not carry it");
    if (!*system->configuration_checksum)
        complain(state, CHECK_CONFIGURATION_UNKNOWN, system->name,
                 "the scans' configuration is compared with nothing");
}

/* The month's last day must have been learned of. */
static void check_reached(struct completeness *state)
{
    const struct snapshot_instants *instants = snapshot_instants(state->snapshot);
    char month[MU_TIME_TEXT_SIZE], as_of[MU_TIME_TEXT_SIZE];
    int64_t begin_us, end_us;
    struct mu_error err;

    mu_time_format(instants->month_begin_us, month);
    mu_time_format(instants->as_of_us, as_of);
    month[strlen("YYYY-MM")] = '\0';
    if (mu_month_parse(month, &begin_us, &end_us, &err) == MU_OK &&
        instants->as_of_us < end_us - DAY_US)
        complain(state, CHECK_MONTH_OPEN, month, "what is known ends at %s", as_of);
}

enum mu_status completeness_check(const struct snapshot *snapshot, const struct system_file *system,
                                  struct completeness **ret_completeness, struct mu_error *err)
{
    MU_AUTO(completeness) struct completeness *state = mu_xcalloc(1, sizeof(*state));
    enum mu_status st;

    state->snapshot = snapshot;
    state->system = system;
    state->arena = mu_arena_new(ARENA_BYTES);
    check_system(state);
    check_reached(state);
    st = completeness_images(state, err);
    if (st == MU_OK)
        st = completeness_statements(state, err);
    if (st != MU_OK)
        return mu_wrap(err, "completeness");
    *ret_completeness = state;
    state = NULL;
    return MU_OK;
}

void completeness_free(struct completeness *completeness)
{
    if (!completeness)
        return;
    for (size_t i = 0; i < COMPLETENESS_CHECKS; i++)
        free(completeness->results[i].subjects);
    mu_arena_free(completeness->arena);
    free(completeness);
}

const struct completeness_result *completeness_of(const struct completeness *completeness,
                                                  enum completeness_id id)
{
    return &completeness->results[id];
}

size_t completeness_count(const struct completeness *completeness,
                          enum completeness_severity severity)
{
    size_t count = 0;

    for (size_t i = 0; i < COMPLETENESS_CHECKS; i++)
        if (completeness_checks[i].severity == severity)
            count += completeness->results[i].count;
    return count;
}
