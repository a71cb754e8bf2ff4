#include "image/image_run.h"

#include "check/check_finders.h"
#include "check/config_check.h"
#include "check/support_check.h"

#include "base/clock.h"
#include "base/scratch.h"
#include "base/text.h"
#include "image/image_owners.h"
#include "package/os/os_finders.h"
#include "package/unread_database.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ISSUES_MAX = 20000,
    NOTES_MAX = 1000,
    KNOWN_TEXTS = 4096,  /* a power of two */
    ITEMS_MAX = 50000000 /* things told, links to the same file counted each time */
};

static const char no_memory_text[] = "an image's evidence needs more memory than it may have";

/* Arrays that grow outside of the arena until all is known: scratch memory. */
struct rows {
    void *items;
    size_t count, capacity, size, most;
    const char *what;
};

struct os_found {
    struct image_os os;
    size_t rank;
};

struct collection {
    struct image_run *run;
    const struct merge *merge;
    struct rows packages, issues, notes;
    struct os_found os, os_now; /* the best so far; of the file being read */
    const char *unread;         /* a database that nobody reads */
    const char *users;          /* the accounts; NULL: not told */
    const char **known;         /* texts by their hash, each the last that was kept */
    size_t items;
    size_t counts[2]; /* packages: of a language; of the distribution */
    /* of the file being read; NULL: of none */
    const struct merge_node *node;
    const char *path;
};

static enum mu_status no_memory(struct mu_error *err)
{
    return mu_fail(err, MU_E_NOMEM, "%s", no_memory_text);
}

static enum mu_status row_add(struct rows *rows, const void *row, struct mu_error *err)
{
    if (rows->count == rows->most)
        return mu_fail(err, MU_E_LIMIT, "more than %zu %s", rows->most, rows->what);
    if (rows->count == rows->capacity) {
        size_t capacity = rows->capacity ? 2 * rows->capacity : 64;
        void *grown = mu_scratch_realloc(rows->items, rows->count * rows->size,
                                         capacity * rows->size); /* bounded by `most` */

        if (!grown)
            return no_memory(err);
        rows->items = grown;
        rows->capacity = capacity;
    }
    memcpy((char *)rows->items + rows->count * rows->size, row, rows->size);
    rows->count++;
    return MU_OK;
}

/* NULL stays NULL. Most texts come again and again: types, vendors, versions. */
static const char *keep(struct collection *all, const char *text, bool *lost)
{
    const struct path_key *key = &layer_engine_make(all->run->engine)->key;
    const char **known;

    if (!text)
        return NULL;
    known = &all->known[path_hash(key, text, strlen(text)) >> 32 & (KNOWN_TEXTS - 1)];
    if (!*known || strcmp(*known, text) != 0)
        *known = mu_arena_strdup(all->run->arena, text);
    *lost |= !*known;
    return *known;
}

/* ---- what was told ---- */

static bool is_os_package(const struct image_package *package)
{
    return mu_text_equal(package->type, "deb") || mu_text_equal(package->type, "apk") ||
           mu_text_equal(package->type, "rpm");
}

/* The distribution's packages and all others are counted apart: many of the ones do not hide the
 * others. */
static enum mu_status package_count(struct collection *all, const struct image_package *package,
                                    struct mu_error *err)
{
    size_t *count = &all->counts[is_os_package(package)];

    if (*count == all->run->limits->max_packages)
        return mu_fail(err, MU_E_LIMIT, "more than %u packages", all->run->limits->max_packages);
    ++*count;
    return MU_OK;
}

static enum mu_status package_take(struct collection *all, const struct found_package *found,
                                   struct mu_error *err)
{
    bool lost = false;
    struct image_package package = {.type = keep(all, found->type, &lost),
                                    .name = keep(all, found->name, &lost),
                                    .version = keep(all, found->version, &lost),
                                    .source_name = keep(all, found->source_name, &lost),
                                    .source_version = keep(all, found->source_version, &lost),
                                    .architecture = keep(all, found->architecture, &lost),
                                    .vendor = keep(all, found->vendor, &lost),
                                    .module = keep(all, found->module, &lost),
                                    .license = keep(all, found->license, &lost),
                                    .inner_path = keep(all, found->inner_path, &lost),
                                    .layer_index = all->node->layer,
                                    .path = all->path};

    if (lost)
        return no_memory(err);
    if (package_count(all, &package, err) != MU_OK)
        return err->status;
    if (!package.source_name)
        package.source_name = package.name;
    if (!package.source_version)
        package.source_version = package.version;
    return row_add(&all->packages, &package, err);
}

static enum mu_status issue_take(struct collection *all, const struct found_issue *found,
                                 struct mu_error *err)
{
    bool lost = false;
    struct image_issue issue = {.check = keep(all, found->check, &lost),
                                .evidence = keep(all, found->evidence, &lost),
                                .path = all->path,
                                .layer_index = all->node ? all->node->layer : 0,
                                .line = found->line};

    return lost ? no_memory(err) : row_add(&all->issues, &issue, err);
}

static enum mu_status fact_take(struct collection *all, const char *name, const char *value,
                                struct mu_error *err)
{
    struct image_os *os = &all->os_now.os;
    const struct {
        const char *name, **member;
    } members[] = {{"ID", &os->id},
                   {"VERSION_ID", &os->version_id},
                   {"VERSION_CODENAME", &os->version_codename},
                   {"PRETTY_NAME", &os->pretty_name},
                   {"ID_LIKE", &os->id_like},
                   {"CPE_NAME", &os->cpe_name}};
    bool lost = false;

    if (strcmp(name, CHECK_USERS_FACT) == 0)
        all->users = keep(all, value, &lost);
    if (strcmp(name, UNREAD_DATABASE_FACT) == 0)
        all->unread = all->path;
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (strcmp(name, members[i].name) == 0 && all->os_now.rank != SIZE_MAX) {
            *members[i].member = keep(all, value, &lost);
            os->found = true;
        }
    }
    return lost ? no_memory(err) : MU_OK;
}

/* Of several files the best that tells an ID holds, and nothing of the others. */
static void os_consider(struct collection *all)
{
    const struct os_found *now = &all->os_now, *best = &all->os;

    if (now->os.found && (!best->os.found || (!best->os.id && now->os.id) ||
                          (!best->os.id == !now->os.id && now->rank < best->rank)))
        all->os = *now;
}

static enum mu_status evidence_failed(struct image_run *run, const char *path, struct mu_error *err)
{
    char component[256];

    (void)snprintf(component, sizeof(component), "evidence %.200s", path);
    mu_utf8_clean(component); /* may be cut inside a character */
    return image_run_fail(run, IMAGE_PART_BLOB, component, err);
}

/* A file that could not be read: a failure when it would have to be, else a note. */
static enum mu_status reading_ended(struct collection *all, const struct evidence_item *item,
                                    struct mu_error *err)
{
    const struct finder *finder = layer_engine_make(all->run->engine)->finders[item->finder];
    struct image_note note = {.path = all->path};

    if (item->status == MU_OK)
        return MU_OK;
    if (finder->required) {
        (void)mu_fail(err, item->status, "%s", item->message);
        return evidence_failed(all->run, all->path, err);
    }
    if (all->notes.count == NOTES_MAX)
        return MU_OK; /* as many as anybody reads */
    note.message = mu_arena_printf(all->run->arena, "%s: %s", finder->name, item->message);
    return note.message ? row_add(&all->notes, &note, err) : no_memory(err);
}

/* ---- finders that others' files overrule ---- */

static bool ends(const struct merge_node *node, const char *ending)
{
    size_t len = strlen(ending);

    return node->name_len >= len && memcmp(node->name + node->name_len - len, ending, len) == 0;
}

/* Folders with a file that some finder is overruled by. */
static void overruled_mark(const struct collection *all)
{
    const struct summary_make *make = layer_engine_make(all->run->engine);
    struct merge_node *root = merge_tree_root(all->merge->tree);

    for (struct merge_node *node = root; node; node = merge_next(root, node)) {
        for (size_t i = 0; node->kind == MERGE_FILE && i < make->finder_count; i++) {
            if (make->finders[i]->unless && ends(node, make->finders[i]->unless))
                node->parent->marked = true;
        }
    }
}

static bool is_overruled(const struct collection *all, const struct finder *finder)
{
    const struct merge_node *at = finder->unless && all->node ? all->node->parent : NULL;

    while (at && !at->marked)
        at = at->parent;
    return at != NULL;
}

/* ---- files that take another's place ---- */

static bool says_in_place(const struct collection *all, const struct merge_node *node)
{
    struct merge_evidence evidence = merge_node_evidence(node);
    struct evidence_cursor cursor;
    struct evidence_item item;

    if (node->kind != MERGE_FILE || evidence.place == SUMMARY_NO_EVIDENCE)
        return false;
    summary_evidence_begin(&all->merge->layers[evidence.layer], evidence.place, &cursor);
    while (summary_evidence_next(&cursor, &item)) {
        if (item.kind == EVIDENCE_FACT && strcmp(item.name, FINDER_IN_PLACE_FACT) == 0)
            return true;
    }
    return false;
}

/* The file whose name has the ending more, or less; NULL: there is none. */
static const struct merge_node *beside(const struct collection *all, const struct merge_node *node,
                                       const char *ending, bool longer)
{
    char name[TAR_PATH_MAX_BYTES + 32];
    size_t len = node->name_len, ending_len = strlen(ending);

    if (!node->parent || len + ending_len >= sizeof(name) || (!longer && !ends(node, ending)))
        return NULL;
    memcpy(name, node->name, len);
    memcpy(name + len, ending, ending_len);
    return merge_child(all->merge->tree, node->parent, name,
                       longer ? len + ending_len : len - ending_len);
}

/* What is told of the node does not count: another file of its layer tells it better, or it is the
 * other file and of an older layer than what it adds to. */
static bool is_replaced(const struct collection *all, const struct merge_node *node)
{
    const struct summary_make *make = layer_engine_make(all->run->engine);

    for (size_t i = 0; i < make->finder_count; i++) {
        const char *ending = make->finders[i]->beside;
        const struct merge_node *other = ending ? beside(all, node, ending, true) : NULL;

        if (other && other->layer == node->layer && says_in_place(all, other))
            return true;
        other = ending ? beside(all, node, ending, false) : NULL;
        if (other && other->kind == MERGE_FILE && other->layer > node->layer)
            return true;
    }
    return false;
}

static enum mu_status item_take(struct collection *all, const struct evidence_item *item,
                                struct mu_error *err)
{
    if (++all->items > ITEMS_MAX)
        return mu_fail(err, MU_E_LIMIT, "more than %d things told of files", ITEMS_MAX);
    switch (item->kind) {
    case EVIDENCE_PACKAGE:
        if (is_overruled(all, layer_engine_make(all->run->engine)->finders[item->finder]))
            return MU_OK;
        return package_take(all, &item->package, err);
    case EVIDENCE_ISSUE:
        return issue_take(all, &item->issue, err);
    case EVIDENCE_FACT:
        return fact_take(all, item->name, item->value, err);
    case EVIDENCE_END:
        os_consider(all);
        all->os_now.os = (struct image_os){.found = false};
        return reading_ended(all, item, err);
    case EVIDENCE_OWNER:
    case EVIDENCE_OWNED:
    case EVIDENCE_KINDS:
        break; /* image_owners */
    }
    return MU_OK;
}

/* ---- the files ---- */

static enum mu_status path_set(struct collection *all, const char *path, struct mu_error *err)
{
    char *kept = mu_arena_strdup(all->run->arena, path);

    if (!kept)
        return no_memory(err);
    mu_utf8_clean(kept);
    all->path = kept;
    all->os_now = (struct os_found){.rank = os_release_rank(kept)};
    return MU_OK;
}

static enum mu_status seen_take(void *opaque, const struct merge_seen *seen, struct mu_error *err)
{
    struct collection *all = opaque;
    struct evidence_cursor cursor = seen->cursor;
    struct evidence_item item;
    enum mu_status st = path_set(all, seen->path, err);

    all->node = seen->node;
    if (st == MU_OK && !seen->shared && is_replaced(all, seen->node))
        return MU_OK;
    while (st == MU_OK && summary_evidence_next(&cursor, &item)) {
        if (merge_seen_counts(seen, &item))
            st = item_take(all, &item, err);
    }
    return st == MU_E_LIMIT ? evidence_failed(all->run, all->path, err) : st;
}

/* ---- checks of the image as a whole ---- */

static enum mu_status issue_told(void *opaque, const struct found_issue *found,
                                 struct mu_error *err)
{
    return issue_take(opaque, found, err);
}

static enum mu_status whole_check(struct collection *all, struct mu_error *err)
{
    const struct image_run *run = all->run;
    const struct finder_sink sink = {.opaque = all, .issue = issue_told};
    const struct check_config_input input = {.json = run->config,
                                             .len = run->config_len,
                                             .users = all->users,
                                             .base_name = run->base.name,
                                             .base_digest = run->base.digest};
    const struct image_os *os = &all->os.os;
    enum mu_status st = run->config ? check_config(&input, &sink, err) : MU_OK;

    if (st == MU_OK)
        st = support_check(os->id, os->version_id, os->version_codename, mu_now_us(), &sink, err);
    return st;
}

/* What is too much or makes no sense leaves out checks, not packages: it is noted. */
static enum mu_status whole_look(struct collection *all, struct mu_error *err)
{
    struct image_note note = {.path = "config"};
    enum mu_status st;

    all->node = NULL;
    all->path = NULL;
    st = whole_check(all, err);
    if (st == MU_OK || st == MU_E_NOMEM || all->notes.count == NOTES_MAX)
        return st == MU_E_NOMEM ? st : MU_OK;
    note.message = mu_arena_strdup(all->run->arena, err->message);
    return note.message ? row_add(&all->notes, &note, err) : no_memory(err);
}

/* ---- in the end ---- */

static int text_order(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

static int package_order(const void *left, const void *right)
{
    const struct image_package *a = left, *b = right;
    const char *const of_a[] = {a->type,         a->name, a->version,
                                a->architecture, a->path, a->inner_path};
    const char *const of_b[] = {b->type,         b->name, b->version,
                                b->architecture, b->path, b->inner_path};
    int order = 0;

    for (size_t i = 0; order == 0 && i < sizeof(of_a) / sizeof(of_a[0]); i++)
        order = text_order(of_a[i], of_b[i]);
    return order;
}

static int issue_order(const void *left, const void *right)
{
    const struct image_issue *a = left, *b = right;
    int order = text_order(a->check, b->check);

    if (order == 0)
        order = text_order(a->path, b->path);
    if (order == 0)
        order = a->line < b->line ? -1 : a->line > b->line;
    return order ? order : text_order(a->evidence, b->evidence);
}

static int note_order(const void *left, const void *right)
{
    const struct image_note *a = left, *b = right;
    int order = text_order(a->path, b->path);

    return order ? order : text_order(a->message, b->message);
}

typedef int order_fn(const void *left, const void *right);

struct ordering {
    const struct rows *rows;
    order_fn *order;
};

static const char *row_at(const struct rows *rows, uint32_t place)
{
    return (const char *)rows->items + place * rows->size;
}

static int place_order(const void *left, const void *right, void *opaque)
{
    const struct ordering *by = opaque;
    const uint32_t *a = left, *b = right;

    return by->order(row_at(by->rows, *a), row_at(by->rows, *b));
}

/* Sorted, each once, in the arena. Places are sorted and not rows: sorting takes as much again. */
static enum mu_status rows_hand_over(struct image_run *run, struct rows *rows, order_fn *order,
                                     void **ret_items, size_t *ret_count, struct mu_error *err)
{
    char *items = mu_arena_alloc(run->arena, (rows->count + 1) * rows->size);
    uint32_t *places = items ? malloc((rows->count + 1) * sizeof(*places)) : NULL;
    struct ordering by = {.rows = rows, .order = order};
    size_t kept = 0;

    if (!places)
        return no_memory(err);
    for (size_t i = 0; i < rows->count; i++)
        places[i] = (uint32_t)i;
    qsort_r(places, rows->count, sizeof(*places), place_order, &by);
    for (size_t i = 0; i < rows->count; i++) {
        const char *row = row_at(rows, places[i]);

        if (kept == 0 || order(items + (kept - 1) * rows->size, row) != 0)
            memcpy(items + kept++ * rows->size, row, rows->size);
    }
    free(places);
    *ret_items = items;
    *ret_count = kept;
    return MU_OK;
}

/* An image whose packages we cannot read must not look like one without packages. What is missing
 * may also lie in a layer that could not be read. */
static enum mu_status absence_check(struct collection *all, struct mu_error *err)
{
    struct image_run *run = all->run;
    const struct image_analysis *image = &run->analysis;

    for (size_t i = 0; i < image->layer_count; i++) {
        if (!image->layers[i].scanned)
            return MU_OK;
    }
    for (size_t i = 0; i < image->package_count; i++) {
        if (is_os_package(&image->packages[i]))
            return MU_OK;
    }
    if (all->unread) {
        (void)mu_fail(err, MU_E_INVALID, "a package database of a kind that is not read");
        return evidence_failed(run, all->unread, err);
    }
    if (!image->os.found)
        return MU_OK;
    (void)mu_fail(err, MU_E_INVALID, "%s, but no package database was found",
                  image->os.pretty_name ? image->os.pretty_name : "an os-release");
    return evidence_failed(run, "packages", err);
}

static enum mu_status hand_over(struct collection *all, struct mu_error *err)
{
    struct image_analysis *image = &all->run->analysis;
    void *packages = NULL, *issues = NULL, *notes = NULL;

    image->os = all->os.os;
    if (rows_hand_over(all->run, &all->packages, package_order, &packages, &image->package_count,
                       err) != MU_OK ||
        rows_hand_over(all->run, &all->issues, issue_order, &issues, &image->issue_count, err) !=
                MU_OK ||
        rows_hand_over(all->run, &all->notes, note_order, &notes, &image->note_count, err) != MU_OK)
        return err->status;
    image->packages = packages;
    image->issues = issues;
    image->notes = notes;
    if (image_owners_find(all->merge, all->run->arena, packages, image->package_count, err) !=
        MU_OK)
        return err->status;
    return absence_check(all, err);
}

enum mu_status image_collect(struct image_run *run, const struct merge *merge, struct mu_error *err)
{
    struct collection all = {
            .run = run,
            .merge = merge,
            .packages = {.size = sizeof(struct image_package),
                         .most = 2 * (size_t)run->limits->max_packages,
                         .what = "packages"},
            .issues = {.size = sizeof(struct image_issue), .most = ISSUES_MAX, .what = "issues"},
            .notes = {.size = sizeof(struct image_note), .most = NOTES_MAX, .what = "notes"}};
    enum mu_status st = MU_OK;

    all.known = mu_arena_alloc(run->arena, KNOWN_TEXTS * sizeof(*all.known));
    if (!all.known)
        return no_memory(err);
    overruled_mark(&all);
    st = merge_see(merge, seen_take, &all, err);
    if (st == MU_OK)
        st = whole_look(&all, err);
    if (st == MU_OK)
        st = hand_over(&all, err);
    mu_scratch_free(all.packages.items);
    mu_scratch_free(all.issues.items);
    mu_scratch_free(all.notes.items);
    return st;
}
