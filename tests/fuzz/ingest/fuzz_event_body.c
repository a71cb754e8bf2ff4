/*
 * Lines "name: value", an empty one, then the body of a request. Built once for each kind of source
 * (FUZZ_KIND), seeded with its bodies of tests/data/events, and once for all: the first line is
 * then the kind.
 */
#include "fuzz_source.h"

#include <stdio.h>
#include <strings.h>

enum { HEAD_MAX_BYTES = 8 * 1024 };

struct request {
    char head[HEAD_MAX_BYTES + 1];
    char value[HEAD_MAX_BYTES + 1];
};

static const char *find(void *opaque, const char *name)
{
    struct request *request = opaque;
    size_t len = strlen(name);

    for (const char *line = request->head; *line; line += strcspn(line, "\n") + 1) {
        if (strncasecmp(line, name, len) != 0 || line[len] != ':')
            continue;
        line += len + 1;
        line += strspn(line, " ");
        (void)snprintf(request->value, sizeof(request->value), "%.*s", (int)strcspn(line, "\n"),
                       line);
        return request->value;
    }
    return NULL;
}

/* What stands before the first empty line, each line with its newline; its length with that. */
static size_t take_head(struct request *request, const uint8_t *data, size_t size)
{
    size_t at = 0, len = 0;

    while (at < size && data[at] != '\n') {
        const uint8_t *end = memchr(data + at, '\n', size - at);

        len = end ? (size_t)(end - data) + 1 : size;
        if (len > HEAD_MAX_BYTES || !end)
            return size + 1;
        at = len;
    }
    memcpy(request->head, data, len);
    request->head[len] = '\0';
    return len + 1;
}

static const char *kind_of(const struct request *request)
{
#ifdef FUZZ_KIND
    (void)request;
    return FUZZ_KIND;
#else
    static char name[64];

    (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(request->head, "\n"), request->head);
    return name;
#endif
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct request request;
    static char type[HEAD_MAX_BYTES + 1];
    size_t head = take_head(&request, data, size);
    const char *told;

    if (head > size || !source_kind_find(kind_of(&request)))
        return 0;
    told = find(&request, "content-type");
    if (told)
        (void)snprintf(type, sizeof(type), "%s", told);
    fuzz_body(kind_of(&request), told ? type : NULL, data + head, size - head, find, &request);
    return 0;
}
