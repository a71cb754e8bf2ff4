/* `muster-scanner compare`: the order of pairs of versions. */
#include "app/commands.h"

#include "version/version.h"

#include "base/buf.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 64 * 1024, SHOWN_MAX_BYTES = 200 };

struct pairs {
    const struct version_scheme *scheme;
    const char *ecosystem;
    unsigned long long line;
    bool any_invalid;
};

static int unknown_ecosystem(const char *ecosystem)
{
    const struct version_scheme *scheme;

    (void)fprintf(stderr, "muster-scanner: no order is known for versions of '%.60s'; there are:\n",
                  ecosystem);
    for (size_t i = 0; (scheme = version_scheme_at(i)); i++) {
        (void)fprintf(stderr, "  %-10s", scheme->name);
        for (const char *const *name = scheme->ecosystems; *name; name++)
            (void)fprintf(stderr, "%s %s", name == scheme->ecosystems ? "" : ",", *name);
        (void)fputc('\n', stderr);
    }
    return MU_EXIT_USAGE;
}

/* What stands in a message is quoted: it comes from anywhere. */
static void tell_invalid(struct pairs *pairs, const char *text)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf quoted;

    mu_buf_init(&quoted, LINE_MAX_BYTES);
    if (pairs->scheme->valid(text))
        return;
    pairs->any_invalid = true;
    mu_text_to_json(text, strnlen(text, SHOWN_MAX_BYTES), &quoted);
    (void)fprintf(stderr, "muster-scanner: line %llu: %.*s is no version of %s\n", pairs->line,
                  (int)quoted.len, quoted.data, pairs->ecosystem);
}

static enum mu_status compare_line(struct pairs *pairs, char *line, size_t len,
                                   struct mu_error *err)
{
    char *tab;
    int order;

    pairs->line++;
    line[len] = '\0';
    if (strlen(line) != len)
        return mu_fail(err, MU_E_INVALID, "line %llu has a NUL byte", pairs->line);
    if (len > 0 && line[len - 1] == '\r')
        line[len - 1] = '\0';
    tab = strchr(line, '\t');
    if (!tab || strchr(tab + 1, '\t'))
        return mu_fail(err, MU_E_INVALID, "line %llu is not two versions with one tab between",
                       pairs->line);
    *tab = '\0';
    order = pairs->scheme->compare(line, tab + 1);
    if (puts(order < 0 ? "<" : order > 0 ? ">" : "=") < 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "cannot write: %s", strerror(errno));
    tell_invalid(pairs, line);
    tell_invalid(pairs, tab + 1);
    return MU_OK;
}

/* Compares all whole lines of the bytes; `ret_left` is what is left of an unfinished one. */
static enum mu_status compare_lines(struct pairs *pairs, char *bytes, size_t len, size_t *ret_left,
                                    struct mu_error *err)
{
    enum mu_status st = MU_OK;
    char *end;

    while (st == MU_OK && len > 0 && (end = memchr(bytes, '\n', len))) {
        st = compare_line(pairs, bytes, (size_t)(end - bytes), err);
        len -= (size_t)(end + 1 - bytes);
        bytes = end + 1;
    }
    *ret_left = len;
    return st;
}

/* What has been read is answered before more is waited for. */
static enum mu_status compare_all(struct pairs *pairs, int fd, struct mu_error *err)
{
    static char bytes[2 * LINE_MAX_BYTES + 1];
    size_t len = 0, left;
    enum mu_status st = MU_OK;
    ssize_t got = 1;

    while (st == MU_OK && got > 0) {
        got = read(fd, bytes + len, LINE_MAX_BYTES);
        if (got < 0)
            return mu_fail(err, MU_E_UNAVAILABLE, "cannot read: %s", strerror(errno));
        len += (size_t)got;
        st = compare_lines(pairs, bytes, len, &left, err);
        memmove(bytes, bytes + len - left, left);
        len = left;
        if (st == MU_OK && len > LINE_MAX_BYTES)
            st = mu_fail(err, MU_E_LIMIT, "line %llu is longer than %d bytes", pairs->line + 1,
                         LINE_MAX_BYTES);
        if (fflush(stdout) != 0)
            return mu_fail(err, MU_E_UNAVAILABLE, "cannot write: %s", strerror(errno));
    }
    if (st == MU_OK && len > 0)
        st = compare_line(pairs, bytes, len, err);
    return st;
}

int compare_command(void *config_struct, int argc, char **argv)
{
    struct pairs pairs = {.ecosystem = argc > 0 ? argv[0] : ""};
    MU_AUTO_FD int opened = -1;
    struct mu_error err;

    (void)config_struct;
    if (argc < 1 || argc > 2) {
        (void)fprintf(stderr, "muster-scanner: compare takes an ecosystem and maybe a file\n");
        return MU_EXIT_USAGE;
    }
    pairs.scheme = version_scheme_of(argv[0]);
    if (!pairs.scheme)
        return unknown_ecosystem(argv[0]);
    if (argc == 2 && (opened = open(argv[1], O_RDONLY | O_CLOEXEC)) < 0) {
        (void)fprintf(stderr, "muster-scanner: cannot open '%s': %s\n", argv[1], strerror(errno));
        return MU_EXIT_FAILURE;
    }
    if (compare_all(&pairs, opened >= 0 ? opened : STDIN_FILENO, &err) != MU_OK) {
        (void)fprintf(stderr, "muster-scanner: %s\n", err.message);
        return MU_EXIT_FAILURE;
    }
    return pairs.any_invalid ? MU_EXIT_DIFFERENCE : MU_EXIT_OK;
}
