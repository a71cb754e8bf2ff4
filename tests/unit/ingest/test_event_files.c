/* Every body of tests/data/events becomes the facts and messages beside it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest_fixture.h"
#include "source/fact.h"

#include "base/text.h"
#include "json/json_doc.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { FILE_MAX_BYTES = 1024 * 1024, PATH_SIZE = 1024 };

/* Kinds whose senders do not say, or not always, which registry they are. */
static const char *const hostless_kinds[] = {"cdevents", "harbor",   "jfrog",
                                             "nexus",    "registry", "zot"};

/* "name: value" lines. */
struct headers {
    struct mu_buf text;
    char value[1024];
};

static const char *find_header(void *opaque, const char *name)
{
    struct headers *headers = opaque;
    size_t name_len = strlen(name);

    for (const char *line = headers->text.data; line && *line;) {
        const char *end = strchr(line, '\n');

        if (strncasecmp(line, name, name_len) == 0 && line[name_len] == ':') {
            (void)snprintf(headers->value, sizeof(headers->value), "%.*s",
                           (int)(end - line - (long)name_len - 2), line + name_len + 2);
            return headers->value;
        }
        line = end ? end + 1 : NULL;
    }
    return NULL;
}

/* The line of `explain`, but for the messages; these follow. */
static void print_fact(const struct fixture *fixture, struct fact *fact, struct mu_buf *out)
{
    json_auto_t *line = fact_json(fact);
    struct mu_error err;

    for (size_t i = 0; i < fact->event_count; i++)
        fact->quarantined |= fixture->messages[fact->first_event + i].topic == MU_TOPIC_QUARANTINE;
    (void)json_object_set_new(line, "outcome", json_string(fact_outcome(fact)));
    assert_int_equal(mu_json_print(line, out, &err), MU_OK);
    mu_buf_puts(out, "\n");
    for (size_t i = 0; i < fact->event_count; i++) {
        const struct mu_outgoing *message = &fixture->messages[fact->first_event + i];

        mu_buf_printf(out, "  %s %s key=%s\n  ", mu_topic_name(message->topic),
                      message->envelope.id, message->key);
        mu_buf_append(out, message->value, message->value_len);
        mu_buf_puts(out, "\n");
    }
}

static void print_outcome(const struct fixture *fixture, struct mu_buf *out)
{
    size_t told = 0;

    for (size_t i = 0; i < fixture->events.fact_count; i++) {
        told += fixture->events.facts[i]->event_count;
        print_fact(fixture, fixture->events.facts[i], out);
    }
    assert_int_equal(told, fixture->events.count); /* every message comes of one fact */
}

static void compare_expected(const char *stem, const struct mu_buf *actual)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf expected;
    char path[PATH_SIZE + 16];
    struct mu_error err;

    (void)snprintf(path, sizeof(path), "%s.expected", stem);
    if (getenv("MUSTER_WRITE_EXPECTED"))
        assert_int_equal(mu_file_write_atomic(path, actual->data, actual->len, &err), MU_OK);
    mu_buf_init(&expected, FILE_MAX_BYTES);
    if (mu_file_read(path, &expected, &err) != MU_OK)
        fail_msg("%s", err.message);
    if (strcmp(expected.data, actual->data) != 0)
        fail_msg("%s became:\n%sinstead of:\n%s", stem, actual->data, expected.data);
}

static void name_the_registry(struct source_config *source)
{
    for (size_t i = 0; i < sizeof(hostless_kinds) / sizeof(hostless_kinds[0]); i++)
        if (mu_text_equal(source->kind->name, hostless_kinds[i]))
            source->registry = "registry.example";
}

static void check_file(const char *kind, const char *path)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf body, actual;
    struct headers headers = {0};
    char stem[PATH_SIZE], headers_path[PATH_SIZE + 16];
    struct fixture fixture;
    const char *type;

    (void)snprintf(stem, sizeof(stem), "%.*s", (int)(strrchr(path, '.') - path), path);
    (void)snprintf(headers_path, sizeof(headers_path), "%s.headers", stem);
    mu_buf_init(&body, FILE_MAX_BYTES);
    mu_buf_init(&actual, FILE_MAX_BYTES);
    mu_buf_init(&headers.text, FILE_MAX_BYTES);
    assert_int_equal(mu_file_read(path, &body, &fixture.err), MU_OK);
    if (mu_file_read(headers_path, &headers.text, &fixture.err) != MU_OK)
        mu_buf_reset(&headers.text);
    fixture_begin(&fixture, kind, body.data, body.len);
    name_the_registry(&fixture.source);
    fixture.input.header = find_header;
    fixture.input.opaque = &headers;
    type = find_header(&headers, "content-type");
    fixture.input.content_type = type ? mu_arena_strdup(fixture.input.arena, type) : NULL;
    if (fixture_run(&fixture) != MU_OK)
        fail_msg("%s: %s", path, fixture.err.message);
    print_outcome(&fixture, &actual);
    compare_expected(stem, &actual);
    fixture_end(&fixture);
    mu_buf_done(&headers.text);
}

static bool is_body(const char *name)
{
    return mu_text_ends(name, ".json") || mu_text_ends(name, ".ndjson") ||
           mu_text_ends(name, ".form") || mu_text_ends(name, ".body");
}

static size_t check_folder(const char *kind)
{
    char folder[PATH_SIZE / 2], path[PATH_SIZE];
    struct dirent *entry;
    size_t count = 0;
    DIR *dir;

    (void)snprintf(folder, sizeof(folder), "%s/events/%s", MU_TEST_DATA, kind);
    dir = opendir(folder);
    if (!dir) {
        fail_msg("%s: a kind without bodies", folder);
        return 0;
    }
    while ((entry = readdir(dir))) {
        if (!is_body(entry->d_name))
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        check_file(kind, path);
        count++;
    }
    (void)closedir(dir);
    return count;
}

static void bodies_become_the_facts_and_messages_beside_them(void **state)
{
    const struct source_kind *kind = *state;

    assert_true(check_folder(kind->name) > 0);
}

/* One test a kind, under its name. */
int main(void)
{
    struct CMUnitTest *tests = calloc(source_kind_count, sizeof(*tests));
    int failed;

    if (!tests)
        return 1;
    for (size_t i = 0; i < source_kind_count; i++)
        tests[i] = (struct CMUnitTest){
                .name = source_kinds[i]->name,
                .test_func = bodies_become_the_facts_and_messages_beside_them,
                .initial_state = (void *)(uintptr_t)source_kinds[i],
        };
    failed = _cmocka_run_group_tests("event files", tests, source_kind_count, NULL, NULL);
    free(tests);
    return failed;
}
