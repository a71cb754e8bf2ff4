#include "close/month_close.h"

#include "close/companions.h"
#include "close/gather.h"
#include "close/sequence.h"
#include "numbers/numbers_json.h"
#include "store/history.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#ifndef MU_VERSION
#    define MU_VERSION "0.0.0"
#endif

enum {
    CLOSE_ARENA_BYTES = 36 * 1024 * 1024, /* with the statements of the system file */
    NUMBERS_ARENA_BYTES = 16 * 1024 * 1024
};

struct closing {
    const struct close_request *request;
    struct close_result *result;
    struct month_store *look; /* of a dry run */
    struct mu_buf system_bytes;
    struct companions companions;
    struct system_file *system;
    struct close_record record;
};

/* ---- before anything is asked ---- */

static enum mu_status read_system(struct closing *closing, struct mu_error *err)
{
    const char *path = closing->request->system_path;
    enum mu_status st = mu_file_read(path, &closing->system_bytes, err);

    closing->system = mu_arena_alloc(closing->result->arena, sizeof(*closing->system));
    if (st == MU_OK && !closing->system)
        st = mu_fail(err, MU_E_NOMEM, "out of memory");
    if (st == MU_OK)
        st = system_file_parse(path, closing->system_bytes.data, closing->system_bytes.len,
                               closing->result->arena, closing->system, err);
    if (st == MU_OK)
        st = system_file_resolve(path, closing->result->arena, closing->system, err);
    if (st == MU_OK && companions_read(&closing->companions, closing->system,
                                       closing->result->arena, err) != MU_OK)
        st = mu_wrap(err, "%s", path);
    return st;
}

/* The store, locked unless this is a dry run. */
static enum mu_status open_store(struct closing *closing, const struct month_store **ret_store,
                                 struct mu_error *err)
{
    const struct close_request *request = closing->request;
    const char *doing;
    enum mu_status st;

    *ret_store = NULL;
    if (request->dry_run) {
        st = request->store ? month_store_open(request->store, &closing->look, err)
                            : MU_E_NOT_FOUND;
        *ret_store = closing->look;
        return st == MU_E_NOT_FOUND ? MU_OK : st;
    }
    doing = mu_arena_printf(closing->result->arena, "%s %s", request->amend ? "reopen" : "close",
                            request->month);
    st = store_writer_open(request->store, doing ? doing : "", &closing->result->writer, err);
    if (st == MU_OK)
        *ret_store = store_writer_months(closing->result->writer);
    return st;
}

static enum close_outcome prepare(struct closing *closing, struct mu_error *err)
{
    const struct sequence_wish wish = {closing->request->month, closing->request->amend,
                                       closing->request->early, mu_now_us()};
    const struct month_store *store = NULL;
    bool already = false;
    enum mu_status st;

    if (read_system(closing, err) != MU_OK)
        return CLOSE_WRONG;
    st = open_store(closing, &store, err);
    if (st != MU_OK)
        return st == MU_E_CONFLICT ? CLOSE_BUSY : CLOSE_FAILED;
    st = sequence_next(store, &wish, &closing->record, &already, err);
    if (st != MU_OK)
        return already ? CLOSE_ALREADY : CLOSE_WRONG;
    closing->result->revision = closing->record.revision;
    if (store && closing->request->amend)
        closing->result->resting = sequence_resting(store, &closing->record);
    return CLOSE_DONE;
}

/* ---- the month ---- */

static enum mu_status read_month(struct closing *closing, struct mu_error *err)
{
    struct close_result *result = closing->result;
    struct gather gather = {.source = closing->request->source,
                            .writer = result->writer,
                            .progress = closing->request->progress};
    enum mu_status st;

    closing->request->stage("reading the month from PostgreSQL");
    st = snapshot_read(&closing->request->question, &result->snapshot, err);
    if (st != MU_OK)
        return st;
    gather.snapshot = result->snapshot;
    result->instants = *snapshot_instants(result->snapshot);
    st = gather_evidence(&gather, err);
    return st == MU_OK ? completeness_check(result->snapshot, closing->system,
                                            &result->completeness, err)
                       : st;
}

/* ---- its record ---- */

static bool name_subjects(const struct completeness_result *found, struct mu_arena *arena,
                          struct mu_json_texts *ret_subjects)
{
    const size_t count = found->named < CLOSE_MAX_SUBJECTS ? found->named : CLOSE_MAX_SUBJECTS;

    ret_subjects->items = mu_arena_alloc(arena, count * sizeof(const char *) + 1);
    ret_subjects->count = 0;
    for (size_t i = 0; ret_subjects->items && i < count; i++)
        if (*found->subjects[i].subject)
            ret_subjects->items[ret_subjects->count++] = found->subjects[i].subject;
    return ret_subjects->items;
}

static enum mu_status record_findings(struct closing *closing, struct mu_error *err)
{
    struct mu_arena *arena = closing->result->arena;
    struct close_finding *findings =
            mu_arena_alloc(arena, COMPLETENESS_CHECKS * sizeof(struct close_finding));

    closing->record.findings.items = findings;
    for (int id = 0; findings && id < COMPLETENESS_CHECKS; id++) {
        const struct completeness_check *check = &completeness_checks[id];
        const struct completeness_result *found =
                completeness_of(closing->result->completeness, (enum completeness_id)id);
        struct close_finding *finding = &findings[closing->record.findings.count];

        if (found->count == 0)
            continue;
        closing->record.findings.count++;
        finding->check = check->name;
        finding->severity = check->severity == COMPLETENESS_REJECTS ? CLOSE_REJECTS : CLOSE_WARNS;
        finding->count = (int64_t)found->count;
        if (!name_subjects(found, arena, &finding->subjects))
            findings = NULL;
    }
    return findings ? MU_OK : mu_fail(err, MU_E_NOMEM, "out of memory");
}

/* numbers.json, as the package of the month will have it. */
static enum mu_status count_numbers(struct closing *closing, struct mu_buf *out,
                                    struct mu_error *err)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(NUMBERS_ARENA_BYTES);
    struct numbers_request request = {.snapshot = closing->result->snapshot,
                                      .system = closing->system,
                                      .month = closing->record.month};
    struct numbers numbers;
    enum mu_status st = store_history(store_writer_months(closing->result->writer),
                                      &closing->record, arena, &request.previous, err);

    if (st == MU_OK)
        st = numbers_compute(&request, arena, &numbers, err);
    return st == MU_OK ? numbers_print(&numbers, out, err) : st;
}

static enum mu_status write_month(struct closing *closing, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf numbers;
    const struct month_contents contents = {.snapshot = closing->result->snapshot,
                                            .system = &closing->system_bytes,
                                            .numbers = &numbers,
                                            .companions = closing->companions.files,
                                            .companion_count = closing->companions.count};
    enum mu_status st;

    mu_buf_init(&numbers, NUMBERS_JSON_MAX_BYTES);
    st = count_numbers(closing, &numbers, err);
    return st == MU_OK ? store_writer_commit(closing->result->writer, &closing->record, &contents,
                                             &closing->result->close, err)
                       : st;
}

static enum mu_status commit(struct closing *closing, struct mu_error *err)
{
    const struct close_request *request = closing->request;
    struct close_result *result = closing->result;
    struct close_record *record = &closing->record;
    enum mu_status st = record_findings(closing, err);

    record->as_of_us = result->instants.as_of_us;
    record->known_at_us = result->instants.known_at_us;
    record->closed_at_us = mu_now_us();
    record->closed_by = request->by;
    record->generator = MU_VERSION;
    record->reason = request->amend ? request->reason : NULL;
    if (completeness_count(result->completeness, COMPLETENESS_REJECTS) > 0)
        record->accepted_reason = request->accepted_reason;
    return st == MU_OK ? write_month(closing, err) : st;
}

static enum close_outcome finish(struct closing *closing, struct mu_error *err)
{
    const struct close_request *request = closing->request;
    size_t rejects;

    if (read_month(closing, err) != MU_OK)
        return CLOSE_FAILED;
    rejects = completeness_count(closing->result->completeness, COMPLETENESS_REJECTS);
    if (rejects > 0 && !request->accepted_reason)
        return CLOSE_INCOMPLETE;
    if (request->dry_run)
        return CLOSE_WOULD;
    request->stage("writing the month into the store");
    return commit(closing, err) == MU_OK ? CLOSE_DONE : CLOSE_FAILED;
}

enum close_outcome month_close(const struct close_request *request, struct close_result *ret_result,
                               struct mu_error *err)
{
    struct closing closing = {.request = request, .result = ret_result};
    enum close_outcome outcome;

    *ret_result = (struct close_result){.arena = mu_arena_new(CLOSE_ARENA_BYTES)};
    mu_buf_init(&closing.system_bytes, SYSTEM_FILE_MAX_BYTES);
    companions_init(&closing.companions);
    outcome = prepare(&closing, err);
    if (outcome == CLOSE_DONE)
        outcome = finish(&closing, err);
    mu_buf_done(&closing.system_bytes);
    companions_done(&closing.companions);
    month_store_free(closing.look);
    return outcome;
}

void close_result_done(struct close_result *result)
{
    completeness_free(result->completeness);
    snapshot_free(result->snapshot);
    store_writer_free(result->writer);
    mu_arena_free(result->arena);
}
