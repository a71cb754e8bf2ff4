/* scratch: large blocks keep their bytes while their pages are given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/scratch.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MIB = 1024 * 1024,
    WORDS = 16 * MIB, /* of eight bytes: 128 MiB */
    BLOCKS = 12
};

/* ThreadSanitizer keeps its own four bytes and more for each, whatever is given back: no bound. */
#ifdef __SANITIZE_THREAD__
enum { RESIDENT_MIB = 4096 };
#else
enum { RESIDENT_MIB = 72 };
#endif

static int scratch_fd = -1; /* the file, seen through another descriptor */

static uint64_t word_at(size_t place)
{
    return (place + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

static off_t disk_bytes(void)
{
    struct stat info;

    assert_int_equal(fstat(scratch_fd, &info), 0);
    return (off_t)info.st_blocks * 512;
}

static size_t resident_bytes(void)
{
    char text[64] = "", *end;
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

    assert_true(read(fd, text, sizeof(text) - 1) > 0);
    (void)close(fd);
    (void)strtoul(text, &end, 10);
    return strtoul(end, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

static int start(void **state)
{
    struct mu_scratch_config config = {.blocks_max = BLOCKS, .resident_bytes = 24 * MIB};
    struct mu_error err;

    (void)state;
    if (mu_file_open_nameless("/var/tmp", &config.fd, &err) != MU_OK)
        return -1;
    scratch_fd = dup(config.fd);
    return mu_scratch_start(&config, &err) == MU_OK ? 0 : -1;
}

static void much_memory_is_not_resident_and_keeps_its_bytes(void **state)
{
    size_t capacity = 1024, before = resident_bytes(), most = 0;
    uint64_t *words = mu_scratch_realloc(NULL, 0, capacity * sizeof(*words));

    (void)state;
    for (size_t i = 0; i < WORDS; i++) {
        if (i == capacity) {
            capacity *= 2;
            words = mu_scratch_realloc(words, i * sizeof(*words), capacity * sizeof(*words));
            assert_non_null(words);
        }
        words[i] = word_at(i);
        if (i % 4096 == 0) {
            mu_scratch_look();
            most = resident_bytes() > most ? resident_bytes() : most;
        }
    }
    for (size_t i = 0; i < WORDS; i++) {
        if (words[i] != word_at(i))
            fail_msg("word %zu is lost", i);
        if (i % 4096 == 0)
            mu_scratch_look();
    }
    assert_true(most < before + (size_t)RESIDENT_MIB * MIB);
    mu_scratch_free(words);
}

static void what_is_freed_leaves_the_disk(void **state)
{
    void *block = mu_scratch_realloc(NULL, 0, (size_t)16 * MIB);

    (void)state;
    assert_non_null(block);
    assert_true(disk_bytes() >= 16 * MIB);
    block = mu_scratch_realloc(block, 0, (size_t)5 * MIB);
    assert_true(disk_bytes() < 6 * MIB);
    mu_scratch_free(block);
    assert_true(disk_bytes() < MIB);
}

static void small_blocks_and_the_largest_are_ordinary_memory(void **state)
{
    void *small = mu_scratch_realloc(NULL, 0, MU_SCRATCH_MIN_BYTES - 1);
    void *large = mu_scratch_zeroed((size_t)MU_SCRATCH_BLOCK_MAX + 1);

    (void)state;
    assert_non_null(small);
    assert_non_null(large);
    assert_true(disk_bytes() < MIB);
    mu_scratch_free(small);
    mu_scratch_free(large);
    mu_scratch_free(NULL);
}

static void more_blocks_than_places_are_ordinary_memory(void **state)
{
    void *blocks[BLOCKS + 3];

    (void)state;
    for (size_t i = 0; i < BLOCKS + 3; i++) {
        blocks[i] = mu_scratch_realloc(NULL, 0, MU_SCRATCH_MIN_BYTES);
        assert_non_null(blocks[i]);
        memset(blocks[i], (int)i, MU_SCRATCH_MIN_BYTES);
    }
    for (size_t i = 0; i < BLOCKS + 3; i++) {
        assert_int_equal(((unsigned char *)blocks[i])[MU_SCRATCH_MIN_BYTES - 1], i);
        mu_scratch_free(blocks[i]);
    }
}

static void zeroed_memory_is_zero_where_another_block_was(void **state)
{
    unsigned char *block = mu_scratch_realloc(NULL, 0, (size_t)8 * MIB);

    (void)state;
    memset(block, 0xab, (size_t)8 * MIB);
    mu_scratch_free(block);
    block = mu_scratch_zeroed((size_t)8 * MIB);
    for (size_t i = 0; i < (size_t)8 * MIB; i++) {
        if (block[i] != 0)
            fail_msg("byte %zu is not zero", i);
    }
    mu_scratch_free(block);
}

static void a_block_does_not_grow_beyond_its_place(void **state)
{
    unsigned char *block = mu_scratch_realloc(NULL, 0, MU_SCRATCH_MIN_BYTES);

    (void)state;
    block[MU_SCRATCH_MIN_BYTES - 1] = 7;
    assert_null(mu_scratch_realloc(block, MU_SCRATCH_MIN_BYTES, (size_t)MU_SCRATCH_BLOCK_MAX + 1));
    assert_int_equal(block[MU_SCRATCH_MIN_BYTES - 1], 7);
    mu_scratch_free(block);
}

static void a_watched_mapping_keeps_its_bytes(void **state)
{
    int fd;
    struct mu_error err;
    unsigned char *map;

    (void)state;
    assert_int_equal(mu_file_open_nameless("/var/tmp", &fd, &err), MU_OK);
    assert_int_equal(ftruncate(fd, (off_t)64 * MIB), 0);
    map = mmap(NULL, (size_t)64 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(map != MAP_FAILED);
    mu_scratch_watch(map, (size_t)64 * MIB);
    for (size_t i = 0; i < (size_t)64 * MIB; i += 4096) {
        map[i] = (unsigned char)(i >> 12);
        mu_scratch_look();
    }
    for (size_t i = 0; i < (size_t)64 * MIB; i += 4096)
        assert_int_equal(map[i], (unsigned char)(i >> 12));
    mu_scratch_unwatch(map);
    (void)munmap(map, (size_t)64 * MIB);
    (void)close(fd);
}

static void an_arena_and_a_buffer_may_lie_in_it(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new_scratch((size_t)64 * MIB);
    MU_AUTO_DONE(mu_buf_done) struct mu_buf buf;
    char *texts[64];

    (void)state;
    mu_buf_init_scratch(&buf, (size_t)32 * MIB);
    for (size_t i = 0; i < 40; i++) {
        texts[i] = mu_arena_alloc(arena, MIB);
        assert_non_null(texts[i]);
        memset(texts[i], (int)i, MIB);
    }
    assert_true(disk_bytes() >= 16 * MIB);
    for (size_t i = 0; i < 24; i++)
        mu_buf_append(&buf, texts[i], MIB);
    assert_false(buf.failed);
    for (size_t i = 0; i < 24; i++)
        assert_int_equal(buf.data[(i + 1) * MIB - 1], i);
    mu_arena_reset(arena);
    mu_buf_done(&buf);
    assert_true(disk_bytes() < MIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(much_memory_is_not_resident_and_keeps_its_bytes),
            cmocka_unit_test(what_is_freed_leaves_the_disk),
            cmocka_unit_test(small_blocks_and_the_largest_are_ordinary_memory),
            cmocka_unit_test(more_blocks_than_places_are_ordinary_memory),
            cmocka_unit_test(zeroed_memory_is_zero_where_another_block_was),
            cmocka_unit_test(a_block_does_not_grow_beyond_its_place),
            cmocka_unit_test(a_watched_mapping_keeps_its_bytes),
            cmocka_unit_test(an_arena_and_a_buffer_may_lie_in_it),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
