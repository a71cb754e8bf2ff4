/*
 * listing_files: a folder with a sorter's and a state's file, and tags by short words. For tests;
 * include after cmocka.h.
 *
 *   "a:1=x"  tag 1 of repository a leads to the digest of x's      "a"  a mark of repository a
 */
#ifndef TESTS_SUPPORT_LISTING_FILES_H
#define TESTS_SUPPORT_LISTING_FILES_H

#include "listing/known_tags.h"
#include "listing/tag_sorter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct listing_files {
    char folder[64], state[128], spill[128];
    struct mu_error err;
};

static inline int listing_files_make(void **state)
{
    struct listing_files *files = calloc(1, sizeof(*files));

    assert_non_null(files);
    (void)snprintf(files->folder, sizeof(files->folder), "/tmp/muster_listing.XXXXXX");
    assert_non_null(mkdtemp(files->folder));
    (void)snprintf(files->state, sizeof(files->state), "%s/listed-all.tsv", files->folder);
    (void)snprintf(files->spill, sizeof(files->spill), "%s/listed-all.sort", files->folder);
    *state = files;
    return 0;
}

/* Fails when anything else was left behind. */
static inline int listing_files_remove(void **state)
{
    struct listing_files *files = *state;
    int left;

    (void)unlink(files->state);
    left = rmdir(files->folder);
    free(files);
    return left;
}

static inline struct tag_line tag_of(const char *word, int64_t seen_at_us)
{
    struct tag_line line = {.seen_at_us = seen_at_us};
    char digit = '0';

    if (sscanf(word, "%500[^:]:%120[^=]=%c", line.repository, line.tag, &digit) == 3) {
        memcpy(line.digest, "sha256:", 7);
        memset(line.digest + 7, digit, 64);
    }
    return line;
}

static inline void word_of(const struct tag_line *line, struct mu_buf *out)
{
    mu_buf_printf(out, "%s%s%s%s%.1s ", line->repository, line->tag[0] ? ":" : "", line->tag,
                  line->tag[0] ? "=" : "", line->digest[0] ? line->digest + 7 : "");
}

/* A finished sorter with these, seen one microsecond after the other. */
static inline struct tag_sorter *sorter_of(struct listing_files *files, size_t memory_bytes,
                                           const char *words)
{
    struct tag_sorter *sorter = NULL;
    char copy[1024], *next = copy, *word;
    int64_t seen_at_us = 100;

    (void)snprintf(copy, sizeof(copy), "%s", words);
    assert_int_equal(tag_sorter_new(files->spill, memory_bytes, &sorter, &files->err), MU_OK);
    while ((word = strsep(&next, " ")) != NULL) {
        struct tag_line line = tag_of(word, seen_at_us++);

        if (*word)
            assert_int_equal(tag_sorter_add(sorter, &line, &files->err), MU_OK);
    }
    assert_int_equal(tag_sorter_finish(sorter, &files->err), MU_OK);
    return sorter;
}

/* The state file with these, which are in order. */
static inline void state_write(struct listing_files *files, const char *words)
{
    const struct known_tags_head head = {.epoch = 7, .generation = 3, .listed_at_us = 5};
    MU_AUTO(known_tags_writer) struct known_tags_writer *writer = NULL;
    char copy[1024], *next = copy, *word;

    (void)snprintf(copy, sizeof(copy), "%s", words);
    assert_int_equal(known_tags_write(files->state, &head, &writer, &files->err), MU_OK);
    while ((word = strsep(&next, " ")) != NULL) {
        struct tag_line line = tag_of(word, 50);

        if (*word)
            assert_int_equal(known_tags_add(writer, &line, &files->err), MU_OK);
    }
    assert_int_equal(known_tags_commit(writer, &files->err), MU_OK);
}

#endif
