/* The documents that are evidence of a scan: which are taken, and what is loaded of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "apply/findings.h"

#include "base/sha256.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOUR(d)    d d d d
#define SIXTEEN(d) FOUR(d) FOUR(d) FOUR(d) FOUR(d)
#define DIGEST(d)  "sha256:" FOUR(SIXTEEN(d))
#define UAI        "registry.example/app:1"

#define IMPORTED(targets, original)                                                            \
    "{\"schema\":\"muster.imported-scan.v1\",\"targets\":[" targets "],\"original\":{"         \
    "\"digest\":\"" original                                                                   \
    "\"},\"image\":{\"digest\":\"" DIGEST("1") "\"},\"findings\":"                             \
                                               "[{\"id\":\"CVE-1\",\"status\":\"affected\"},{" \
                                               "\"id\":\"CVE-2\",\"status\":\"suppressed\"},"  \
                                               "{\"id\":\"CVE-3\",\"status\":\"affected\"}]}"
#define TARGET(uai, digest) "{\"uai\":\"" uai "\",\"digest\":\"" digest "\"}"

struct fixture {
    struct mu_arena *arena;
    struct write_set *set;
    const char *uais[2];
    struct mu_scan_result result;
    struct event event;
    struct effects effects;
    struct mu_error err;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    f->arena = mu_arena_new(1 << 20);
    f->set = write_set_new();
    f->uais[0] = UAI;
    f->uais[1] = "registry.example/app:2";
    f->result = (struct mu_scan_result){
            .digest = DIGEST("1"), .uais = {f->uais, 1}, .evidence_digest = DIGEST("e")};
    f->event = (struct event){.message = &f->result, .type = MU_MSG_SCAN_RESULT};
    f->effects = (struct effects){.set = f->set, .arena = f->arena};
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    write_set_free(f->set);
    mu_arena_free(f->arena);
    free(f);
    return 0;
}

static void expect_refused(struct fixture *f, const char *json, const char *reason)
{
    assert_int_equal(findings_parse(&f->effects, &f->event, json, strlen(json), &f->err),
                     MU_E_INVALID);
    if (!strstr(f->err.message, reason))
        fail_msg("'%s' does not say '%s'", f->err.message, reason);
    assert_int_equal(write_set_rows(f->set, WRITE_FINDING_KINDS), 0);
    assert_int_equal(write_set_rows(f->set, WRITE_EVIDENCE_LOADS), 0);
}

static void an_imported_scan_loads_what_counts_and_names_its_report(void **state)
{
    static const char json[] = IMPORTED(TARGET(UAI, DIGEST("1")), DIGEST("a"));
    struct fixture *f = *state;

    assert_int_equal(findings_parse(&f->effects, &f->event, json, strlen(json), &f->err), MU_OK);
    assert_int_equal(write_set_rows(f->set, WRITE_FINDING_KINDS), 2);
    assert_int_equal(write_set_rows(f->set, WRITE_EVIDENCE_LOADS), 1);
    assert_int_equal(write_set_rows(f->set, WRITE_EVIDENCE_ORIGINALS), 1);
}

static void a_raw_scan_has_no_other_report(void **state)
{
    static const char json[] = "{\"schema\":\"muster.raw-scan.v1\",\"image\":{\"manifest_digest\":"
                               "\"" DIGEST("1") "\"},\"findings\":[{\"id\":\"CVE-1\"}]}";
    struct fixture *f = *state;

    assert_int_equal(findings_parse(&f->effects, &f->event, json, strlen(json), &f->err), MU_OK);
    assert_int_equal(write_set_rows(f->set, WRITE_FINDING_KINDS), 1);
    assert_int_equal(write_set_rows(f->set, WRITE_EVIDENCE_ORIGINALS), 0);
}

/* Thousands of images have it, and the same is told of it each time. */
static void what_is_told_of_a_vulnerability_is_written_once(void **state)
{
    static const char json[] =
            "{\"schema\":\"muster.raw-scan.v1\",\"image\":{\"manifest_digest\":"
            "\"" DIGEST("1") "\"},\"findings\":[{\"id\":\"CVE-1\","
                             "\"aliases\":[\"GHSA-1\"],\"kev\":{\"date_added\":"
                             "\"2026-01-01\"}},{\"id\":\"CVE-1\",\"aliases\":[\"GHSA-1\"],"
                             "\"kev\":{\"date_added\":\"2026-01-01\"}}]}";
    struct fixture *f = *state;

    write_set_remember(f->set);
    for (int i = 0; i < 2; i++) {
        f->result.evidence_digest = i == 0 ? DIGEST("e") : DIGEST("f");
        assert_int_equal(findings_parse(&f->effects, &f->event, json, strlen(json), &f->err),
                         MU_OK);
    }
    assert_int_equal(write_set_rows(f->set, WRITE_VULNERABILITY_FACTS), 1);
    assert_int_equal(write_set_rows(f->set, WRITE_VULNERABILITY_ALIASES), 1);
}

static void an_imported_scan_must_carry_every_uai_with_the_digest(void **state)
{
    struct fixture *f = *state;

    expect_refused(f, IMPORTED(TARGET(UAI, DIGEST("2")), DIGEST("a")), "does not carry '" UAI);
    f->result.uais.count = 2;
    expect_refused(f, IMPORTED(TARGET(UAI, DIGEST("1")), DIGEST("a")),
                   "does not carry 'registry.example/app:2'");
}

static void an_imported_scan_must_name_its_report(void **state)
{
    expect_refused(*state, IMPORTED(TARGET(UAI, DIGEST("1")), "sha256:short"), "names no original");
}

static void evidence_of_another_image_or_form_is_refused(void **state)
{
    struct fixture *f = *state;

    expect_refused(f, "{\"schema\":\"muster.other.v1\",\"findings\":[]}", "is no raw result");
    f->result.digest = DIGEST("3");
    expect_refused(f, IMPORTED(TARGET(UAI, DIGEST("1")), DIGEST("a")), "not of " DIGEST("3"));
}

static void evidence_of_too_many_values_is_refused_by_name(void **state)
{
    struct fixture *f = *state;
    size_t count = EVIDENCE_MAX_VALUES;
    char *text = calloc(1, 2 * count + 3);

    text[0] = '[';
    for (size_t i = 0; i < count; i++)
        memcpy(text + 1 + 2 * i, "0,", 2);
    memcpy(text + 2 * count, "]", 2);
    assert_int_equal(findings_parse(&f->effects, &f->event, text, 2 * count + 1, &f->err),
                     MU_E_LIMIT);
    assert_string_equal(f->err.message,
                        "evidence " DIGEST("e") ": JSON of more than 4000000 values");
    f->effects.is_replay = true; /* what was applied then */
    assert_int_equal(findings_parse(&f->effects, &f->event, text, 2 * count + 1, &f->err),
                     MU_E_INVALID);
    free(text);
}

static void store_bytes(struct evidence_store *store, const char *text, char *ret_digest)
{
    MU_AUTO(evidence_writer) struct evidence_writer *writer = NULL;
    enum evidence_outcome outcome;
    struct mu_error err;

    mu_sha256_text(text, strlen(text), ret_digest);
    assert_int_equal(evidence_writer_open(store, ret_digest, &writer, &err), MU_OK);
    assert_int_equal(evidence_writer_append(writer, text, strlen(text), &err), MU_OK);
    assert_int_equal(evidence_writer_commit(writer, &outcome, &err), MU_OK);
}

/* The report is as much the evidence as the document. */
static void a_document_without_its_report_is_evidence_that_is_missing(void **state)
{
    static const char report[] = "{\"a\":\"report\"}";
    struct fixture *f = *state;
    char folder[] = "/tmp/test-findings-XXXXXX", json[1024], digest[MU_DIGEST_TEXT_SIZE];
    char original[MU_DIGEST_TEXT_SIZE], remove[64];
    struct evidence_store *store;

    assert_non_null(mkdtemp(folder));
    assert_int_equal(evidence_store_open(folder, &store, &f->err), MU_OK);
    mu_sha256_text(report, strlen(report), original);
    (void)snprintf(json, sizeof(json),
                   "{\"schema\":\"muster.imported-scan.v1\",\"targets\":[" TARGET(
                           UAI, DIGEST("1")) "],\"original\":{\"digest\":\"%s\"},\"image\":"
                                             "{\"digest\":\"" DIGEST("1") "\"},\"findings\":[]}",
                   original);
    store_bytes(store, json, digest);
    f->result.evidence_digest = digest;
    assert_int_equal(findings_load(&f->effects, store, &f->event, &f->err), MU_E_NOT_FOUND);
    assert_int_equal(write_set_rows(f->set, WRITE_EVIDENCE_LOADS), 0);
    store_bytes(store, report, original);
    assert_int_equal(findings_load(&f->effects, store, &f->event, &f->err), MU_OK);
    assert_int_equal(write_set_rows(f->set, WRITE_EVIDENCE_LOADS), 1);
    evidence_store_close(store);
    (void)snprintf(remove, sizeof(remove), "rm -r %s", folder);
    assert_int_equal(pclose(popen(remove, "we")), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(an_imported_scan_loads_what_counts_and_names_its_report),
            TEST(a_raw_scan_has_no_other_report),
            TEST(what_is_told_of_a_vulnerability_is_written_once),
            TEST(an_imported_scan_must_carry_every_uai_with_the_digest),
            TEST(an_imported_scan_must_name_its_report),
            TEST(evidence_of_another_image_or_form_is_refused),
            TEST(evidence_of_too_many_values_is_refused_by_name),
            TEST(a_document_without_its_report_is_evidence_that_is_missing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
