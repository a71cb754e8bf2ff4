#include "layer/layer_split.h"

#include "base/memory.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    SLOT_COUNT = 8,
    SLOT_BYTES = 128 * 1024,      /* together they stay in the second-level cache */
    STACK_BYTES = 2 * 1024 * 1024 /* finders run on it */
};

struct slot {
    size_t len;
    uint8_t *bytes;
};

struct layer_split {
    layer_bytes_fn *on_bytes;
    void *opaque;
    struct slot slots[SLOT_COUNT];
    size_t filling; /* the writer's, by its number since the beginning */
    pthread_t thread;
    bool joined;
    pthread_mutex_t lock; /* over what follows */
    pthread_cond_t changed;
    size_t filled, consumed; /* slots since the beginning */
    bool ended, failed;
    struct mu_error err;
    uint8_t *memory;
};

static void lock(struct layer_split *split)
{
    (void)pthread_mutex_lock(&split->lock);
}

static void unlock(struct layer_split *split)
{
    (void)pthread_mutex_unlock(&split->lock);
}

static void changed(struct layer_split *split)
{
    (void)pthread_cond_signal(&split->changed);
}

/* The next full slot; NULL: no more will come. */
static struct slot *slot_await(struct layer_split *split)
{
    struct slot *slot = NULL;

    lock(split);
    while (split->consumed == split->filled && !split->ended)
        (void)pthread_cond_wait(&split->changed, &split->lock);
    if (split->consumed < split->filled)
        slot = &split->slots[split->consumed % SLOT_COUNT];
    unlock(split);
    return slot;
}

static void slot_done(struct layer_split *split, enum mu_status st, const struct mu_error *err)
{
    lock(split);
    split->consumed++;
    if (st != MU_OK) {
        split->failed = true;
        split->err = *err;
    }
    changed(split);
    unlock(split);
}

static void *consume(void *opaque)
{
    struct layer_split *split = opaque;
    struct slot *slot;
    bool failed = false;

    while ((slot = slot_await(split)) != NULL) {
        struct mu_error err;
        enum mu_status st =
                failed ? MU_OK : split->on_bytes(split->opaque, slot->bytes, slot->len, &err);

        failed |= st != MU_OK;
        slot_done(split, st, &err);
    }
    return NULL;
}

static enum mu_status thread_start(struct layer_split *split, struct mu_error *err)
{
    pthread_attr_t attributes;
    int failed = pthread_attr_init(&attributes);

    if (failed == 0) {
        (void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
        failed = pthread_create(&split->thread, &attributes, consume, split);
        (void)pthread_attr_destroy(&attributes);
    }
    if (failed != 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "no thread for a layer: %s", strerror(failed));
    split->joined = false;
    return MU_OK;
}

enum mu_status layer_split_new(layer_bytes_fn *on_bytes, void *opaque,
                               struct layer_split **ret_split, struct mu_error *err)
{
    MU_AUTO(layer_split) struct layer_split *split = mu_xcalloc(1, sizeof(*split));

    split->on_bytes = on_bytes;
    split->opaque = opaque;
    split->joined = true;
    (void)pthread_mutex_init(&split->lock, NULL);
    (void)pthread_cond_init(&split->changed, NULL);
    split->memory = malloc((size_t)SLOT_COUNT * SLOT_BYTES);
    if (!split->memory)
        return mu_fail(err, MU_E_NOMEM, "no memory for a layer's buffers");
    for (size_t i = 0; i < SLOT_COUNT; i++)
        split->slots[i].bytes = split->memory + i * SLOT_BYTES;
    if (thread_start(split, err) != MU_OK)
        return err->status;
    *ret_split = split;
    split = NULL;
    return MU_OK;
}

static void thread_end(struct layer_split *split)
{
    if (split->joined)
        return;
    lock(split);
    split->ended = true;
    changed(split);
    unlock(split);
    (void)pthread_join(split->thread, NULL);
    split->joined = true;
}

void layer_split_free(struct layer_split *split)
{
    if (!split)
        return;
    thread_end(split);
    (void)pthread_cond_destroy(&split->changed);
    (void)pthread_mutex_destroy(&split->lock);
    free(split->memory);
    free(split);
}

/* Hands the slot that is being filled over, and waits until the next one is free. */
static enum mu_status slot_hand_over(struct layer_split *split, struct mu_error *err)
{
    enum mu_status st = MU_OK;

    lock(split);
    split->filled = ++split->filling;
    changed(split);
    while (split->filled - split->consumed == SLOT_COUNT)
        (void)pthread_cond_wait(&split->changed, &split->lock);
    if (split->failed) {
        *err = split->err;
        st = err->status;
    }
    unlock(split);
    split->slots[split->filling % SLOT_COUNT].len = 0;
    return st;
}

enum mu_status layer_split_write(struct layer_split *split, const void *bytes, size_t len,
                                 struct mu_error *err)
{
    const uint8_t *at = bytes;

    while (len > 0) {
        struct slot *slot = &split->slots[split->filling % SLOT_COUNT];
        size_t room = SLOT_BYTES - slot->len, take = len < room ? len : room;

        memcpy(slot->bytes + slot->len, at, take);
        slot->len += take;
        at += take;
        len -= take;
        if (slot->len == SLOT_BYTES && slot_hand_over(split, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

enum mu_status layer_split_finish(struct layer_split *split, struct mu_error *err)
{
    struct mu_error ignored;

    if (!split->joined && split->slots[split->filling % SLOT_COUNT].len > 0)
        (void)slot_hand_over(split, &ignored); /* told below */
    thread_end(split);
    if (!split->failed)
        return MU_OK;
    *err = split->err;
    return err->status;
}
