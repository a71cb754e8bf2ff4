#include "base/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
    BLOCKS_MAX = 256,
    LOOKS = 16,         /* calls of mu_scratch_look for one look */
    WATCHED_MAX = 1024, /* further ones stay resident */
    LOOK_US = 2000,
    STEP_BYTES = 8 * 1024 * 1024, /* what must have come in since the last time */
    STACK_BYTES = 256 * 1024
};

struct mapped {
    void *at; /* NULL: free */
    size_t bytes;
};

static struct {
    atomic_bool started;
    struct mu_scratch_config config; /* constant once started, as the next two */
    size_t page_bytes;
    int statm;
    pthread_mutex_t lock; /* over what follows */
    pthread_cond_t changed;
    struct mapped blocks[BLOCKS_MAX], watched[WATCHED_MAX];
    uint64_t most; /* what may be resident before the next giving back */
    atomic_uint_fast64_t resident_most, mapped_bytes;
    atomic_uint looks;
} scratch = {.statm = -1, .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* ---- giving back ---- */

static uint64_t resident_bytes(void)
{
    char text[128], *end;
    ssize_t len = pread(scratch.statm, text, sizeof(text) - 1, 0);

    if (len <= 0)
        return UINT64_MAX;
    text[len] = '\0';
    (void)strtoull(text, &end, 10);
    return strtoull(end, NULL, 10) * scratch.page_bytes;
}

static void all_give_back(void)
{
    for (size_t i = 0; i < BLOCKS_MAX; i++) {
        if (scratch.blocks[i].at)
            (void)madvise(scratch.blocks[i].at, scratch.blocks[i].bytes, MADV_DONTNEED);
    }
    for (size_t i = 0; i < WATCHED_MAX; i++) {
        if (scratch.watched[i].at)
            (void)madvise(scratch.watched[i].at, scratch.watched[i].bytes, MADV_DONTNEED);
    }
}

static void wait_us(long microseconds)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += microseconds * 1000;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    (void)pthread_cond_timedwait(&scratch.changed, &scratch.lock, &until);
}

/* Under the lock. What cannot be given back does not make it be done in vain: some bytes more must
 * have come in. */
static void look(void)
{
    uint64_t resident = resident_bytes(), most = scratch.resident_most;

    if (resident <= most || resident <= scratch.most)
        return;
    all_give_back();
    scratch.most = resident_bytes() + STEP_BYTES;
}

/* Only while much is mapped. */
static void *keep_small(void *opaque)
{
    (void)opaque;
    (void)pthread_mutex_lock(&scratch.lock);
    for (;;) {
        if (scratch.mapped_bytes < MU_SCRATCH_MIN_BYTES) {
            scratch.most = 0;
            (void)pthread_cond_wait(&scratch.changed, &scratch.lock);
            continue;
        }
        look();
        wait_us(LOOK_US);
    }
    return NULL;
}

void mu_scratch_look(void)
{
    if (scratch.mapped_bytes < MU_SCRATCH_MIN_BYTES || atomic_fetch_add(&scratch.looks, 1) % LOOKS)
        return;
    (void)pthread_mutex_lock(&scratch.lock);
    look();
    (void)pthread_mutex_unlock(&scratch.lock);
}

void mu_scratch_resident(uint64_t resident_bytes)
{
    scratch.resident_most = resident_bytes;
}

static enum mu_status thread_start(struct mu_error *err)
{
    pthread_attr_t attributes;
    pthread_t thread;
    int failed = pthread_attr_init(&attributes);

    if (failed == 0) {
        (void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
        (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        failed = pthread_create(&thread, &attributes, keep_small, NULL);
        (void)pthread_attr_destroy(&attributes);
    }
    if (failed != 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "no thread for scratch memory: %s", strerror(failed));
    return MU_OK;
}

enum mu_status mu_scratch_start(const struct mu_scratch_config *config, struct mu_error *err)
{
    enum mu_status st = MU_OK;

    (void)pthread_mutex_lock(&scratch.lock);
    if (scratch.started) {
        (void)close(config->fd);
    } else {
        scratch.config = *config;
        scratch.resident_most = config->resident_bytes;
        scratch.page_bytes = (size_t)sysconf(_SC_PAGESIZE);
        if (scratch.config.blocks_max > BLOCKS_MAX)
            scratch.config.blocks_max = BLOCKS_MAX;
        scratch.statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
        st = scratch.statm < 0
                     ? mu_fail(err, MU_E_UNAVAILABLE, "/proc/self/statm: %s", strerror(errno))
                     : thread_start(err);
        scratch.started = st == MU_OK;
    }
    (void)pthread_mutex_unlock(&scratch.lock);
    return st;
}

/* ---- blocks, under the lock ---- */

/* SIZE_MAX: it is none. */
static size_t block_of(const void *memory)
{
    for (size_t i = 0; memory && i < scratch.config.blocks_max; i++) {
        if (scratch.blocks[i].at == memory)
            return i;
    }
    return SIZE_MAX;
}

static off_t offset_of(size_t block)
{
    return (off_t)block * MU_SCRATCH_BLOCK_MAX;
}

static size_t whole_pages(size_t bytes)
{
    return (bytes + scratch.page_bytes - 1) / scratch.page_bytes * scratch.page_bytes;
}

static void room_give_up(size_t block, size_t from, size_t to)
{
    if (to > from)
        (void)fallocate(scratch.config.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                        offset_of(block) + (off_t)from, (off_t)(to - from));
}

static void *block_new(size_t bytes)
{
    size_t block = 0, len = whole_pages(bytes);
    void *map;

    while (block < scratch.config.blocks_max && scratch.blocks[block].at)
        block++;
    if (block == scratch.config.blocks_max ||
        posix_fallocate(scratch.config.fd, offset_of(block), (off_t)len) != 0)
        return NULL;
    map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, scratch.config.fd, offset_of(block));
    if (map == MAP_FAILED) {
        room_give_up(block, 0, len);
        return NULL;
    }
    scratch.blocks[block] = (struct mapped){.at = map, .bytes = len};
    scratch.mapped_bytes += len;
    (void)pthread_cond_signal(&scratch.changed);
    return map;
}

static void *block_resize(size_t block, size_t bytes)
{
    struct mapped *mapped = &scratch.blocks[block];
    size_t len = whole_pages(bytes ? bytes : 1);
    void *map;

    if (len > MU_SCRATCH_BLOCK_MAX ||
        (len > mapped->bytes && posix_fallocate(scratch.config.fd, offset_of(block), (off_t)len)))
        return NULL;
    map = mremap(mapped->at, mapped->bytes, len, MREMAP_MAYMOVE);
    if (map == MAP_FAILED)
        return NULL;
    room_give_up(block, len, mapped->bytes);
    scratch.mapped_bytes += len - mapped->bytes;
    *mapped = (struct mapped){.at = map, .bytes = len};
    return map;
}

static void block_free(size_t block)
{
    struct mapped *mapped = &scratch.blocks[block];

    (void)munmap(mapped->at, mapped->bytes);
    room_give_up(block, 0, mapped->bytes);
    scratch.mapped_bytes -= mapped->bytes;
    mapped->at = NULL;
}

/* ---- memory ---- */

static bool goes_to_file(size_t bytes)
{
    return scratch.started && bytes >= MU_SCRATCH_MIN_BYTES && bytes <= MU_SCRATCH_BLOCK_MAX;
}

void *mu_scratch_realloc(void *memory, size_t used_bytes, size_t bytes)
{
    size_t block = SIZE_MAX;
    void *grown = NULL;

    if (!scratch.started)
        return realloc(memory, bytes);
    (void)pthread_mutex_lock(&scratch.lock);
    block = block_of(memory);
    if (block != SIZE_MAX)
        grown = block_resize(block, bytes);
    else if (goes_to_file(bytes))
        grown = block_new(bytes);
    (void)pthread_mutex_unlock(&scratch.lock);
    if (block != SIZE_MAX)
        return grown;
    if (!grown)
        return realloc(memory, bytes);
    if (memory)
        memcpy(grown, memory, used_bytes);
    free(memory);
    return grown;
}

void *mu_scratch_zeroed(size_t bytes)
{
    void *memory = NULL;

    if (!goes_to_file(bytes))
        return calloc(1, bytes ? bytes : 1);
    (void)pthread_mutex_lock(&scratch.lock);
    memory = block_new(bytes);
    (void)pthread_mutex_unlock(&scratch.lock);
    return memory ? memset(memory, 0, bytes) : calloc(1, bytes);
}

void mu_scratch_free(void *memory)
{
    size_t block = SIZE_MAX;

    if (scratch.started && memory) {
        (void)pthread_mutex_lock(&scratch.lock);
        block = block_of(memory);
        if (block != SIZE_MAX)
            block_free(block);
        (void)pthread_mutex_unlock(&scratch.lock);
    }
    if (block == SIZE_MAX)
        free(memory);
}

/* ---- others' mappings ---- */

static void watch_set(const void *find, struct mapped with)
{
    if (!scratch.started)
        return;
    (void)pthread_mutex_lock(&scratch.lock);
    for (size_t i = 0; i < WATCHED_MAX; i++) {
        struct mapped *watched = &scratch.watched[i];

        if (watched->at != find)
            continue;
        scratch.mapped_bytes += with.bytes - watched->bytes;
        *watched = with;
        break;
    }
    (void)pthread_cond_signal(&scratch.changed);
    (void)pthread_mutex_unlock(&scratch.lock);
}

void mu_scratch_watch(void *map, size_t bytes)
{
    watch_set(NULL, (struct mapped){.at = map, .bytes = bytes});
}

void mu_scratch_unwatch(const void *map)
{
    if (map)
        watch_set(map, (struct mapped){.at = NULL});
}
