#include "sample/drawing.h"

#include "base/buf.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* By `rank`; `key` is what it stands for. */
struct candidate {
    struct drawing_key rank, key;
};

/* The candidates of least rank, the greatest of them first (a heap). */
struct least {
    struct candidate *candidates;
    size_t count, room;
};

struct drawing {
    const char *seed;
    size_t count;
    struct least classes; /* one for each class: rank of the class, key of its least container */
    struct least others;  /* containers that do not stand for their class */
    size_t class_count, container_count;
    struct mu_buf uai;           /* of the class at hand */
    struct drawing_key standing; /* of its least container */
    struct drawing_key last;     /* of the last container: a second manifest is not a second one */
    struct drawing_key *taken;   /* sorted, once ended */
    size_t taken_count;
};

enum { UAI_MAX_BYTES = 64 * 1024 };

static struct drawing_key hash_texts(const char *const *texts, size_t count)
{
    MU_AUTO(sha256) struct mu_sha256 *hash = mu_sha256_new();
    struct drawing_key key;

    for (size_t i = 0; i < count; i++) {
        const char *text = texts[i] ? texts[i] : "";

        mu_sha256_update(hash, text, strlen(text) + 1);
    }
    mu_sha256_final(hash, key.bytes);
    return key;
}

struct drawing_key drawing_key_of(const char *seed, const struct instance_row *row)
{
    const char *const texts[] = {seed,          "container",         row->uai,
                                 row->cluster,  row->namespace_name, row->pod,
                                 row->container};

    return hash_texts(texts, sizeof(texts) / sizeof(texts[0]));
}

static int compare_keys(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct drawing_key));
}

/* ---- the least ---- */

static void swap(struct least *least, size_t a, size_t b)
{
    const struct candidate kept = least->candidates[a];

    least->candidates[a] = least->candidates[b];
    least->candidates[b] = kept;
}

static bool above(const struct least *least, size_t a, size_t b)
{
    return compare_keys(&least->candidates[a].rank, &least->candidates[b].rank) > 0;
}

static void sift_up(struct least *least, size_t at)
{
    for (; at > 0 && above(least, at, (at - 1) / 2); at = (at - 1) / 2)
        swap(least, at, (at - 1) / 2);
}

static void sift_down(struct least *least)
{
    size_t at = 0;

    for (;;) {
        const size_t left = 2 * at + 1, right = left + 1;
        size_t top = at;

        if (left < least->count && above(least, left, top))
            top = left;
        if (right < least->count && above(least, right, top))
            top = right;
        if (top == at)
            return;
        swap(least, at, top);
        at = top;
    }
}

static void least_add(struct least *least, const struct candidate *candidate)
{
    if (least->count < least->room) {
        least->candidates[least->count++] = *candidate;
        sift_up(least, least->count - 1);
    } else if (compare_keys(&candidate->rank, &least->candidates[0].rank) < 0) {
        least->candidates[0] = *candidate;
        sift_down(least);
    }
}

static void least_drop_greatest(struct least *least)
{
    least->candidates[0] = least->candidates[--least->count];
    sift_down(least);
}

/* ---- the drawing ---- */

struct drawing *drawing_new(const char *seed, size_t count)
{
    struct drawing *drawing = mu_xcalloc(1, sizeof(*drawing));

    drawing->seed = seed;
    drawing->count = count;
    drawing->classes = (struct least){mu_xcalloc(count, sizeof(struct candidate)), 0, count};
    drawing->others = (struct least){mu_xcalloc(count, sizeof(struct candidate)), 0, count};
    mu_buf_init(&drawing->uai, UAI_MAX_BYTES);
    return drawing;
}

void drawing_free(struct drawing *drawing)
{
    if (!drawing)
        return;
    free(drawing->classes.candidates);
    free(drawing->others.candidates);
    free(drawing->taken);
    mu_buf_done(&drawing->uai);
    free(drawing);
}

static void end_class(struct drawing *drawing)
{
    const char *const texts[] = {drawing->seed, "class", drawing->uai.data};
    struct candidate candidate = {.key = drawing->standing};

    if (drawing->class_count == 0)
        return;
    candidate.rank = hash_texts(texts, sizeof(texts) / sizeof(texts[0]));
    least_add(&drawing->classes, &candidate);
}

static void add_other(struct drawing *drawing, const struct drawing_key *key)
{
    const struct candidate candidate = {*key, *key};

    least_add(&drawing->others, &candidate);
}

void drawing_add(struct drawing *drawing, const struct instance_row *row)
{
    const struct drawing_key key = drawing_key_of(drawing->seed, row);
    const bool same_class =
            drawing->class_count > 0 && mu_text_equal(drawing->uai.data, row->uai ? row->uai : "");

    if (drawing->container_count > 0 && compare_keys(&key, &drawing->last) == 0)
        return;
    drawing->container_count++;
    drawing->last = key;
    if (!same_class) {
        end_class(drawing);
        drawing->class_count++;
        mu_buf_reset(&drawing->uai);
        mu_buf_puts(&drawing->uai, row->uai ? row->uai : "");
        drawing->standing = key;
    } else if (compare_keys(&key, &drawing->standing) < 0) {
        add_other(drawing, &drawing->standing);
        drawing->standing = key;
    } else {
        add_other(drawing, &key);
    }
}

void drawing_end(struct drawing *drawing)
{
    struct least *const parts[] = {&drawing->classes, &drawing->others};

    end_class(drawing);
    while (drawing->others.count > drawing->count - drawing->classes.count)
        least_drop_greatest(&drawing->others);
    drawing->taken = mu_xcalloc(drawing->count, sizeof(*drawing->taken));
    for (size_t part = 0; part < sizeof(parts) / sizeof(parts[0]); part++)
        for (size_t i = 0; i < parts[part]->count; i++)
            drawing->taken[drawing->taken_count++] = parts[part]->candidates[i].key;
    qsort(drawing->taken, drawing->taken_count, sizeof(*drawing->taken), compare_keys);
}

bool drawing_takes(const struct drawing *drawing, const struct drawing_key *key)
{
    return bsearch(key, drawing->taken, drawing->taken_count, sizeof(*key), compare_keys) != NULL;
}

size_t drawing_classes(const struct drawing *drawing)
{
    return drawing->class_count;
}

size_t drawing_containers(const struct drawing *drawing)
{
    return drawing->container_count;
}
