/*
 * match_stage: a database from documents, an image of packages, and what matches. Include cmocka.h
 * first.
 */
#ifndef TESTS_SUPPORT_MATCH_STAGE_H
#define TESTS_SUPPORT_MATCH_STAGE_H

#include "base/text.h"
#include "database/document.h"
#include "database_build.h"
#include "match/match.h"

enum { MATCH_STAGE_PACKAGES = 16 };

struct match_stage {
    struct builder *builder;
    struct mu_buf bytes;
    struct database *database;
    struct match_rules rules;
    struct vex_set *vex;
    struct image_analysis image;
    struct image_package packages[MATCH_STAGE_PACKAGES];
    struct mu_arena *arena;
    struct match_result result;
    struct document_tally tally; /* of the last document */
    struct mu_error err;
};

static inline int match_stage_up(void **state)
{
    struct match_stage *f = calloc(1, sizeof(*f));

    f->builder = builder_new();
    f->vex = vex_set_new();
    f->arena = mu_arena_new(IMAGE_ARENA_MAX_BYTES);
    f->image.packages = f->packages;
    *state = f;
    return 0;
}

static inline int match_stage_down(void **state)
{
    struct match_stage *f = *state;

    database_close(f->database);
    builder_free(f->builder);
    vex_set_free(f->vex);
    mu_buf_done(&f->bytes);
    mu_arena_free(f->arena);
    free(f);
    return 0;
}

static inline void match_stage_os(struct match_stage *f, const char *id, const char *version)
{
    f->image.os = (struct image_os){.found = true, .id = id, .version_id = version};
}

/* A document of a feed; `kind` NULL: it tells itself. */
static inline enum mu_status match_stage_read(struct match_stage *f, const char *kind,
                                              const char *text)
{
    MU_AUTO(document) struct document *document = NULL;
    enum mu_status st;

    f->tally = (struct document_tally){.newest_at_us = MU_TIME_NONE};
    document = document_new(f->builder, kind ? document_kind_named(kind, strlen(kind)) : NULL,
                            "test", &f->tally);
    st = document_feed(document, text, strlen(text), &f->err);
    return st == MU_OK ? document_end(document, &f->err) : st;
}

static inline void match_stage_add(struct match_stage *f, const char *kind, const char *text)
{
    if (match_stage_read(f, kind, text) != MU_OK)
        fail_msg("%s", f->err.message);
    if (f->tally.rejected > 0)
        fail_msg("a record was left out");
}

/* An OSV record: of one package with one range; `more` are further members, "" or ",...". */
static inline void match_stage_osv(struct match_stage *f, const char *id, const char *ecosystem,
                                   const char *package, const char *events, const char *more)
{
    char json[8192];

    (void)snprintf(json, sizeof(json),
                   "{\"id\":\"%s\",\"affected\":[{\"package\":{\"ecosystem\":\"%s\",\"name\":"
                   "\"%s\"},\"ranges\":[{\"type\":\"ECOSYSTEM\",\"events\":[%s]}]}]%s}",
                   id, ecosystem, package, events, more);
    match_stage_add(f, "osv", json);
}

static inline struct image_package *match_stage_has(struct match_stage *f, const char *type,
                                                    const char *name, const char *version)
{
    struct image_package *package = &f->packages[f->image.package_count++];

    *package = (struct image_package){.type = type, .name = name, .version = version};
    return package;
}

static inline void match_stage_open(struct match_stage *f)
{
    f->database = database_build_open(f->builder, &f->bytes);
    f->builder = NULL;
    f->rules = (struct match_rules){.database = f->database, .vex = f->vex};
}

static inline void match_stage_run(struct match_stage *f)
{
    if (!f->database)
        match_stage_open(f);
    if (match_image(&f->rules, &f->image, f->arena, &f->result, &f->err) != MU_OK)
        fail_msg("%s", f->err.message);
}

static inline const struct finding *match_stage_finding(const struct match_stage *f, const char *id)
{
    for (size_t i = 0; i < f->result.finding_count; i++)
        if (mu_text_equal(f->result.findings[i].id, id))
            return &f->result.findings[i];
    fail_msg("%s is not found among %zu", id, f->result.finding_count);
    abort();
}

static inline const struct finding *match_stage_only(const struct match_stage *f)
{
    assert_int_equal(f->result.finding_count, 1);
    return &f->result.findings[0];
}

/* The only match that does not count, and why. */
static inline const struct finding *match_stage_suppressed(const struct match_stage *f,
                                                           const char *reason)
{
    assert_int_equal(f->result.finding_count, 0);
    assert_int_equal(f->result.suppressed_count, 1);
    assert_string_equal(f->result.suppressed[0].suppressed, reason);
    return &f->result.suppressed[0];
}

#define MATCH_STAGE_TEST(name) \
    cmocka_unit_test_setup_teardown(name, match_stage_up, match_stage_down)

#endif
