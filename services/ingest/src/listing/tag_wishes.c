#include "listing/tag_wishes.h"

#include "base/memory.h"
#include "base/text.h"

#include <pthread.h>
#include <stdlib.h>

struct tag_wishes {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool closed;
    size_t first, count;
    struct tag_wish waiting[TAG_WISHES_MAX];
};

struct tag_wishes *tag_wishes_new(void)
{
    struct tag_wishes *wishes = mu_xcalloc(1, sizeof(*wishes));

    (void)pthread_mutex_init(&wishes->lock, NULL);
    (void)pthread_cond_init(&wishes->changed, NULL);
    return wishes;
}

void tag_wishes_free(struct tag_wishes *wishes)
{
    if (!wishes)
        return;
    (void)pthread_cond_destroy(&wishes->changed);
    (void)pthread_mutex_destroy(&wishes->lock);
    free(wishes);
}

static struct tag_wish *at(struct tag_wishes *wishes, size_t index)
{
    return &wishes->waiting[(wishes->first + index) % TAG_WISHES_MAX];
}

static bool is_waiting(struct tag_wishes *wishes, const struct tag_wish *wish)
{
    for (size_t i = 0; i < wishes->count; i++)
        if (mu_text_equal(at(wishes, i)->tag, wish->tag) &&
            mu_text_equal(at(wishes, i)->repository, wish->repository))
            return true;
    return false;
}

bool tag_wishes_add(struct tag_wishes *wishes, const struct tag_wish *wish)
{
    bool taken = true;

    (void)pthread_mutex_lock(&wishes->lock);
    if (!is_waiting(wishes, wish)) {
        taken = wishes->count < TAG_WISHES_MAX;
        if (taken)
            *at(wishes, wishes->count++) = *wish;
    }
    (void)pthread_cond_signal(&wishes->changed);
    (void)pthread_mutex_unlock(&wishes->lock);
    return taken;
}

bool tag_wishes_take(struct tag_wishes *wishes, struct tag_wish *ret_wish)
{
    bool taken;

    (void)pthread_mutex_lock(&wishes->lock);
    while (wishes->count == 0 && !wishes->closed)
        (void)pthread_cond_wait(&wishes->changed, &wishes->lock);
    taken = !wishes->closed;
    if (taken) {
        *ret_wish = *at(wishes, 0);
        wishes->first = (wishes->first + 1) % TAG_WISHES_MAX;
        wishes->count--;
    }
    (void)pthread_mutex_unlock(&wishes->lock);
    return taken;
}

void tag_wishes_close(struct tag_wishes *wishes)
{
    (void)pthread_mutex_lock(&wishes->lock);
    wishes->closed = true;
    (void)pthread_cond_broadcast(&wishes->changed);
    (void)pthread_mutex_unlock(&wishes->lock);
}
