/* Any bytes as the lines of a response head: nothing overruns, and every text ends within its
 * field. */
#include "http/http_head.h"
#include "http/http_url.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void must_end(const char *text, size_t size)
{
    if (memchr(text, '\0', size) == NULL)
        abort();
}

static void check(const struct http_head *head)
{
    const struct mu_http_response *r = &head->response;

    must_end(r->content_type, sizeof(r->content_type));
    must_end(r->docker_content_digest, sizeof(r->docker_content_digest));
    must_end(r->www_authenticate, sizeof(r->www_authenticate));
    must_end(r->link_next, sizeof(r->link_next));
    must_end(head->location, sizeof(head->location));
    if (r->content_length < -1 || r->retry_after_ms < -1 || r->status < -1 || r->status > 999)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct http_head *head = malloc(sizeof(*head));
    const uint8_t *end = bytes + len;
    struct mu_error err;
    char *url = NULL;

    if (head == NULL)
        return 0;
    http_head_reset(head);
    while (bytes < end) {
        const uint8_t *newline = memchr(bytes, '\n', (size_t)(end - bytes));
        size_t line_len = newline != NULL ? (size_t)(newline + 1 - bytes) : (size_t)(end - bytes);
        char *line = malloc(line_len); /* exactly as long: an over-read is caught */

        if (line == NULL)
            break;
        memcpy(line, bytes, line_len);
        http_head_line(head, line, line_len);
        free(line);
        bytes += line_len;
    }
    check(head);
    if (http_url_resolve("https://h:1/a/b", head->location, &url, &err) == MU_OK)
        (void)http_url_same_origin("https://h:1/", url);
    free(url);
    free(head);
    return 0;
}
