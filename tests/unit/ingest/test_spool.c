#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "spool_fixture.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Reads and removes everything; true when something was damaged. */
static bool drain(struct spool *spool, struct mu_buf *ids)
{
    bool damaged = false, any = false;
    struct mu_error err;

    while (spool_read_oldest(spool, spool_collect, ids, &damaged, &err) == MU_OK) {
        any |= damaged;
        spool_remove_oldest(spool);
    }
    return any;
}

static void messages_come_out_in_order_and_whole(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf ids;
    struct spool_folder_fixture folder;
    struct spool *spool;

    (void)state;
    folder_make(&folder);
    spool = spool_start(&folder, 0);
    mu_buf_init(&ids, 1024);
    spool_put_durably(spool, "a");
    spool_put_durably(spool, "b");
    spool_put_durably(spool, "c");
    assert_false(drain(spool, &ids));
    assert_string_equal(ids.data, "a b c ");
    assert_int_equal(spool_bytes(spool), 0);
    assert_int_equal(folder_count(&folder, ".spool", NULL), 0);
    spool_close(spool);
    folder_remove(&folder);
}

static enum mu_status check_message(void *opaque, const struct mu_outgoing *message,
                                    struct mu_error *err)
{
    const struct mu_outgoing *expected = opaque;

    (void)err;
    assert_int_equal(message->topic, expected->topic);
    assert_int_equal(message->envelope.type, expected->envelope.type);
    assert_true(message->envelope.time_us == expected->envelope.time_us);
    assert_string_equal(message->envelope.id, expected->envelope.id);
    assert_string_equal(message->envelope.source, expected->envelope.source);
    assert_string_equal(message->envelope.traceparent, expected->envelope.traceparent);
    assert_null(message->key);
    assert_int_equal(message->value_len, expected->value_len);
    assert_memory_equal(message->value, expected->value, expected->value_len);
    return MU_OK;
}

static void every_part_of_a_message_is_kept(void **state)
{
    struct spool_folder_fixture folder;
    struct spool_outcome outcome = {0};
    struct mu_outgoing message = spool_message("a");
    struct spool *spool;
    struct mu_error err;
    bool damaged;

    (void)state;
    folder_make(&folder);
    spool = spool_start(&folder, 0);
    message.topic = MU_TOPIC_QUARANTINE;
    message.key = NULL;
    message.envelope.type = MU_MSG_QUARANTINE_RECORD;
    message.envelope.time_us = MU_TIME_NONE;
    message.envelope.traceparent = "00-trace";
    message.value = "nul\0inside";
    message.value_len = 10;
    assert_int_equal(spool_append(spool, &message, spool_note, &outcome, &err), MU_OK);
    spool_wait(&outcome, 1);
    assert_int_equal(spool_read_oldest(spool, check_message, &message, &damaged, &err), MU_OK);
    spool_close(spool);
    folder_remove(&folder);
}

static void an_empty_spool_is_at_its_end(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf ids;
    struct spool_folder_fixture folder;
    struct spool *spool;
    struct mu_error err;
    bool damaged;

    (void)state;
    folder_make(&folder);
    spool = spool_start(&folder, 0);
    mu_buf_init(&ids, 64);
    assert_int_equal(spool_read_oldest(spool, spool_collect, &ids, &damaged, &err), MU_END);
    spool_remove_oldest(spool);
    spool_close(spool);
    folder_remove(&folder);
}

static void what_a_process_left_is_found_by_the_next(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf ids;
    struct spool_folder_fixture folder;
    struct spool *spool;

    (void)state;
    folder_make(&folder);
    for (int life = 0; life < 3; life++) {
        spool = spool_start(&folder, 0);
        spool_put_durably(spool, life == 0 ? "a" : life == 1 ? "b" : "c");
        spool_close(spool);
    }
    spool = spool_start(&folder, 0);
    mu_buf_init(&ids, 64);
    assert_true(spool_bytes(spool) > 0);
    assert_false(drain(spool, &ids));
    assert_string_equal(ids.data, "a b c ");
    assert_int_equal(spool_bytes(spool), 0);
    spool_close(spool);
    folder_remove(&folder);
}

static void what_was_durable_survives_kill_9(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf ids;
    struct spool_folder_fixture folder;
    struct spool *spool;
    int status;
    pid_t child;

    (void)state;
    folder_make(&folder);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        spool = spool_start(&folder, 0);
        spool_put_durably(spool, "a");
        spool_put_durably(spool, "b");
        (void)raise(SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    spool = spool_start(&folder, 0);
    mu_buf_init(&ids, 64);
    assert_false(drain(spool, &ids));
    assert_string_equal(ids.data, "a b ");
    spool_close(spool);
    folder_remove(&folder);
}

/* A segment file with messages a, b, c, and where each record begins. */
static void make_segment(struct spool_folder_fixture *folder, char path[SPOOL_PATH_SIZE],
                         struct mu_buf *bytes)
{
    struct spool *spool;
    struct mu_error err;

    folder_make(folder);
    spool = spool_start(folder, 0);
    spool_put_durably(spool, "a");
    spool_put_durably(spool, "b");
    spool_put_durably(spool, "c");
    spool_close(spool);
    assert_int_equal(folder_count(folder, ".spool", path), 1);
    mu_buf_init(bytes, 1 << 20);
    assert_int_equal(mu_file_read(path, bytes, &err), MU_OK);
}

/* Three records of one length behind the magic of 8 bytes. */
static size_t record_at(const struct mu_buf *bytes, size_t index)
{
    assert_int_equal((bytes->len - 8) % 3, 0);
    return 8 + index * ((bytes->len - 8) / 3);
}

static void a_torn_tail_is_dropped_at_every_length(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    struct spool_folder_fixture folder;
    char path[SPOOL_PATH_SIZE];

    (void)state;
    make_segment(&folder, path, &bytes);
    for (size_t len = 0; len < bytes.len; len++) {
        MU_AUTO_DONE(mu_buf_done) struct mu_buf ids;
        const char *expected = len < record_at(&bytes, 1)   ? ""
                               : len < record_at(&bytes, 2) ? "a "
                                                            : "a b ";
        struct mu_error err;
        bool damaged = true;

        mu_buf_init(&ids, 64);
        assert_int_equal(spool_parse(bytes.data, len, spool_collect, &ids, &damaged, &err), MU_OK);
        assert_false(damaged);
        assert_string_equal(ids.data, expected);
    }
    folder_remove(&folder);
}

/* Whatever bit rots, the other records come out, and the reader is told. */
static void a_flipped_bit_costs_one_record_and_is_told(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    struct spool_folder_fixture folder;
    char path[SPOOL_PATH_SIZE];

    (void)state;
    make_segment(&folder, path, &bytes);
    for (size_t bit = 0; bit < bytes.len * 8; bit++) {
        MU_AUTO_DONE(mu_buf_done) struct mu_buf ids;
        size_t at = bit / 8, into = at - record_at(&bytes, 1);
        struct mu_error err;
        bool damaged = false;

        mu_buf_init(&ids, 64);
        bytes.data[at] = (char)(bytes.data[at] ^ (1 << (bit % 8)));
        assert_int_equal(spool_parse(bytes.data, bytes.len, spool_collect, &ids, &damaged, &err),
                         MU_OK);
        bytes.data[at] = (char)(bytes.data[at] ^ (1 << (bit % 8)));
        assert_true(damaged);
        if (at >= record_at(&bytes, 1) && at < record_at(&bytes, 2))
            assert_string_equal(ids.data, into < 8 ? "a " : "a c ");
    }
    folder_remove(&folder);
}

static void a_damaged_segment_can_be_kept(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes, ids;
    struct spool_folder_fixture folder;
    char path[SPOOL_PATH_SIZE], kept[PATH_MAX];
    struct spool *spool;
    struct mu_error err;
    bool damaged = false;

    (void)state;
    make_segment(&folder, path, &bytes);
    bytes.data[record_at(&bytes, 2) - 2] ^= 1;
    assert_int_equal(mu_file_write_atomic(path, bytes.data, bytes.len, &err), MU_OK);
    spool = spool_start(&folder, 0);
    mu_buf_init(&ids, 64);
    assert_int_equal(spool_read_oldest(spool, spool_collect, &ids, &damaged, &err), MU_OK);
    assert_true(damaged);
    assert_string_equal(ids.data, "a c ");
    assert_int_equal(spool_keep_oldest(spool, "damaged", kept, &err), MU_OK);
    assert_int_equal(spool_read_oldest(spool, spool_collect, &ids, &damaged, &err), MU_END);
    assert_true(spool_bytes(spool) == (int64_t)bytes.len); /* kept files count towards the bound */
    spool_put_durably(spool, "d");
    spool_close(spool);
    assert_int_equal(folder_count(&folder, ".damaged", NULL), 1);
    assert_int_equal(rename(kept, path), 0); /* renamed back, it is delivered again */
    spool = spool_start(&folder, 0);
    mu_buf_reset(&ids);
    assert_true(drain(spool, &ids));
    assert_string_equal(ids.data, "a c d ");
    spool_close(spool);
    folder_remove(&folder);
}

static void a_file_that_is_no_segment_is_damage(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf ids;
    struct mu_error err;
    bool damaged = false;

    (void)state;
    mu_buf_init(&ids, 64);
    assert_int_equal(spool_parse("not a spool", 11, spool_collect, &ids, &damaged, &err), MU_OK);
    assert_true(damaged);
    assert_int_equal(ids.len, 0);
}

static enum mu_status refuse(void *opaque, const struct mu_outgoing *message, struct mu_error *err)
{
    (void)opaque, (void)message;
    return mu_fail(err, MU_E_UNAVAILABLE, "not now");
}

static void a_reader_that_fails_leaves_the_segment(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf ids;
    struct spool_folder_fixture folder;
    struct spool *spool;
    struct mu_error err;
    bool damaged;

    (void)state;
    folder_make(&folder);
    spool = spool_start(&folder, 0);
    mu_buf_init(&ids, 64);
    spool_put_durably(spool, "a");
    assert_int_equal(spool_read_oldest(spool, refuse, NULL, &damaged, &err), MU_E_UNAVAILABLE);
    assert_string_equal(err.message, "not now");
    spool_put_durably(spool, "b"); /* into a segment of its own: the first is being read */
    assert_int_equal(folder_count(&folder, ".spool", NULL), 2);
    assert_false(drain(spool, &ids));
    assert_string_equal(ids.data, "a b ");
    spool_close(spool);
    folder_remove(&folder);
}

static void segments_begin_beyond_their_size_and_stay_in_order(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf ids, expected;
    struct spool_folder_fixture folder;
    struct spool *spool;

    (void)state;
    folder_make(&folder);
    spool = spool_start(&folder, 200);
    mu_buf_init(&ids, 1024);
    mu_buf_init(&expected, 1024);
    for (int i = 0; i < 20; i++) {
        char id[16];

        (void)snprintf(id, sizeof(id), "%d", i);
        mu_buf_printf(&expected, "%s ", id);
        spool_put_durably(spool, id);
    }
    assert_true(folder_count(&folder, ".spool", NULL) > 3);
    assert_false(drain(spool, &ids));
    assert_string_equal(ids.data, expected.data);
    assert_int_equal(spool_bytes(spool), 0);
    spool_close(spool);
    folder_remove(&folder);
}

static void a_full_spool_refuses_and_takes_again_when_drained(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf ids;
    struct spool_folder_fixture folder;
    struct spool_config config = {.folder = folder.path, .max_bytes = 500};
    struct spool_outcome outcome = {0};
    struct mu_outgoing message = spool_message("a");
    struct spool *spool = NULL;
    struct mu_error err;
    size_t taken = 0;

    (void)state;
    folder_make(&folder);
    assert_int_equal(spool_open(&config, &spool, &err), MU_OK);
    while (spool_append(spool, &message, spool_note, &outcome, &err) == MU_OK)
        taken++;
    assert_int_equal(err.status, MU_E_LIMIT);
    assert_non_null(strstr(err.message, "spool is full"));
    assert_true(taken >= 3 && taken <= 8);
    spool_wait(&outcome, taken);
    mu_buf_init(&ids, 64);
    assert_false(drain(spool, &ids));
    assert_true(spool_has_room(spool));
    spool_put_durably(spool, "b");
    spool_close(spool);
    folder_remove(&folder);
}

static void a_record_over_the_limit_is_refused(void **state)
{
    static char value[SPOOL_RECORD_MAX_BYTES];
    struct spool_folder_fixture folder;
    struct spool_outcome outcome = {0};
    struct mu_outgoing message = spool_message("a");
    struct spool *spool;
    struct mu_error err;

    (void)state;
    folder_make(&folder);
    spool = spool_start(&folder, 0);
    message.value = value;
    message.value_len = sizeof(value);
    assert_int_equal(spool_append(spool, &message, spool_note, &outcome, &err), MU_E_LIMIT);
    spool_close(spool);
    assert_int_equal(atomic_load(&outcome.done), 0);
    folder_remove(&folder);
}

static void two_processes_cannot_share_a_folder(void **state)
{
    struct spool_folder_fixture folder;
    struct spool_config config = {.folder = folder.path, .max_bytes = 1 << 20};
    struct spool *spool, *second = NULL;
    struct mu_error err;

    (void)state;
    folder_make(&folder);
    spool = spool_start(&folder, 0);
    assert_int_equal(spool_open(&config, &second, &err), MU_E_CONFLICT);
    assert_non_null(strstr(err.message, folder.path));
    assert_null(second);
    spool_close(spool);
    spool = spool_start(&folder, 0);
    spool_close(spool);
    folder_remove(&folder);
}

static void a_folder_that_cannot_be_is_named(void **state)
{
    struct spool_config config = {.folder = "/proc/no/such", .max_bytes = 1 << 20};
    struct spool *spool = NULL;
    struct mu_error err;

    (void)state;
    assert_int_equal(spool_open(&config, &spool, &err), MU_E_UNAVAILABLE);
    assert_non_null(strstr(err.message, "/proc/no"));
    assert_null(spool);
    spool_close(NULL);
}

/* The disk's refusal is told, nothing of it stays, and the count stays right. */
static void a_disk_that_refuses_fails_the_message_only(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf ids;
    struct spool_folder_fixture folder;
    struct spool_outcome outcome = {0};
    struct rlimit before, small;
    static char value[60000];
    struct mu_outgoing large = spool_message("large");
    struct spool *spool;
    struct mu_error err;

    (void)state;
    folder_make(&folder);
    spool = spool_start(&folder, 0);
    spool_put_durably(spool, "a");
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){4096, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    large.value = value;
    large.value_len = sizeof(value);
    assert_int_equal(spool_append(spool, &large, spool_note, &outcome, &err), MU_OK);
    spool_wait(&outcome, 1);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(atomic_load(&outcome.failed), 1);
    spool_put_durably(spool, "b");
    mu_buf_init(&ids, 64);
    assert_false(drain(spool, &ids));
    assert_string_equal(ids.data, "a b ");
    assert_int_equal(spool_bytes(spool), 0);
    spool_close(spool);
    folder_remove(&folder);
}

enum { WRITERS = 4, EACH = 500 };

struct writer {
    struct spool *spool;
    struct spool_outcome *outcome;
    int number;
};

static void *write_many(void *opaque)
{
    const struct writer *writer = opaque;

    for (int i = 0; i < EACH; i++) {
        char id[32];

        (void)snprintf(id, sizeof(id), "%d-%d", writer->number, i);
        spool_put(writer->spool, id, writer->outcome);
    }
    return NULL;
}

struct order {
    int next[WRITERS];
    size_t count;
};

static enum mu_status check_order(void *opaque, const struct mu_outgoing *message,
                                  struct mu_error *err)
{
    struct order *order = opaque;
    char *dash;
    long writer = strtol(message->envelope.id, &dash, 10), number;

    (void)err;
    assert_int_equal(*dash, '-');
    number = strtol(dash + 1, NULL, 10);
    assert_int_equal(number, order->next[writer]);
    order->next[writer]++;
    order->count++;
    return MU_OK;
}

/* Threads write while the drainer reads: each message comes out once, each thread's in order. */
static void writers_and_a_drainer_work_together(void **state)
{
    struct spool_folder_fixture folder;
    struct spool_outcome outcome = {0};
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS];
    struct order order = {0};
    uint64_t deadline = mu_monotonic_ms() + SPOOL_WAIT_MS;
    struct spool *spool;

    (void)state;
    folder_make(&folder);
    spool = spool_start(&folder, 4096);
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){spool, &outcome, i};
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, &writers[i]), 0);
    }
    while (order.count < (size_t)WRITERS * EACH && mu_monotonic_ms() < deadline) {
        struct mu_error err;
        bool damaged;

        if (spool_read_oldest(spool, check_order, &order, &damaged, &err) != MU_OK)
            continue;
        assert_false(damaged);
        spool_remove_oldest(spool);
    }
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(order.count, WRITERS * EACH);
    spool_wait(&outcome, (size_t)WRITERS * EACH);
    assert_int_equal(atomic_load(&outcome.failed), 0);
    assert_int_equal(spool_bytes(spool), 0);
    spool_close(spool);
    folder_remove(&folder);
}

static void closing_writes_what_waits(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf ids;
    struct spool_folder_fixture folder;
    struct spool_outcome outcome = {0};
    struct spool *spool;
    size_t count = 0;

    (void)state;
    folder_make(&folder);
    spool = spool_start(&folder, 0);
    for (int i = 0; i < 300; i++)
        spool_put(spool, "x", &outcome);
    spool_close(spool);
    assert_int_equal(atomic_load(&outcome.done), 300);
    assert_int_equal(atomic_load(&outcome.failed), 0);
    spool = spool_start(&folder, 0);
    mu_buf_init(&ids, 1024);
    assert_false(drain(spool, &ids));
    for (size_t i = 0; i < ids.len; i++)
        count += ids.data[i] == 'x';
    assert_int_equal(count, 300);
    spool_close(spool);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(messages_come_out_in_order_and_whole),
            cmocka_unit_test(every_part_of_a_message_is_kept),
            cmocka_unit_test(an_empty_spool_is_at_its_end),
            cmocka_unit_test(what_a_process_left_is_found_by_the_next),
            cmocka_unit_test(what_was_durable_survives_kill_9),
            cmocka_unit_test(a_torn_tail_is_dropped_at_every_length),
            cmocka_unit_test(a_flipped_bit_costs_one_record_and_is_told),
            cmocka_unit_test(a_damaged_segment_can_be_kept),
            cmocka_unit_test(a_file_that_is_no_segment_is_damage),
            cmocka_unit_test(a_reader_that_fails_leaves_the_segment),
            cmocka_unit_test(segments_begin_beyond_their_size_and_stay_in_order),
            cmocka_unit_test(a_full_spool_refuses_and_takes_again_when_drained),
            cmocka_unit_test(a_record_over_the_limit_is_refused),
            cmocka_unit_test(two_processes_cannot_share_a_folder),
            cmocka_unit_test(a_folder_that_cannot_be_is_named),
            cmocka_unit_test(a_disk_that_refuses_fails_the_message_only),
            cmocka_unit_test(writers_and_a_drainer_work_together),
            cmocka_unit_test(closing_writes_what_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
