#include "bundle/raw_scan_file.h"

#include "bundle/layout.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"

static enum mu_status check_digest(const char *path, const struct mu_buf *bytes, const char *digest,
                                   struct mu_error *err)
{
    char hashed[MU_DIGEST_TEXT_SIZE];

    mu_sha256_text(bytes->data, bytes->len, hashed);
    if (!mu_text_equal(hashed, digest))
        return mu_fail(err, MU_E_CONFLICT, "'%s' is not what its name says: its SHA-256 is %s",
                       path, hashed);
    return MU_OK;
}

enum mu_status raw_scan_read(const char *path, const char *digest, json_t **ret_scan,
                             struct mu_error *err)
{
    static const struct mu_json_limits limits = {BUNDLE_MAX_JSON_BYTES, BUNDLE_MAX_JSON_DEPTH};
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    enum mu_status st;

    mu_buf_init(&bytes, BUNDLE_MAX_JSON_BYTES);
    st = mu_file_read(path, &bytes, err);
    if (st == MU_OK && digest)
        st = check_digest(path, &bytes, digest, err);
    return st == MU_OK ? mu_json_parse_bounded(bytes.data, bytes.len, &limits, RAW_SCAN_MAX_VALUES,
                                               ret_scan, err)
                       : st;
}
