/* `muster-scanner match`: a list of distinct packages against a database, without any image. */
#include "app/commands.h"

#include "match/package_line.h"
#include "match/rematch.h"
#include "result/finding_json.h"

#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define OPTION(member) offsetof(struct match_config, member)

const struct mu_option match_options[MATCH_OPTION_COUNT] = {
        {"database", MU_OPTION_TEXT, OPTION(database), NULL, 0, 0, MU_OPTION_REQUIRED,
         "vulnerability database, made by 'muster-scanner db build'"},
        {"previous", MU_OPTION_TEXT, OPTION(previous), NULL, 0, 0, 0,
         "database of the last match: only packages whose advisories differ are judged"},
        {"vex", MU_OPTION_TEXT, OPTION(vex), NULL, 0, 0, 0,
         "OpenVEX or CycloneDX file, or folder of them; several with a comma between"},
};

struct matching {
    struct database *database, *previous;
    struct change_set *changes;
    struct vex_set *vex;
    struct match_rules rules;
    struct rematch *rematch;
    struct mu_arena *arena; /* of the line */
    struct json_stream out;
    unsigned long long line, judged, affected, findings, refused;
};

static int fail(const struct mu_error *err, int code)
{
    (void)fprintf(stderr, "muster-scanner: %s\n", err->message);
    return code;
}

static enum mu_status prepare(struct matching *matching, const struct match_config *config,
                              struct mu_error *err)
{
    enum mu_status st = database_open(config->database, &matching->database, err);

    if (st == MU_OK && config->previous)
        st = database_open(config->previous, &matching->previous, err);
    if (st == MU_OK && matching->previous)
        st = change_set_new(matching->previous, matching->database, &matching->changes, err);
    if (st == MU_OK)
        st = vex_option_load(config->vex, &matching->vex, err);
    if (st != MU_OK)
        return st;
    matching->rules = (struct match_rules){.database = matching->database, .vex = matching->vex};
    matching->rematch = rematch_new(&matching->rules, matching->changes);
    matching->arena = mu_arena_new(PACKAGE_LINE_MAX_BYTES * 16);
    json_stream_init(&matching->out, stdout, NULL);
    matching->out.compact = true;
    return MU_OK;
}

static void release(struct matching *matching)
{
    rematch_free(matching->rematch);
    change_set_free(matching->changes);
    vex_set_free(matching->vex);
    database_close(matching->database);
    database_close(matching->previous);
    mu_arena_free(matching->arena);
}

static void put_gap(struct json_stream *out, const struct match_result *result)
{
    json_text(out, "gap", result->gap_count > 0 ? result->gaps[0].ecosystem : NULL);
    json_bool(out, "no_version", result->unversioned > 0);
}

static enum mu_status put_result(struct matching *matching, const struct package_line *line,
                                 const struct match_result *result, struct mu_error *err)
{
    struct json_stream *out = &matching->out;

    out->comma = false;
    json_open(out, NULL, '{');
    json_text(out, "key", line->key);
    json_text(out, "type", line->package.type);
    json_text(out, "name", line->package.name);
    json_text(out, "version", line->package.version);
    put_gap(out, result);
    finding_json_list(out, "findings", result->findings, result->finding_count, &line->os);
    finding_json_list(out, "suppressed", result->suppressed, result->suppressed_count, &line->os);
    json_close(out, '}');
    if (fputc('\n', out->file) == EOF || out->failed)
        return mu_fail(err, MU_E_UNAVAILABLE, "cannot write: %s", strerror(errno));
    matching->judged++;
    matching->affected += result->finding_count > 0;
    matching->findings += result->finding_count;
    return MU_OK;
}

static enum mu_status match_line(struct matching *matching, const char *text, size_t len,
                                 struct mu_error *err)
{
    struct package_line line;
    struct match_result result;
    enum mu_status st;

    matching->line++;
    mu_arena_reset(matching->arena);
    st = package_line_read(text, len, matching->arena, &line, err);
    if (st == MU_E_INVALID || st == MU_E_LIMIT) {
        (void)fprintf(stderr, "muster-scanner: line %llu: %s\n", matching->line, err->message);
        matching->refused++;
        return MU_OK;
    }
    if (st != MU_OK)
        return st;
    st = rematch_package(matching->rematch, &line.os, &line.package, &result, err);
    if (st == MU_OK)
        st = put_result(matching, &line, &result, err);
    else if (st == MU_END)
        st = MU_OK;
    package_line_done(&line);
    return st;
}

static enum mu_status match_all(struct matching *matching, FILE *file, struct mu_error *err)
{
    static char text[PACKAGE_LINE_MAX_BYTES + 2];
    enum mu_status st = MU_OK;

    while (st == MU_OK && fgets(text, sizeof(text), file)) {
        size_t len = strlen(text);

        if (len > 0 && text[len - 1] == '\n')
            len--;
        else if (len == sizeof(text) - 1)
            return mu_fail(err, MU_E_LIMIT, "line %llu is longer than %d bytes", matching->line + 1,
                           PACKAGE_LINE_MAX_BYTES);
        if (len > 0)
            st = match_line(matching, text, len, err);
        else
            matching->line++;
    }
    if (st == MU_OK && ferror(file))
        st = mu_fail(err, MU_E_UNAVAILABLE, "cannot read: %s", strerror(errno));
    if (st == MU_OK && fflush(stdout) != 0)
        st = mu_fail(err, MU_E_UNAVAILABLE, "cannot write: %s", strerror(errno));
    return st;
}

static void tell(const struct matching *matching, uint64_t begun_ms)
{
    struct rusage usage = {0};

    (void)getrusage(RUSAGE_SELF, &usage);
    (void)fprintf(stderr,
                  "%llu packages, %llu judged, %llu affected, %llu findings in %llu ms, %ld MiB\n",
                  matching->line, matching->judged, matching->affected, matching->findings,
                  (unsigned long long)(mu_monotonic_ms() - begun_ms), usage.ru_maxrss / 1024);
    if (matching->vex)
        (void)fprintf(stderr, "%zu VEX statements\n", vex_set_count(matching->vex));
    if (matching->changes)
        (void)fprintf(stderr, "%zu packages of the database differ from the previous one\n",
                      change_set_count(matching->changes));
}

int match_command(void *config_struct, int argc, char **argv)
{
    MU_AUTO_DONE(release) struct matching matching = {0};
    MU_AUTO_FILE FILE *opened = NULL;
    uint64_t begun_ms = mu_monotonic_ms();
    struct mu_error err;

    if (argc > 1) {
        (void)fprintf(stderr, "muster-scanner: match takes one file, or standard input\n");
        return MU_EXIT_USAGE;
    }
    if (prepare(&matching, config_struct, &err) != MU_OK)
        return fail(&err, MU_EXIT_USAGE);
    if (argc == 1 && !(opened = fopen(argv[0], "re"))) {
        (void)fprintf(stderr, "muster-scanner: cannot open '%s': %s\n", argv[0], strerror(errno));
        return MU_EXIT_FAILURE;
    }
    if (match_all(&matching, opened ? opened : stdin, &err) != MU_OK)
        return fail(&err, MU_EXIT_FAILURE);
    tell(&matching, begun_ms);
    return matching.refused > 0 ? MU_EXIT_DIFFERENCE : MU_EXIT_OK;
}
