/*
 * examples: the files of schemas/examples/NAME/KIND through a reader. Header-only; for tests.
 */
#ifndef MU_TEST_EXAMPLES_H
#define MU_TEST_EXAMPLES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/text.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

typedef enum mu_status example_fn(const char *path, const char *bytes, size_t len,
                                  struct mu_error *err);

static inline void example_read(const char *path, struct mu_buf *out)
{
    struct mu_error err;

    mu_buf_init(out, 1 << 20);
    if (mu_file_read(path, out, &err) != MU_OK)
        fail_msg("%s", err.message);
}

/* An invalid one is refused with the words of the file beside it. */
static inline void example_check(const char *path, bool valid, example_fn *read)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text, reason;
    struct mu_error err = {.message = ""};
    char reason_path[PATH_MAX];
    enum mu_status st;

    example_read(path, &text);
    mu_buf_init(&reason, 1);
    st = read(path, text.data, text.len, &err);
    if (valid && st != MU_OK)
        fail_msg("%s", err.message);
    if (valid)
        return;
    assert_int_equal(st, MU_E_INVALID);
    (void)snprintf(reason_path, sizeof(reason_path), "%.*s.reason",
                   (int)(strlen(path) - strlen(".json")), path);
    example_read(reason_path, &reason);
    reason.data[strcspn(reason.data, "\n")] = '\0';
    if (!strstr(err.message, reason.data))
        fail_msg("%s: '%s' is not in: %s", path, reason.data, err.message);
}

/* Gives how many there were. */
static inline size_t examples_check(const char *name, bool valid, example_fn *read)
{
    char folder[PATH_MAX], path[PATH_MAX];
    const struct dirent *entry;
    size_t count = 0;
    DIR *open;

    (void)snprintf(folder, sizeof(folder), "%s/examples/%s/%s", MU_SCHEMAS, name,
                   valid ? "valid" : "invalid");
    open = opendir(folder);
    assert_non_null(open);
    while ((entry = readdir(open))) {
        if (!mu_text_ends(entry->d_name, ".json"))
            continue;
        assert_true(snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) <
                    (int)sizeof(path));
        example_check(path, valid, read);
        count++;
    }
    (void)closedir(open);
    return count;
}

#endif
