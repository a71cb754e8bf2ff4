#include "database/database_slot.h"

#include "base/memory.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* What tells one file of that name from another. */
struct identity {
    dev_t device;
    ino_t inode;
    struct timespec changed;
};

/* One database that was in use; stays in the list for its version's text. */
struct held {
    struct database_holder holder; /* first: what is handed out */
    struct database *database;     /* NULL: closed */
    char version[MU_DIGEST_TEXT_SIZE];
    unsigned users;
    struct held *older;
};

struct database_slot {
    pthread_mutex_t lock;
    char *path;
    struct held *current;
    struct identity seen; /* of the file opened last, or refused */
};

static bool identify(const char *path, struct identity *ret_identity)
{
    struct stat status;

    if (stat(path, &status) != 0)
        return false;
    *ret_identity = (struct identity){status.st_dev, status.st_ino, status.st_ctim};
    return true;
}

static bool same(const struct identity *a, const struct identity *b)
{
    return a->device == b->device && a->inode == b->inode &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static enum mu_status open_current(struct database_slot *slot, struct mu_error *err)
{
    struct database *database = NULL;
    struct database_facts facts;
    struct held *held;
    enum mu_status st = database_open(slot->path, &database, err);

    if (st != MU_OK)
        return st;
    held = mu_xcalloc(1, sizeof(*held));
    database_facts(database, &facts);
    memcpy(held->version, facts.version, strlen(facts.version) + 1);
    held->database = database;
    held->holder = (struct database_holder){database, held->version};
    held->older = slot->current;
    slot->current = held;
    return MU_OK;
}

static void close_unused(struct held *held)
{
    if (held->users > 0 || !held->database)
        return;
    database_close(held->database);
    held->database = NULL;
    held->holder.database = NULL;
}

enum mu_status database_slot_open(const char *path, struct database_slot **ret_slot,
                                  struct mu_error *err)
{
    struct database_slot *slot = mu_xcalloc(1, sizeof(*slot));
    enum mu_status st;

    (void)pthread_mutex_init(&slot->lock, NULL);
    slot->path = mu_xstrdup(path);
    (void)identify(path, &slot->seen); /* before it is opened: a change meanwhile is seen later */
    st = open_current(slot, err);
    if (st != MU_OK) {
        database_slot_close(slot);
        return st;
    }
    *ret_slot = slot;
    return MU_OK;
}

void database_slot_close(struct database_slot *slot)
{
    if (!slot)
        return;
    while (slot->current) {
        struct held *held = slot->current;

        slot->current = held->older;
        database_close(held->database);
        free(held);
    }
    (void)pthread_mutex_destroy(&slot->lock);
    free(slot->path);
    free(slot);
}

/* Opens the file anew when it is another; with the lock held. */
static int refresh(struct database_slot *slot, struct mu_error *err)
{
    struct identity now;

    if (!identify(slot->path, &now) || same(&now, &slot->seen))
        return 0;
    slot->seen = now;
    if (open_current(slot, err) != MU_OK)
        return -1;
    close_unused(slot->current->older);
    return 1;
}

const struct database_holder *database_slot_take(struct database_slot *slot, int *ret_swapped,
                                                 struct mu_error *err)
{
    struct held *held;

    (void)pthread_mutex_lock(&slot->lock);
    *ret_swapped = refresh(slot, err);
    held = slot->current;
    held->users++;
    (void)pthread_mutex_unlock(&slot->lock);
    return &held->holder;
}

void database_slot_give(struct database_slot *slot, const struct database_holder *holder)
{
    (void)pthread_mutex_lock(&slot->lock);
    for (struct held *held = slot->current; held; held = held->older) {
        if (&held->holder != holder)
            continue;
        held->users--;
        if (held != slot->current)
            close_unused(held);
    }
    (void)pthread_mutex_unlock(&slot->lock);
}
