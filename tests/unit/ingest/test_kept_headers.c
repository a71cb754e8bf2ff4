/* kept_headers: what a body means may stand in its headers, and is there when it is replayed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "app/quarantine_revive.h"
#include "source/kept_headers.h"

#include <string.h>

enum { ARENA_MAX_BYTES = 1024 * 1024, RECEIVED_AT_US = 1700000000 };

static const char body[] = "{\"name\":\"team/api\",\"reference\":\"2.4\"}";
static const char token[] = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2lnbmF0dXJl";

/* Pairs, as a request has them. */
static const char *given(void *opaque, const char *name)
{
    for (const char *const *at = opaque; *at; at += 2)
        if (strcasecmp(at[0], name) == 0)
            return at[1];
    return NULL;
}

static struct mu_json_map take(struct mu_arena *arena, const char *const *headers)
{
    const struct source_input input = {
            .header = given, .opaque = (void *)(uintptr_t)headers, .arena = arena};
    struct mu_json_map kept;

    (void)kept_headers_take(&input, &kept);
    return kept;
}

static void those_that_say_what_the_body_is_are_kept_and_no_credentials(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(ARENA_MAX_BYTES);
    const char *const headers[] = {"Authorization", "Bearer secret", "Ce-Type", "a.b", "Ce-Id",
                                   token,           "Ce-Subject",    "\xff",    NULL};
    struct mu_json_map kept = take(arena, headers);

    (void)state;
    assert_int_equal(kept.count, 2);
    assert_string_equal(kept_headers_find(&kept, "ce-type"), "a.b");
    assert_null(strstr(kept_headers_find(&kept, "CE-ID"), "eyJ")); /* blanked */
    assert_null(kept_headers_find(&kept, "Authorization"));
    assert_null(kept_headers_find(&kept, "ce-subject")); /* no UTF-8 */
}

static void a_request_without_them_keeps_none(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(ARENA_MAX_BYTES);
    const struct source_input without = {.arena = arena};
    struct mu_json_map kept;

    (void)state;
    assert_false(kept_headers_take(&without, &kept));
    assert_null(kept_headers_find(&kept, "ce-id"));
}

static const struct mu_quarantine_record *quarantined(const struct source_config *source,
                                                      struct mu_arena *arena)
{
    static const char *const headers[] = {"ce-specversion",
                                          "1.0",
                                          "ce-id",
                                          "e-1",
                                          "ce-source",
                                          "/zot",
                                          "ce-type",
                                          "zotregistry.image.updated",
                                          NULL};
    const struct source_input input = {.source = source,
                                       .header = given,
                                       .opaque = (void *)(uintptr_t)headers,
                                       .body = body,
                                       .len = sizeof(body) - 1,
                                       .received_at_us = RECEIVED_AT_US,
                                       .arena = arena};
    struct source_events events = {.arena = arena};
    struct mu_error err;

    assert_int_equal(source_decode(&input, &events, &err), MU_OK);
    assert_int_equal(events.count, 1);
    assert_int_equal(events.items[0].type, MU_MSG_QUARANTINE_RECORD);
    return events.items[0].message;
}

static void a_binary_cloudevent_is_replayed_once_its_source_is_right(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(ARENA_MAX_BYTES);
    struct source_config source = {.name = "main", .kind = source_kind_find("zot")};
    struct ingest_config config = {.sources = &source, .source_count = 1};
    const struct mu_quarantine_record *record = quarantined(&source, arena);
    struct revived revived;
    struct mu_error err;

    (void)state;
    assert_int_equal(quarantine_revive(record, &config, arena, &revived, &err), MU_E_INVALID);
    source.registry = "registry.example"; /* what it lacked */
    assert_int_equal(quarantine_revive(record, &config, arena, &revived, &err), MU_OK);
    assert_int_equal(revived.count, 1);
    assert_string_equal(revived.messages[0].key, "registry.example/team/api");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(those_that_say_what_the_body_is_are_kept_and_no_credentials),
            cmocka_unit_test(a_request_without_them_keeps_none),
            cmocka_unit_test(a_binary_cloudevent_is_replayed_once_its_source_is_right),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
