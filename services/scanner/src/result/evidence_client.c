#include "result/evidence_client.h"

#include "http/http_client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { URL_SIZE = 2048, AUTHORIZATION_SIZE = 4096 };

enum mu_status evidence_put(struct mu_http_client *client, const struct evidence_target *target,
                            const struct raw_file *file, struct mu_error *err)
{
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    char url[URL_SIZE], authorization[AUTHORIZATION_SIZE] = "";
    struct mu_http_request request = {
            .method = "PUT", .url = url, .headers = headers, .body_len = (size_t)file->size_bytes};
    struct mu_http_response response;
    void *bytes = mmap(NULL, (size_t)file->size_bytes, PROT_READ, MAP_SHARED, file->fd, 0);
    enum mu_status st;

    if (bytes == MAP_FAILED)
        return mu_fail(err, MU_E_UNAVAILABLE, "raw result: %s", strerror(errno));
    (void)snprintf(url, sizeof(url), "%s/v1/evidence/%s", target->inventory_url, file->digest);
    if (target->token && *target->token) {
        (void)snprintf(authorization, sizeof(authorization), "Bearer %s", target->token);
        request.authorization = authorization;
    }
    request.body = bytes;
    st = mu_http_request(client, &request, &response, err);
    (void)munmap(bytes, (size_t)file->size_bytes);
    if (st == MU_OK && response.status != 200 && response.status != 201)
        st = mu_http_status_error(&request, &response, err);
    return st;
}
