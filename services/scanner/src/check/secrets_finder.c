/* Secrets in the small text files of an image. */
#include "check/check_finders.h"

#include "check/checks.h"
#include "check/credential_files.h"
#include "check/secret_files.h"
#include "check/secret_rules.h"

#include <string.h>

enum { HITS_MAX = 32 }; /* of one file: more tell nothing new */

struct search {
    const struct finder_sink *sink;
    unsigned hits;
};

static enum mu_status on_hit(void *opaque, const struct secret_hit *hit, struct mu_error *err)
{
    struct search *search = opaque;
    char text[SECRET_SHOWN_MAX_BYTES];

    if (search->hits++ >= HITS_MAX)
        return MU_OK;
    secret_hit_text(hit, text);
    return check_tell(hit->private_key ? CHECK_PRIVATE_KEY : CHECK_SECRET_IN_FILE, text, hit->line,
                      search->sink, err);
}

static enum mu_status on_credential(void *opaque, const char *text, uint32_t line,
                                    struct mu_error *err)
{
    struct search *search = opaque;

    if (search->hits++ >= HITS_MAX)
        return MU_OK;
    return check_tell(CHECK_CREDENTIALS_FILE, text, line, search->sink, err);
}

static bool is_binary(const struct finder_input *input)
{
    return memchr(input->bytes, '\0',
                  input->len < FINDER_HEAD_BYTES ? input->len : FINDER_HEAD_BYTES) != NULL;
}

static enum mu_status secrets_read(const struct finder_input *input, const struct finder_sink *sink,
                                   struct mu_error *err)
{
    struct search search = {.sink = sink};
    struct text_piece text = {(const char *)input->bytes, input->len};

    if (input->len == 0 || is_binary(input))
        return MU_OK;
    if (credential_file_read(input->path, text, on_credential, &search, err) != MU_OK)
        return err->status;
    return secret_search(text, on_hit, &search, err);
}

const struct finder check_secrets_finder = {
        .name = "check-secrets",
        .version = 1,
        .max_bytes = SECRET_FILE_MAX_BYTES,
        .wants = secret_file_wanted,
        .read = secrets_read,
};
