/* The log of decisions: numbers without a gap, over restarts, damage and full disks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gate/decision_log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"

#include <dirent.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WAIT_MS = 20000, BUDGET_US = 5000000, THREADS = 4, EACH = 500 };

static char folder[64];
static struct decision_log_config config;
static struct decision_log *decisions;

static void open_log(void)
{
    struct mu_error err;

    if (decision_log_open(&config, &decisions, &err) != MU_OK)
        fail_msg("%s", err.message);
}

static void open_anew(void)
{
    decision_log_close(decisions);
    decisions = NULL;
    open_log();
}

static int open_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/muster-decisions-XXXXXX");
    assert_non_null(mkdtemp(folder));
    config = (struct decision_log_config){.folder = folder,
                                          .name = "gate-a",
                                          .max_bytes = 1 << 20,
                                          .segment_bytes = 4096,
                                          .queue_bytes = 1 << 16,
                                          .sync_ms = 1};
    open_log();
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status, (void)kind, (void)place;
    return remove(path);
}

static int close_folder(void **state)
{
    (void)state;
    decision_log_close(decisions);
    decisions = NULL;
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static uint64_t append(const char *payload)
{
    struct mu_error err;
    uint64_t sequence = 0;

    if (decision_log_append(decisions, payload, strlen(payload), 0, &sequence, &err) != MU_OK)
        fail_msg("%s", err.message);
    return sequence;
}

static void append_many(int count)
{
    char payload[64];
    uint64_t last = 0;

    for (int i = 0; i < count; i++) {
        (void)snprintf(payload, sizeof(payload), "payload %d", i);
        last = append(payload);
    }
    assert_true(decision_log_wait(decisions, last, BUDGET_US));
}

static void wait_synced(uint64_t sequence)
{
    struct decision_log_state state = {0};

    for (int i = 0; i < WAIT_MS && state.synced < sequence; i++) {
        (void)poll(NULL, 0, 1);
        decision_log_state(decisions, &state);
    }
    assert_true(state.synced >= sequence);
}

struct seen {
    uint64_t first, last;
    size_t count, jumps;
};

static enum mu_status see(void *opaque, const struct decision_frame *frame, struct mu_error *err)
{
    struct seen *seen = opaque;

    (void)err;
    seen->jumps += seen->count > 0 && frame->sequence != seen->last + 1;
    if (seen->count++ == 0)
        seen->first = frame->sequence;
    seen->last = frame->sequence;
    assert_true(strncmp(frame->payload, "payload ", strlen("payload ")) == 0);
    return MU_OK;
}

static struct seen read_all(uint64_t from, size_t most, uint64_t *ret_next)
{
    struct seen seen = {0};
    struct mu_error err;

    if (decision_log_read(decisions, from, most, see, &seen, ret_next, &err) != MU_OK)
        fail_msg("%s", err.message);
    return seen;
}

static uint64_t lost(void)
{
    struct decision_log_state log;

    decision_log_state(decisions, &log);
    return log.lost;
}

static size_t segments(void)
{
    DIR *open = opendir(folder);
    const struct dirent *entry;
    size_t count = 0;

    while ((entry = readdir(open)))
        count += strncmp(entry->d_name, "decisions-", strlen("decisions-")) == 0;
    (void)closedir(open);
    return count;
}

static void records_are_read_in_order_over_many_segments(void **state)
{
    uint64_t next = 0;
    struct seen seen;

    (void)state;
    append_many(500);
    wait_synced(500);
    seen = read_all(1, 10000, &next);
    assert_int_equal(seen.count, 500);
    assert_int_equal(seen.jumps, 0);
    assert_int_equal(next, 501);
    seen = read_all(123, 10, &next);
    assert_int_equal(seen.first, 123);
    assert_int_equal(seen.count, 10);
    assert_int_equal(next, 133);
}

static void numbers_go_on_after_a_restart_and_the_instance_stays(void **state)
{
    char instance[DECISION_INSTANCE_SIZE];
    uint64_t next = 0;
    struct seen seen;

    (void)state;
    (void)snprintf(instance, sizeof(instance), "%s", decision_log_instance(decisions));
    for (int i = 0; i < 3; i++) {
        append_many(10);
        open_anew();
    }
    assert_string_equal(decision_log_instance(decisions), instance);
    assert_true(strncmp(instance, "gate-a/", 7) == 0);
    assert_int_equal(append("payload x"), 31);
    wait_synced(31);
    seen = read_all(1, 1000, &next);
    assert_int_equal(seen.count, 31);
    assert_int_equal(seen.jumps, 0);
}

/* The last segment that has records in it. */
static void last_segment(char ret_path[PATH_MAX])
{
    char best[NAME_MAX + 1] = "";
    DIR *open = opendir(folder);
    const struct dirent *entry;

    while ((entry = readdir(open)))
        if (strncmp(entry->d_name, "decisions-", strlen("decisions-")) == 0 &&
            strcmp(entry->d_name, best) > 0)
            (void)snprintf(best, sizeof(best), "%s", entry->d_name);
    (void)closedir(open);
    (void)snprintf(ret_path, PATH_MAX, "%s/%s", folder, best);
}

static void damage(bool cut_off)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf file;
    char path[PATH_MAX];
    struct mu_error err;

    config.segment_bytes = 1 << 20; /* all in one */
    open_anew();
    append_many(10);
    decision_log_close(decisions);
    decisions = NULL;
    last_segment(path);
    mu_buf_init(&file, 1 << 20);
    assert_int_equal(mu_file_read(path, &file, &err), MU_OK);
    if (cut_off)
        mu_buf_cut(&file, file.len - 3);
    else
        file.data[32 + 2 * (DECISION_FRAME_BYTES + 9)] ^= 1; /* the magic of the third */
    assert_int_equal(mu_file_write_atomic(path, file.data, file.len, &err), MU_OK);
    open_log();
}

static void a_record_that_was_half_written_is_not_there(void **state)
{
    uint64_t next = 0;
    struct seen seen;

    (void)state;
    damage(true);
    assert_int_equal(append("payload x"), 10);
    wait_synced(10);
    seen = read_all(1, 100, &next);
    assert_int_equal(seen.count, 10);
    assert_int_equal(seen.jumps, 0);
}

static void behind_damage_the_numbers_go_on_so_that_the_gap_is_seen(void **state)
{
    uint64_t next = 0;
    struct seen seen;

    (void)state;
    damage(false);
    assert_int_equal(append("payload x"), 11);
    wait_synced(11);
    seen = read_all(1, 100, &next);
    assert_int_equal(seen.count, 10);
    assert_int_equal(seen.jumps, 1);
    assert_int_equal(seen.last, 11);
}

static void what_is_shipped_is_forgotten_in_whole_segments(void **state)
{
    struct decision_log_state log;
    uint64_t next = 0;
    size_t before;

    (void)state;
    for (int i = 0; i < 10; i++)
        append_many(100);
    wait_synced(1000);
    before = segments();
    assert_true(before > 3);
    decision_log_forget(decisions, 500);
    decision_log_state(decisions, &log);
    assert_true(segments() < before && log.kept_from > 1 && log.kept_from <= 500);
    assert_int_equal(read_all(500, 10000, &next).count, 501);
    decision_log_forget(decisions, 1001);
    assert_int_equal(segments(), 1);
}

static void a_log_without_room_refuses_counts_and_recovers(void **state)
{
    char payload[1024];
    struct mu_error err;
    uint64_t sequence = 0, refused = 0, after = 0;

    (void)state;
    memset(payload, 'x', sizeof(payload));
    memcpy(payload, "payload ", 8);
    for (int i = 0; i < 3000; i++) {
        if (decision_log_append(decisions, payload, sizeof(payload), refused, &sequence, &err) !=
            MU_OK)
            refused++;
        else
            (void)decision_log_wait(decisions, sequence, BUDGET_US);
    }
    assert_true(refused > 0);
    assert_int_equal(err.status, MU_E_LIMIT);
    assert_int_equal(lost(), refused);
    wait_synced(sequence);
    decision_log_forget(decisions, sequence + 1);
    assert_int_equal(decision_log_append(decisions, "payload again", 13, refused - 1, &after, &err),
                     MU_E_CONFLICT);
    assert_int_equal(after, 0);
    assert_int_equal(decision_log_append(decisions, "payload again", 13, refused, &after, &err),
                     MU_OK);
    assert_int_equal(after, sequence + 1);
    assert_int_equal(lost(), 0);
}

/* While the disk does not sync, no segment is ended. */
static void a_segment_that_had_to_grow_is_read(void **state)
{
    enum { RECORDS = 60 };
    char payload[1000];
    uint64_t sequence = 0, next = 0;
    struct mu_error err;

    (void)state;
    decision_log_close(decisions);
    config.sync_ms = 1000;
    config.queue_bytes = 4096;
    open_log();
    memset(payload, 'x', sizeof(payload));
    memcpy(payload, "payload ", 8);
    for (int i = 0; i < RECORDS; i++) {
        assert_int_equal(
                decision_log_append(decisions, payload, sizeof(payload), 0, &sequence, &err),
                MU_OK);
        assert_true(decision_log_wait(decisions, sequence, BUDGET_US));
    }
    wait_synced(RECORDS);
    assert_int_equal(read_all(1, RECORDS, &next).count, RECORDS);
}

static void a_log_smaller_than_a_segment_recovers_too(void **state)
{
    uint64_t sequence = 0;
    struct mu_error err;

    (void)state;
    decision_log_close(decisions);
    config.max_bytes = 1 << 16;
    config.segment_bytes = 1 << 22;
    open_log();
    while (decision_log_append(decisions, "payload x", 9, 0, &sequence, &err) == MU_OK)
        (void)decision_log_wait(decisions, sequence, BUDGET_US);
    wait_synced(sequence);
    decision_log_forget(decisions, sequence + 1);
    assert_int_equal(decision_log_append(decisions, "payload y", 9, 1, &sequence, &err), MU_OK);
}

/* At 0 every write fails, and the writer tries again. */
static void let_files_grow(rlim_t bytes)
{
    struct rlimit limit;

    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static int64_t waited_ms(const char *payload, int64_t budget_us)
{
    uint64_t sequence = append(payload), began_ms = mu_monotonic_ms();

    assert_false(decision_log_wait(decisions, sequence, budget_us));
    return (int64_t)(mu_monotonic_ms() - began_ms);
}

static void a_disk_that_holds_up_the_writer_is_waited_for_once(void **state)
{
    uint64_t last;

    (void)state;
    let_files_grow(0);
    assert_in_range(waited_ms("first", 500000), 450, WAIT_MS);
    assert_in_range(waited_ms("second", 500000), 0, 250);
    let_files_grow(RLIM_INFINITY);
    last = append("third");
    for (int i = 0; i < WAIT_MS / 10 && !decision_log_wait(decisions, last, 0); i++)
        (void)poll(NULL, 0, 10);
    assert_true(decision_log_wait(decisions, last, BUDGET_US));
}

static void one_folder_has_one_log(void **state)
{
    struct decision_log *other = NULL;
    struct mu_error err;

    (void)state;
    assert_int_equal(decision_log_open(&config, &other, &err), MU_E_CONFLICT);
    assert_null(other);
}

static void payloads_without_content_or_end_are_refused(void **state)
{
    static char large[DECISION_MAX_BYTES + 1];
    uint64_t sequence = 77;
    struct mu_error err;

    (void)state;
    assert_int_equal(decision_log_append(decisions, "", 0, 0, &sequence, &err), MU_E_LIMIT);
    assert_int_equal(decision_log_append(decisions, large, sizeof(large), 0, &sequence, &err),
                     MU_E_LIMIT);
    assert_int_equal(sequence, 77);
    assert_int_equal(lost(), 2);
}

static void *append_on(void *opaque)
{
    (void)opaque;
    for (int i = 0; i < EACH; i++)
        (void)decision_log_wait(decisions, append("payload t"), BUDGET_US);
    return NULL;
}

static void many_threads_get_numbers_without_a_gap(void **state)
{
    pthread_t threads[THREADS];
    uint64_t next = 0;
    struct seen seen;

    (void)state;
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, append_on, NULL), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    wait_synced(THREADS * EACH);
    seen = read_all(1, 100000, &next);
    assert_int_equal(seen.count, THREADS * EACH);
    assert_int_equal(seen.jumps, 0);
}

static void what_was_lost_is_told_after_a_restart_and_once(void **state)
{
    uint64_t sequence = 0;
    struct mu_error err;

    (void)state;
    for (int i = 0; i < 3; i++)
        decision_log_lose(decisions);
    open_anew();
    assert_int_equal(lost(), 3);
    decision_log_lose(decisions);
    open_anew();
    assert_int_equal(decision_log_append(decisions, "payload x", 9, 3, &sequence, &err),
                     MU_E_CONFLICT);
    assert_int_equal(decision_log_append(decisions, "payload x", 9, 4, &sequence, &err), MU_OK);
    assert_true(decision_log_wait(decisions, sequence, BUDGET_US));
    open_anew();
    assert_int_equal(lost(), 0);
}

static bool file_says(const char *count)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf file;
    char path[PATH_MAX];
    struct mu_error err;

    (void)snprintf(path, sizeof(path), "%s/lost", folder);
    mu_buf_init(&file, 64);
    return mu_file_read(path, &file, &err) == MU_OK && strcmp(file.data, count) == 0;
}

/* With a disk that is full: the count is written over what stands there. */
static _Noreturn void lose_five_and_be_killed(void)
{
    open_log();
    let_files_grow(21);        /* what the file has */
    (void)append("payload x"); /* which is not written */
    for (int i = 0; i < 5; i++)
        decision_log_lose(decisions);
    for (int i = 0; i < WAIT_MS && !file_says("00000000000000000005\n"); i++)
        (void)poll(NULL, 0, 1);
    (void)kill(getpid(), SIGKILL);
    abort();
}

static void what_a_killed_gate_lost_is_told(void **state)
{
    int status = 0;
    pid_t child;

    (void)state;
    decision_log_close(decisions);
    decisions = NULL;
    child = fork();
    if (child == 0)
        lose_five_and_be_killed();
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    open_log();
    assert_int_equal(lost(), 5);
}

static void a_count_of_lost_that_is_none_is_refused(void **state)
{
    char path[PATH_MAX];
    struct mu_error err;

    (void)state;
    decision_log_close(decisions);
    decisions = NULL;
    (void)snprintf(path, sizeof(path), "%s/lost", folder);
    assert_int_equal(mu_file_write_atomic(path, "two or three, I believe.\n", 25, &err), MU_OK);
    assert_int_equal(decision_log_open(&config, &decisions, &err), MU_E_INVALID);
    assert_non_null(strstr(err.message, "lost' holds no count of lost decisions: remove it"));
    assert_int_equal(mu_file_write_atomic(path, "0000", 4, &err), MU_OK); /* cut off by a crash */
    open_log();
    assert_int_equal(lost(), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_folder, close_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
            CASE(records_are_read_in_order_over_many_segments),
            CASE(numbers_go_on_after_a_restart_and_the_instance_stays),
            CASE(a_record_that_was_half_written_is_not_there),
            CASE(behind_damage_the_numbers_go_on_so_that_the_gap_is_seen),
            CASE(what_is_shipped_is_forgotten_in_whole_segments),
            CASE(a_log_without_room_refuses_counts_and_recovers),
            CASE(a_segment_that_had_to_grow_is_read),
            CASE(a_log_smaller_than_a_segment_recovers_too),
            CASE(a_disk_that_holds_up_the_writer_is_waited_for_once),
            CASE(one_folder_has_one_log),
            CASE(payloads_without_content_or_end_are_refused),
            CASE(many_threads_get_numbers_without_a_gap),
            CASE(what_was_lost_is_told_after_a_restart_and_once),
            CASE(what_a_killed_gate_lost_is_told),
            CASE(a_count_of_lost_that_is_none_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
