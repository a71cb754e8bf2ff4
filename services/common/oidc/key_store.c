#include "oidc/key_store.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/stop.h"
#include "base/text.h"
#include "http/http_client.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    DOCUMENT_MAX_BYTES = 256 * 1024,
    REFRESH_MS = 3600 * 1000,
    CERTIFICATE_REFRESH_MS = 24 * 3600 * 1000,
    ASK_AGAIN_MS = 60 * 1000,
    RETRY_MS = 5000, /* a set that was never there */
    FETCH_DEADLINE_MS = 10 * 1000,
    WAKE_MS = 1000,
    WANTED_MAX = 16
};

struct entry {
    char *name;
    struct mu_public_key *key; /* NULL: could not be had */
    uint64_t fetched_ms;
};

struct mu_key_store {
    struct mu_key_store_config config;
    pthread_t fetcher;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stopping;
    bool fetching; /* the set, just now */
    struct entry entries[MU_KEY_STORE_MAX_KEYS];
    size_t count;
    bool set_wanted, set_there;
    uint64_t set_asked_ms;     /* when the set was last fetched, or tried; 0: never */
    uint64_t unknown_asked_ms; /* when it was last fetched for a key that it had not */
    char *wanted[WANTED_MAX];  /* URLs of certificates, and those to visit, marked by a '!' before
                                  them */
    size_t wanted_count;
    const char *in_work; /* of those, the one being fetched; NULL: none */
};

static bool is_set(const struct mu_key_store *store)
{
    return store->config.jwks_url || store->config.jwks_file;
}

/* ---- entries; the lock is held ---- */

static struct entry *find(struct mu_key_store *store, const char *name)
{
    for (size_t i = 0; i < store->count; i++)
        if (mu_text_equal(store->entries[i].name, name))
            return &store->entries[i];
    return NULL;
}

static void entry_done(struct entry *entry)
{
    free(entry->name);
    mu_public_key_free(entry->key);
}

/* The oldest makes room, but those without a key first: who asks for many keys that do not exist
 * drives out none that does. */
static struct entry *make_room(struct mu_key_store *store)
{
    struct entry *oldest = &store->entries[0];

    for (size_t i = 1; i < store->count; i++) {
        struct entry *entry = &store->entries[i];

        if (!entry->key != !oldest->key ? !entry->key : entry->fetched_ms < oldest->fetched_ms)
            oldest = entry;
    }
    return oldest;
}

static void put(struct mu_key_store *store, const char *name, struct mu_public_key *key)
{
    struct entry *entry = find(store, name);

    if (!entry && store->count < MU_KEY_STORE_MAX_KEYS) {
        entry = &store->entries[store->count++];
        *entry = (struct entry){0};
    } else if (!entry) {
        entry = make_room(store);
    }
    entry_done(entry);
    *entry = (struct entry){mu_xstrdup(name), key, mu_monotonic_ms()};
}

static void want(struct mu_key_store *store, const char *url)
{
    if (mu_text_equal(store->in_work, url))
        return;
    for (size_t i = 0; i < store->wanted_count; i++)
        if (mu_text_equal(store->wanted[i], url))
            return;
    if (store->wanted_count < WANTED_MAX)
        store->wanted[store->wanted_count++] = mu_xstrdup(url);
    (void)pthread_cond_signal(&store->wake);
}

static bool due(uint64_t since_ms, uint64_t after_ms)
{
    return since_ms == 0 || mu_monotonic_ms() - since_ms >= after_ms;
}

/* ---- fetching; without the lock ---- */

static enum mu_status fetch(const struct mu_key_store *store, const char *url, struct mu_buf *out,
                            struct mu_error *err)
{
    const struct mu_http_client_config config = {.user_agent = store->config.user_agent,
                                                 .deadline_ms = FETCH_DEADLINE_MS,
                                                 .ca_file = store->config.ca_file,
                                                 .no_redirects = true,
                                                 .public_only = !is_set(store) &&
                                                                !store->config.private_network};
    struct mu_http_request request = {.method = "GET", .url = url};
    MU_AUTO(http_client) struct mu_http_client *client = NULL;
    struct mu_http_response response;
    enum mu_status st = mu_http_client_new(&config, &client, err);

    if (st == MU_OK)
        st = mu_http_fetch(client, &request, out, &response, err);
    if (st == MU_OK && response.status != 200)
        st = mu_http_status_error(&request, &response, err);
    return st;
}

struct new_set {
    struct entry entries[MU_KEY_STORE_MAX_KEYS];
    size_t count;
};

static enum mu_status take_key(void *opaque, const char *kid, struct mu_public_key *key,
                               struct mu_error *err)
{
    struct new_set *set = opaque;

    if (set->count == MU_KEY_STORE_MAX_KEYS)
        return mu_fail(err, MU_E_LIMIT, "more than %d keys", MU_KEY_STORE_MAX_KEYS);
    set->entries[set->count++] = (struct entry){mu_xstrdup(kid), key, mu_monotonic_ms()};
    return MU_OK;
}

static void replace_set(struct mu_key_store *store, struct new_set *set)
{
    (void)pthread_mutex_lock(&store->lock);
    for (size_t i = 0; i < store->count; i++)
        entry_done(&store->entries[i]);
    memcpy(store->entries, set->entries, set->count * sizeof(struct entry));
    store->count = set->count;
    store->set_there = true;
    (void)pthread_mutex_unlock(&store->lock);
    set->count = 0;
}

static enum mu_status load_set(struct mu_key_store *store, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf document;
    struct new_set set = {.count = 0};
    enum mu_status st;

    mu_buf_init(&document, DOCUMENT_MAX_BYTES);
    st = store->config.jwks_file ? mu_file_read(store->config.jwks_file, &document, err)
                                 : fetch(store, store->config.jwks_url, &document, err);
    if (st == MU_OK)
        st = mu_jwks_read(document.data, document.len, take_key, &set, err);
    if (st == MU_OK && set.count == 0)
        st = mu_fail(err, MU_E_INVALID, "the key set holds no key that could be used");
    if (st == MU_OK)
        replace_set(store, &set);
    for (size_t i = 0; i < set.count; i++)
        entry_done(&set.entries[i]);
    return st == MU_OK ? MU_OK : mu_wrap(err, "key set");
}

/* A key that is there stays when no other can be had. */
static void keep_certificate(struct mu_key_store *store, const char *url, struct mu_public_key *key)
{
    struct entry *entry;

    (void)pthread_mutex_lock(&store->lock);
    entry = find(store, url);
    if (!key && entry && entry->key)
        entry->fetched_ms = mu_monotonic_ms();
    else
        put(store, url, key);
    (void)pthread_mutex_unlock(&store->lock);
}

static void load_certificate(struct mu_key_store *store, const char *url)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf document;
    struct mu_public_key *key = NULL;
    struct mu_error err;
    enum mu_status st;

    mu_buf_init(&document, DOCUMENT_MAX_BYTES);
    st = fetch(store, url, &document, &err);
    if (st == MU_OK)
        st = mu_public_key_certificate(document.data, document.len, mu_now_us(), &key, &err);
    if (st != MU_OK)
        MU_LOG(MU_LOG_WARN, "no certificate, asked again when needed", MU_KV("error", err.message));
    keep_certificate(store, url, key);
}

/* The URL holds a token that confirms: it is not logged, and neither is an error that quotes it. */
static void visit(const struct mu_key_store *store, const char *url)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf document;
    struct mu_error err;
    enum mu_status st;

    mu_buf_init(&document, DOCUMENT_MAX_BYTES);
    st = fetch(store, url, &document, &err);
    if (st == MU_OK)
        MU_LOG(MU_LOG_INFO, "subscription confirmed");
    else
        MU_LOG(MU_LOG_WARN, "subscription not confirmed; the sender asks again",
               MU_KV("error", mu_status_name(st)));
}

static void fetch_wanted(struct mu_key_store *store, char *wanted)
{
    if (wanted[0] == '!')
        visit(store, wanted + 1);
    else
        load_certificate(store, wanted);
    (void)pthread_mutex_lock(&store->lock);
    store->in_work = NULL;
    (void)pthread_mutex_unlock(&store->lock);
    free(wanted);
}

/* ---- the thread ---- */

/* The first that was asked for. The lock is held. */
static char *take_wanted(struct mu_key_store *store)
{
    char *first = store->wanted_count > 0 ? store->wanted[0] : NULL;

    if (first)
        memmove(store->wanted, store->wanted + 1, --store->wanted_count * sizeof(char *));
    store->in_work = first;
    return first;
}

/* Waits for work; what is to be fetched in `ret_wanted`, or the whole set. False: stop. */
static bool next_work(struct mu_key_store *store, bool *ret_set, char **ret_wanted)
{
    bool going;

    (void)pthread_mutex_lock(&store->lock);
    while (!store->stopping && !mu_stop_requested() && store->wanted_count == 0 &&
           !store->set_wanted &&
           !(store->config.jwks_url && due(store->set_asked_ms, REFRESH_MS))) {
        struct timespec until;

        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += WAKE_MS / 1000;
        (void)pthread_cond_timedwait(&store->wake, &store->lock, &until);
    }
    going = !store->stopping && !mu_stop_requested();
    *ret_wanted = going ? take_wanted(store) : NULL;
    *ret_set = going && !*ret_wanted;
    if (*ret_set) {
        store->set_wanted = false;
        store->fetching = is_set(store);
        store->set_asked_ms = mu_monotonic_ms();
    }
    (void)pthread_mutex_unlock(&store->lock);
    return going;
}

static void refresh_set(struct mu_key_store *store)
{
    struct mu_error err;

    if (load_set(store, &err) != MU_OK)
        MU_LOG(MU_LOG_WARN, "keys not refreshed, the old ones stay", MU_KV("error", err.message));
    (void)pthread_mutex_lock(&store->lock);
    store->fetching = false;
    (void)pthread_mutex_unlock(&store->lock);
}

static void *fetch_loop(void *opaque)
{
    struct mu_key_store *store = opaque;
    char *wanted;
    bool set;

    while (next_work(store, &set, &wanted)) {
        if (wanted)
            fetch_wanted(store, wanted);
        else if (set && is_set(store))
            refresh_set(store);
    }
    return NULL;
}

enum mu_status mu_key_store_open(const struct mu_key_store_config *config,
                                 struct mu_key_store **ret_store, struct mu_error *err)
{
    struct mu_key_store *store = mu_xcalloc(1, sizeof(*store));
    enum mu_status st = MU_OK;

    store->config = *config;
    (void)pthread_mutex_init(&store->lock, NULL);
    (void)pthread_cond_init(&store->wake, NULL);
    if (config->jwks_file) {
        st = load_set(store, err);
        store->set_asked_ms = mu_monotonic_ms();
    }
    if (st == MU_OK && pthread_create(&store->fetcher, NULL, fetch_loop, store) != 0)
        st = mu_fail(err, MU_E_UNAVAILABLE, "no thread to fetch keys");
    if (st != MU_OK) {
        for (size_t i = 0; i < store->count; i++)
            entry_done(&store->entries[i]);
        free(store);
        return st;
    }
    *ret_store = store;
    return MU_OK;
}

void mu_key_store_close(struct mu_key_store *store)
{
    if (!store)
        return;
    (void)pthread_mutex_lock(&store->lock);
    store->stopping = true;
    (void)pthread_cond_signal(&store->wake);
    (void)pthread_mutex_unlock(&store->lock);
    (void)pthread_join(store->fetcher, NULL);
    for (size_t i = 0; i < store->count; i++)
        entry_done(&store->entries[i]);
    for (size_t i = 0; i < store->wanted_count; i++)
        free(store->wanted[i]);
    (void)pthread_cond_destroy(&store->wake);
    (void)pthread_mutex_destroy(&store->lock);
    free(store);
}

/* ---- asking ---- */

/* Nothing of that name is there: whether it is worth waiting for. A stranger may name any key, so
 * asking for one that is not in the set has its measure. */
static enum mu_key_answer ask_for(struct mu_key_store *store, const char *name)
{
    uint64_t *asked_ms = store->set_there ? &store->unknown_asked_ms : &store->set_asked_ms;

    if (!is_set(store)) {
        want(store, name);
        return MU_KEY_LATER;
    }
    if (store->fetching || store->set_wanted)
        return MU_KEY_LATER;
    if (!due(*asked_ms, store->set_there ? ASK_AGAIN_MS : RETRY_MS))
        return store->set_there ? MU_KEY_UNKNOWN : MU_KEY_LATER;
    *asked_ms = mu_monotonic_ms();
    store->set_wanted = true;
    (void)pthread_cond_signal(&store->wake);
    return MU_KEY_LATER;
}

enum mu_key_answer mu_key_store_verify(struct mu_key_store *store, const char *name,
                                       enum mu_hash hash, const void *bytes, size_t len,
                                       const void *signature, size_t signature_len)
{
    enum mu_key_answer answer;
    struct entry *entry;

    (void)pthread_mutex_lock(&store->lock);
    entry = find(store, name);
    if (entry && entry->key && !is_set(store) && due(entry->fetched_ms, CERTIFICATE_REFRESH_MS))
        want(store, name);
    if (!entry || (!entry->key && due(entry->fetched_ms, ASK_AGAIN_MS)))
        answer = ask_for(store, name);
    else if (!entry->key)
        answer = MU_KEY_UNKNOWN;
    else
        answer = mu_public_key_verifies(entry->key, hash, bytes, len, signature, signature_len)
                         ? MU_KEY_RIGHT
                         : MU_KEY_WRONG;
    (void)pthread_mutex_unlock(&store->lock);
    return answer;
}

void mu_key_store_visit(struct mu_key_store *store, const char *url)
{
    char *marked = mu_xcalloc(1, strlen(url) + 2);

    marked[0] = '!';
    memcpy(marked + 1, url, strlen(url));
    (void)pthread_mutex_lock(&store->lock);
    want(store, marked);
    (void)pthread_mutex_unlock(&store->lock);
    free(marked);
}
