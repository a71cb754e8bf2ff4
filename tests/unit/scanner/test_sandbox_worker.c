#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "image/layer_engine.h"
#include "layer_build.h"
#include "sandbox/sandbox_child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#    define MEMORY_IS_OURS 0 /* a sanitizer's own memory would be counted */
#else
#    define MEMORY_IS_OURS 1
#endif

/* ---- finders that do what no finder should: what, is the file's name ---- */

static enum mu_status tell(const struct finder_sink *sink, const char *name, struct mu_error *err)
{
    const struct found_package package = {.type = "test", .name = name, .version = "1"};

    return sink->package(sink->opaque, &package, err);
}

static enum mu_status do_crash(const struct finder_sink *sink, struct mu_error *err)
{
    (void)sink, (void)err;
    (void)raise(SIGKILL);
    return MU_OK;
}

static enum mu_status do_spin(const struct finder_sink *sink, struct mu_error *err)
{
    volatile unsigned turns = 0;

    (void)sink, (void)err;
    while (turns < UINT_MAX)
        turns = turns > 1000 ? 0 : turns + 1;
    return MU_OK;
}

static enum mu_status do_eat(const struct finder_sink *sink, struct mu_error *err)
{
    enum { STEP = 16 << 20, STEPS = 64 };
    static void *eaten[STEPS]; /* never freed: the process ends */

    for (int i = 0; i < STEPS; i++) {
        eaten[i] = malloc(STEP);
        if (!eaten[i])
            return mu_fail(err, MU_E_NOMEM, "all eaten after %d steps", i);
        memset(eaten[i], 1, STEP);
    }
    return tell(sink, "was not stopped", err);
}

static enum mu_status do_exec(const struct finder_sink *sink, struct mu_error *err)
{
    char name[] = "true";
    char *const argv[] = {name, NULL}, *const environment[] = {NULL};

    (void)execve("/bin/true", argv, environment);
    return tell(sink, "is still there", err);
}

static enum mu_status do_reach(const struct finder_sink *sink, struct mu_error *err)
{
    int file = open("/etc/hostname", O_RDONLY | O_CLOEXEC);
    int made = open("/tmp/sandbox-was-here", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    int net = socket(AF_INET, SOCK_STREAM, 0), local = socket(AF_UNIX, SOCK_STREAM, 0);
    void *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool reached = file >= 0 || made >= 0 || net >= 0 || local >= 0 || code != MAP_FAILED ||
                   kill(getppid(), 0) == 0 || dup(0) >= 0;

    return tell(sink, reached ? "reached something" : "reached nothing", err);
}

static enum mu_status do_environment(const struct finder_sink *sink, struct mu_error *err)
{
    return tell(sink, getenv("SANDBOX_SECRET") ? "sees secrets" : "sees none", err);
}

static const struct {
    const char *path;
    enum mu_status (*act)(const struct finder_sink *sink, struct mu_error *err);
} acts[] = {{"crash", do_crash}, {"spin", do_spin},   {"eat", do_eat},
            {"exec", do_exec},   {"reach", do_reach}, {"environment", do_environment}};

static bool wants(const struct finder_entry *entry)
{
    (void)entry;
    return true;
}

static enum mu_status act(const struct finder_input *input, const struct finder_sink *sink,
                          struct mu_error *err)
{
    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        if (strcmp(input->path, acts[i].path) == 0)
            return acts[i].act(sink, err);
    }
    if (strcmp(input->path, "sum") == 0) {
        uint64_t sum = 0;
        char text[32];

        for (size_t i = 0; i < input->len; i++)
            sum += input->bytes[i];
        (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)sum);
        return tell(sink, text, err);
    }
    return tell(sink, "file", err);
}

static const struct finder finder_act = {
        .name = "act", .version = 1, .max_bytes = 1 << 30, .wants = wants, .read = act};
static const struct finder *const test_finders[] = {&finder_act};

/* ---- the stage ---- */

struct fixture {
    struct layer_engine *engine;
    struct mu_buf tar;
    struct summary_box box;
    struct mu_error err;
    uint64_t cpu_seconds;
    bool stopped; /* what the tick says */
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    const struct layer_engine_config config = {.isolation = LAYER_IN_CHILD,
                                               .temp_dir = "/tmp",
                                               .finders = test_finders,
                                               .finder_count = 1};

    assert_int_equal(layer_engine_new(&config, &f->engine, &f->err), MU_OK);
    mu_buf_init(&f->tar, LAYER_BUILD_MAX);
    f->cpu_seconds = 60;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    summary_box_done(&f->box);
    layer_engine_free(f->engine);
    mu_buf_done(&f->tar);
    free(f);
    return 0;
}

static enum mu_status tick(void *opaque, struct mu_error *err)
{
    const struct fixture *f = opaque;

    return f->stopped ? mu_fail(err, MU_E_UNAVAILABLE, "the scanner is stopping") : MU_OK;
}

static enum mu_status read_bytes(struct fixture *f, const struct mu_buf *bytes)
{
    const struct layer_job_config config = {
            .limits = {.max_unpacked_bytes = 1 << 30, .max_entries = 1000},
            .cpu_seconds = f->cpu_seconds,
            .tick = {tick, f}};
    MU_AUTO(layer_job) struct layer_job *job = NULL;

    if (layer_job_begin(f->engine, &config, &job, &f->err) != MU_OK)
        return f->err.status;
    for (size_t at = 0; at < bytes->len; at += 10000) {
        size_t len = bytes->len - at < 10000 ? bytes->len - at : 10000;

        if (layer_job_write(job, bytes->data + at, len, &f->err) != MU_OK)
            return f->err.status;
    }
    return layer_job_finish(job, &f->box, &f->err);
}

static enum mu_status read_file(struct fixture *f, const char *name)
{
    layer_build_file(&f->tar, name, "x");
    layer_build_end(&f->tar);
    return read_bytes(f, &f->tar);
}

/* The name of the only package that was told. */
static const char *told(const struct fixture *f)
{
    struct summary_cursor entries;
    struct summary_entry entry;
    struct evidence_cursor cursor;
    struct evidence_item item;

    summary_entries_begin(&f->box.summary, &entries);
    if (!summary_entries_next(&entries, &entry))
        return "";
    summary_evidence_begin(&f->box.summary, entry.evidence, &cursor);
    return summary_evidence_next(&cursor, &item) && item.kind == EVIDENCE_PACKAGE
                   ? item.package.name
                   : "";
}

static void expect_read(struct fixture *f, enum mu_status st, const char *name)
{
    if (st != MU_OK)
        fail_msg("%s", f->err.message);
    assert_string_equal(told(f), name);
}

static void expect_error(const struct fixture *f, enum mu_status st, enum mu_status wanted,
                         const char *word)
{
    if (st != wanted || !strstr(f->err.message, word))
        fail_msg("%s: '%s' lacks '%s'", mu_status_name(st), st == MU_OK ? "" : f->err.message,
                 word);
}

/* ---- tests ---- */

static void a_layer_is_read_in_a_process_of_its_own(void **state)
{
    struct fixture *f = *state;
    struct mu_buf packed;
    char diff_id[MU_DIGEST_TEXT_SIZE];

    layer_build_file(&f->tar, "some", "x");
    layer_build_end(&f->tar);
    mu_buf_init(&packed, LAYER_BUILD_MAX);
    layer_build_gzip(f->tar.data, f->tar.len, &packed);
    expect_read(f, read_bytes(f, &packed), "file");
    mu_sha256_text(f->tar.data, f->tar.len, diff_id);
    assert_string_equal(f->box.summary.head->diff_id, diff_id);
    assert_int_equal(f->box.summary.head->packed_bytes, packed.len);
    mu_buf_done(&packed);
}

static void a_crash_is_this_layers_error(void **state)
{
    struct fixture *f = *state;

    expect_error(f, read_file(f, "crash"), MU_E_INTERNAL, "crashed (signal 9");
    mu_buf_reset(&f->tar);
    expect_read(f, read_file(f, "another"), "file");
}

static void endless_work_ends_at_the_processors_limit(void **state)
{
    struct fixture *f = *state;

    f->cpu_seconds = 1;
    expect_error(f, read_file(f, "spin"), MU_E_LIMIT, "more than 1 s of processor time");
}

static void endless_work_ends_when_the_worker_stops(void **state)
{
    struct fixture *f = *state;
    uint64_t began_ms = mu_monotonic_ms();

    f->stopped = true;
    expect_error(f, read_file(f, "spin"), MU_E_UNAVAILABLE, "stopping");
    assert_true(mu_monotonic_ms() - began_ms < 10000);
}

static void memory_without_end_ends_at_its_limit(void **state)
{
    struct fixture *f = *state;

    if (!MEMORY_IS_OURS) {
        print_message("SKIPPED: a sanitizer's own memory would be counted\n");
        skip();
    }
    expect_error(f, read_file(f, "eat"), MU_E_LIMIT, "bytes of memory: all eaten");
}

static void another_program_cannot_be_run(void **state)
{
    struct fixture *f = *state;

    expect_error(f, read_file(f, "exec"), MU_E_INTERNAL, "what no reader may do");
}

static void nothing_outside_can_be_reached(void **state)
{
    expect_read(*state, read_file(*state, "reach"), "reached nothing");
    assert_int_not_equal(access("/tmp/sandbox-was-here", F_OK), 0);
}

static void the_environment_stays_outside(void **state)
{
    assert_int_equal(setenv("SANDBOX_SECRET", "token", 1), 0);
    expect_read(*state, read_file(*state, "environment"), "sees none");
    (void)unsetenv("SANDBOX_SECRET");
}

static void a_damaged_layer_is_named_before_its_end(void **state)
{
    struct fixture *f = *state;
    struct mu_buf bytes;

    mu_buf_init(&bytes, LAYER_BUILD_MAX);
    mu_buf_append(&bytes, "\x1f\x8b\x08\0\0\0\0\0\0\3", 10);
    for (int i = 0; i < 1000000; i++)
        mu_buf_puts(&bytes, "no deflate data");
    expect_error(f, read_bytes(f, &bytes), MU_E_INVALID, "gzip member 1");
    mu_buf_done(&bytes);
}

static void a_limit_of_the_layer_is_named(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 1001; i++)
        layer_build_entry(&f->tar, "dir/", '5', "", "", 0);
    expect_error(f, read_file(f, "some"), MU_E_LIMIT, "more than 1000 entries");
}

/* Larger than what is held in memory: it goes through the nameless file. */
static void a_large_file_is_seen_whole(void **state)
{
    enum { SIZE = 40 << 20 };
    struct fixture *f = *state;
    char *ones = malloc(SIZE);

    memset(ones, 1, SIZE);
    layer_build_entry(&f->tar, "sum", '0', "", ones, SIZE);
    free(ones);
    layer_build_end(&f->tar);
    expect_read(f, read_bytes(f, &f->tar), "41943040");
}

static void without_a_worker_the_command_does_nothing(void **state)
{
    int fd = dup(3);

    (void)state;
    (void)close(3);
    assert_int_equal(sandbox_child_main(test_finders, 1), 2);
    if (fd >= 0) {
        (void)dup2(fd, 3);
        (void)close(fd);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
            TEST(a_layer_is_read_in_a_process_of_its_own),
            TEST(a_crash_is_this_layers_error),
            TEST(endless_work_ends_at_the_processors_limit),
            TEST(endless_work_ends_when_the_worker_stops),
            TEST(memory_without_end_ends_at_its_limit),
            TEST(another_program_cannot_be_run),
            TEST(nothing_outside_can_be_reached),
            TEST(the_environment_stays_outside),
            TEST(a_damaged_layer_is_named_before_its_end),
            TEST(a_limit_of_the_layer_is_named),
            TEST(a_large_file_is_seen_whole),
            TEST(without_a_worker_the_command_does_nothing),
    };

    if (sandbox_child_is_asked(argc, argv))
        return sandbox_child_main(test_finders, 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
