/* What a transaction received, as one value. */
#include "apply/payload_block.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct mu_arena *arena;
static struct mu_buf plain, block;

static int open_all(void **state)
{
    (void)state;
    arena = mu_arena_new(1024 * 1024);
    mu_buf_init(&plain, PAYLOAD_BLOCK_MAX_BYTES);
    mu_buf_init(&block, PAYLOAD_BLOCK_MAX_BYTES);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    mu_arena_free(arena);
    mu_buf_done(&plain);
    mu_buf_done(&block);
    return 0;
}

static const struct mu_incoming whole = {.topic = MU_TOPIC_SCAN_RESULTS,
                                         .partition = 7,
                                         .offset = INT64_C(1) << 40,
                                         .value = "{\"a\":\0}",
                                         .value_len = 7,
                                         .envelope = {.type = MU_MSG_SCAN_RESULT,
                                                      .id = "e1",
                                                      .source = "/s",
                                                      .time_us = 1793491200000000,
                                                      .traceparent = "00-trace"},
                                         .ce_type = "muster.scan-result.v1"};
static const struct mu_incoming bare = {
        .partition = -1, .envelope = {.type = MU_MSG_TYPE_COUNT, .time_us = MU_TIME_NONE}};

static void pack(void)
{
    struct mu_error err;

    assert_int_equal(payload_block_pack(&plain, &block, &err), MU_OK);
}

static void fill_plain(void)
{
    payload_block_begin(&plain, 42, 2);
    payload_block_add(&plain, &whole, PAYLOAD_EVIDENCE_MISSING);
    payload_block_add(&plain, &bare, PAYLOAD_QUARANTINED);
}

static void fill(void)
{
    fill_plain();
    pack();
}

/* Blocks of old were not packed; inside every packed one is such a block. */
static void a_block_that_is_not_packed_is_read_too(void **state)
{
    struct payload_block read = {.count = 0};
    struct mu_error err;

    (void)state;
    fill_plain();
    assert_int_equal(payload_block_read(plain.data, plain.len, arena, &read, &err), MU_OK);
    assert_int_equal(read.count, 2);
    assert_string_equal(read.entries[0].incoming.envelope.id, "e1");
}

static void what_is_alike_costs_once(void **state)
{
    (void)state;
    payload_block_begin(&plain, 42, 1000);
    for (int i = 0; i < 1000; i++)
        payload_block_add(&plain, &whole, 0);
    pack();
    assert_true(block.len < plain.len / 50);
}

static void what_was_put_in_comes_out(void **state)
{
    struct payload_block read = {.count = 0};
    const struct mu_incoming *first;
    struct mu_error err;

    (void)state;
    fill();
    assert_int_equal(payload_block_read(block.data, block.len, arena, &read, &err), MU_OK);
    assert_int_equal(read.now_us, 42);
    assert_int_equal(read.count, 2);
    first = &read.entries[0].incoming;
    assert_int_equal(first->topic, whole.topic);
    assert_int_equal(first->partition, 7);
    assert_int_equal(first->offset, whole.offset);
    assert_int_equal(first->envelope.type, MU_MSG_SCAN_RESULT);
    assert_int_equal(first->envelope.time_us, whole.envelope.time_us);
    assert_string_equal(first->envelope.id, "e1");
    assert_string_equal(first->envelope.source, "/s");
    assert_string_equal(first->envelope.traceparent, "00-trace");
    assert_int_equal(first->value_len, 7);
    assert_memory_equal(first->value, whole.value, 7);
    assert_int_equal(read.entries[0].flags, PAYLOAD_EVIDENCE_MISSING);
}

static void what_is_absent_stays_absent(void **state)
{
    struct payload_block read = {.count = 0};
    const struct mu_incoming *second;
    struct mu_error err;

    (void)state;
    fill();
    assert_int_equal(payload_block_read(block.data, block.len, arena, &read, &err), MU_OK);
    second = &read.entries[1].incoming;
    assert_null(second->envelope.id);
    assert_null(second->ce_type);
    assert_null(second->value);
    assert_int_equal(second->partition, -1);
    assert_true(second->envelope.time_us == MU_TIME_NONE);
    assert_int_equal(second->envelope.type, MU_MSG_TYPE_COUNT);
}

static void a_value_longer_than_any_message_is_left_out_and_says_so(void **state)
{
    static char large[MU_MSG_MAX_BYTES + 1];
    struct mu_incoming incoming = whole;
    struct payload_block read = {.count = 0};
    struct mu_error err;

    (void)state;
    incoming.value = large;
    incoming.value_len = sizeof(large);
    payload_block_begin(&plain, 0, 1);
    payload_block_add(&plain, &incoming, 0);
    pack();
    assert_int_equal(payload_block_read(block.data, block.len, arena, &read, &err), MU_OK);
    assert_null(read.entries[0].incoming.value);
    assert_int_equal(read.entries[0].flags, PAYLOAD_CUT);
}

/* Cut anywhere, lengthened, or with any byte of the frame changed: never read past its end. */
static void a_damaged_block_is_refused(void **state)
{
    struct payload_block read = {.count = 77};
    struct mu_error err;

    (void)state;
    fill();
    for (int packed = 0; packed < 2; packed++) {
        struct mu_buf *bytes = packed ? &block : &plain;

        for (size_t len = 0; len < bytes->len; len++)
            assert_int_not_equal(payload_block_read(bytes->data, len, arena, &read, &err), MU_OK);
        mu_buf_append(bytes, "x", 1);
        assert_int_equal(payload_block_read(bytes->data, bytes->len, arena, &read, &err),
                         MU_E_INVALID);
        bytes->data[0] = 'X';
        assert_int_equal(payload_block_read(bytes->data, bytes->len, arena, &read, &err),
                         MU_E_INVALID);
    }
    assert_int_equal(read.count, 77);
}

/* The length that a packed block says of itself is not believed. */
static void a_wrong_length_is_refused_before_room_is_made(void **state)
{
    struct payload_block read = {.count = 77};
    struct mu_error err;

    (void)state;
    fill();
    block.data[4]++;
    assert_int_equal(payload_block_read(block.data, block.len, arena, &read, &err), MU_E_INVALID);
    block.data[4] = (char)(block.data[4] - 2);
    assert_int_equal(payload_block_read(block.data, block.len, arena, &read, &err), MU_E_INVALID);
    block.data[7] = 0x7f; /* 2 GB */
    assert_int_equal(payload_block_read(block.data, block.len, arena, &read, &err), MU_E_LIMIT);
    assert_int_equal(read.count, 77);
}

static void a_count_beyond_the_limit_is_refused_before_room_is_made(void **state)
{
    struct payload_block read = {.count = 0};
    struct mu_error err;

    (void)state;
    payload_block_begin(&plain, 0, UINT32_MAX);
    pack();
    assert_int_equal(payload_block_read(block.data, block.len, arena, &read, &err), MU_E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(what_was_put_in_comes_out, open_all, close_all),
            cmocka_unit_test_setup_teardown(what_is_absent_stays_absent, open_all, close_all),
            cmocka_unit_test_setup_teardown(a_value_longer_than_any_message_is_left_out_and_says_so,
                                            open_all, close_all),
            cmocka_unit_test_setup_teardown(a_block_that_is_not_packed_is_read_too, open_all,
                                            close_all),
            cmocka_unit_test_setup_teardown(what_is_alike_costs_once, open_all, close_all),
            cmocka_unit_test_setup_teardown(a_wrong_length_is_refused_before_room_is_made, open_all,
                                            close_all),
            cmocka_unit_test_setup_teardown(a_damaged_block_is_refused, open_all, close_all),
            cmocka_unit_test_setup_teardown(a_count_beyond_the_limit_is_refused_before_room_is_made,
                                            open_all, close_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
