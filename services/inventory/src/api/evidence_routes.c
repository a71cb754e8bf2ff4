/* Raw scan results by content. */
#include "api/server.h"

#include "api/accept.h"
#include "api/question.h"
#include "evidence/evidence_store.h"

#include "base/sha256.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const forms[] = {"application/json"};

static void release_writer(void *writer)
{
    evidence_writer_free(writer);
}

/* The writer of this upload, opened with its first piece. */
static enum mu_status writer_of(const struct api *api, struct mu_request *request,
                                struct evidence_writer **ret_writer, struct mu_error *err)
{
    enum mu_status st = MU_OK;

    *ret_writer = mu_request_state(request);
    if (*ret_writer)
        return MU_OK;
    st = question_of_none(request, err);
    if (st == MU_OK)
        st = evidence_writer_open(api->config.evidence, mu_request_path_rest(request), ret_writer,
                                  err);
    if (st == MU_OK)
        mu_request_set_state(request, *ret_writer, release_writer);
    return st;
}

enum mu_status api_put_evidence_piece(void *opaque, struct mu_request *request, const void *bytes,
                                      size_t len, struct mu_error *err)
{
    struct evidence_writer *writer = NULL;
    enum mu_status st = writer_of(opaque, request, &writer, err);

    return st == MU_OK ? evidence_writer_append(writer, bytes, len, err) : st;
}

void api_put_evidence(void *opaque, struct mu_request *request)
{
    struct evidence_writer *writer = NULL;
    enum evidence_outcome outcome = EVIDENCE_CREATED;
    struct mu_error err;
    enum mu_status st = writer_of(opaque, request, &writer, &err); /* an empty body has no piece */

    if (st == MU_OK)
        st = evidence_writer_commit(writer, &outcome, &err);
    if (st != MU_OK)
        mu_httpd_reply_failure(request, &err);
    else
        mu_httpd_reply(request, outcome == EVIDENCE_CREATED ? 201 : 200, NULL, "{}\n", 3, NULL);
}

/* The name is the content's hash, so the tag is the name. */
void api_get_evidence(void *opaque, struct mu_request *request)
{
    const struct api *api = opaque;
    const char *digest = mu_request_path_rest(request);
    const char *wanted = mu_request_header(request, "If-None-Match");
    char etag[MU_DIGEST_TEXT_SIZE + 8];
    const char *const headers[] = {"ETag", etag, "Cache-Control", "private, immutable", NULL};
    uint64_t size_bytes = 0;
    struct mu_error err;
    MU_AUTO_FD int fd = -1;
    enum mu_status st;

    if (accept_choose(mu_request_header(request, "Accept"), forms, 1) == ACCEPT_NONE) {
        mu_httpd_reply_error(request, 406, "there is application/json");
        return;
    }
    st = question_of_none(request, &err);
    if (st == MU_OK)
        st = evidence_store_open_file(api->config.evidence, digest, &fd, &size_bytes, &err);
    if (st != MU_OK) {
        mu_httpd_reply_failure(request, &err);
        return;
    }
    (void)snprintf(etag, sizeof(etag), "\"%.71s\"", digest);
    if (wanted && (mu_text_equal(wanted, "*") || strstr(wanted, etag)))
        mu_httpd_reply(request, 304, NULL, NULL, 0, headers);
    else
        mu_httpd_reply_file(request, 200, "application/json", mu_take_fd(&fd), size_bytes, headers);
}
