#include "result/evidence_client.h"

#include "base/text.h"
#include "http/http_client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { URL_SIZE = 2048, AUTHORIZATION_SIZE = 4096 };

/* Nothing is cut: half a token is no token. */
static enum mu_status head_fill(const struct evidence_target *target, const struct raw_file *file,
                                char ret_url[URL_SIZE], char ret_authorization[AUTHORIZATION_SIZE],
                                struct mu_error *err)
{
    int slashes = 0, len = (int)strnlen(target->inventory_url, URL_SIZE);

    while (slashes < len && target->inventory_url[len - slashes - 1] == '/')
        slashes++;
    if (snprintf(ret_url, URL_SIZE, "%.*s/v1/evidence/%s", len - slashes, target->inventory_url,
                 file->digest) >= URL_SIZE)
        return mu_fail(err, MU_E_INVALID, "inventory-url of more than %d bytes", URL_SIZE);
    ret_authorization[0] = '\0';
    if (target->token && *target->token &&
        snprintf(ret_authorization, AUTHORIZATION_SIZE, "Bearer %s", target->token) >=
                AUTHORIZATION_SIZE)
        return mu_fail(err, MU_E_INVALID, "evidence-token of more than %d bytes",
                       AUTHORIZATION_SIZE);
    return MU_OK;
}

enum mu_status evidence_target_check(const struct evidence_target *target, struct mu_error *err)
{
    const struct raw_file longest = {.digest = "sha256:"
                                               "0123456789abcdef0123456789abcdef"
                                               "0123456789abcdef0123456789abcdef"};
    char url[URL_SIZE], authorization[AUTHORIZATION_SIZE];

    if (!mu_text_starts(target->inventory_url, "http://") &&
        !mu_text_starts(target->inventory_url, "https://"))
        return mu_fail(err, MU_E_INVALID, "--inventory-url '%.200s' is no http or https URL",
                       target->inventory_url);
    return head_fill(target, &longest, url, authorization, err);
}

static enum mu_status put_request(struct mu_http_client *client,
                                  const struct mu_http_request *request, struct mu_error *err)
{
    struct mu_http_response response;
    enum mu_status st = mu_http_request(client, request, &response, err);

    if (st != MU_OK || response.status == 200 || response.status == 201)
        return st;
    st = mu_http_status_error(request, &response, err);
    if (response.status == 413)
        st = err->status = MU_E_LIMIT;
    return st;
}

enum mu_status evidence_put(struct mu_http_client *client, const struct evidence_target *target,
                            const struct raw_file *file, struct mu_error *err)
{
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    char url[URL_SIZE], authorization[AUTHORIZATION_SIZE];
    struct mu_http_request request = {
            .method = "PUT", .url = url, .headers = headers, .body_len = (size_t)file->size_bytes};
    void *bytes;
    enum mu_status st;

    if (head_fill(target, file, url, authorization, err) != MU_OK)
        return err->status;
    request.authorization = authorization[0] != '\0' ? authorization : NULL;
    bytes = mmap(NULL, (size_t)file->size_bytes, PROT_READ, MAP_SHARED, file->fd, 0);
    if (bytes == MAP_FAILED)
        return mu_fail(err, MU_E_UNAVAILABLE, "raw result: %s", strerror(errno));
    request.body = bytes;
    st = put_request(client, &request, err);
    (void)munmap(bytes, (size_t)file->size_bytes);
    return st;
}
