/* The signatures over manifest.json, and its time stamp: each as far as the request says whom to
 * trust. */
#include "verify/state.h"

#include "bundle/layout.h"

#include "base/clock.h"
#include "base/cms.h"
#include "base/ed25519.h"
#include "base/file.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIGNATURE_MAX_BYTES = 4 * 1024 * 1024, KEY_MAX_BYTES = 64 * 1024 };

struct looking {
    struct verify_state *state;
    const struct verify_request *request;
    struct mu_buf manifest;
    int64_t at_us; /* when the signer had to be valid */
    bool signature_holds;
    char by[MU_CMS_NAME_SIZE]; /* of the file being looked at */
};

/* What the file says, in `looking->by`; MU_E_INVALID: it does not hold, MU_E_NOT_FOUND: whom to
 * trust is not where the request says. */
typedef enum mu_status look_fn(struct looking *looking, const struct mu_buf *bytes,
                               struct mu_error *err);

static enum mu_status look_at_ed25519(struct looking *looking, const struct mu_buf *bytes,
                                      struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf pem;
    MU_AUTO(ed25519) struct mu_ed25519 *key = NULL;

    mu_buf_init(&pem, KEY_MAX_BYTES);
    (void)snprintf(looking->by, sizeof(looking->by), "%s", looking->request->key);
    if (mu_file_read(looking->request->key, &pem, err) != MU_OK ||
        mu_ed25519_from_pem(pem.data, pem.len, &key, err) != MU_OK)
        return mu_fail(err, MU_E_NOT_FOUND, "--key: '%s' holds no Ed25519 key in PEM form",
                       looking->request->key);
    if (bytes->len != MU_ED25519_SIGNATURE_BYTES ||
        !mu_ed25519_verifies(key, looking->manifest.data, looking->manifest.len,
                             (const uint8_t *)bytes->data))
        return mu_fail(err, MU_E_INVALID, "is no signature of " BUNDLE_MANIFEST " by that key");
    looking->signature_holds = true;
    return MU_OK;
}

static enum mu_status look_at_cms(struct looking *looking, const struct mu_buf *bytes,
                                  struct mu_error *err)
{
    enum mu_status st =
            mu_cms_verify(bytes->data, bytes->len, looking->manifest.data, looking->manifest.len,
                          looking->request->authorities, looking->at_us, looking->by, err);

    if (st == MU_E_NOT_FOUND)
        return mu_wrap(err, "--ca");
    if (st != MU_OK)
        return mu_wrap(err, "is no signature of " BUNDLE_MANIFEST " under --ca");
    looking->signature_holds = true;
    return MU_OK;
}

static enum mu_status look_at_timestamp(struct looking *looking, const struct mu_buf *bytes,
                                        struct mu_error *err)
{
    int64_t at_us = 0;
    enum mu_status st = mu_timestamp_verify(bytes->data, bytes->len, looking->manifest.data,
                                            looking->manifest.len,
                                            looking->request->timestamp_authorities, &at_us, err);

    if (st == MU_E_NOT_FOUND)
        return mu_wrap(err, "--timestamp-ca");
    if (st != MU_OK)
        return mu_wrap(err, "is no time stamp of " BUNDLE_MANIFEST " under --timestamp-ca");
    looking->at_us = at_us;
    mu_time_format(at_us, looking->by);
    return MU_OK;
}

struct kind {
    const char *file, *kind, *option;
    look_fn *look;
};

static void list(struct looking *looking, const struct kind *kind, const char *result)
{
    if (looking->state->tables.signatures)
        mu_table_row(looking->state->tables.signatures,
                     (const char *const[]){kind->file, kind->kind,
                                           *looking->by ? looking->by : NULL, result});
}

/* The file's bytes; false when it is not there, or after recording why it cannot be read. */
static bool read_beside(struct looking *looking, const char *name, struct mu_buf *bytes)
{
    char path[VERIFY_PATH_SIZE];
    struct stat status;
    struct mu_error err;

    if (snprintf(path, sizeof(path), "%s/%s", looking->state->folder, name) >= (int)sizeof(path) ||
        lstat(path, &status) != 0 || !verify_path(looking->state, name, path))
        return false;
    if (mu_file_read(path, bytes, &err) == MU_OK)
        return true;
    verify_difference(looking->state, "signatures", name, "cannot be read: %s", err.message);
    return false;
}

static enum mu_status look_at(struct looking *looking, const struct kind *kind, const char *trusted,
                              struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    enum mu_status st;

    mu_buf_init(&bytes, SIGNATURE_MAX_BYTES);
    *looking->by = '\0';
    if (!read_beside(looking, kind->file, &bytes)) {
        if (trusted)
            verify_difference(looking->state, "signatures", kind->file,
                              "is not there, though %s asks for it", kind->option);
        return MU_OK;
    }
    if (!trusted) {
        char result[64];

        (void)snprintf(result, sizeof(result), "not checked: give %s", kind->option);
        list(looking, kind, result);
        return MU_OK;
    }
    st = kind->look(looking, &bytes, err);
    if (st == MU_E_NOT_FOUND)
        return st;
    list(looking, kind, st == MU_OK ? "holds" : "does not hold");
    if (st != MU_OK)
        verify_difference(looking->state, "signatures", kind->file, "%s", err->message);
    return MU_OK;
}

enum mu_status verify_signatures(struct verify_state *state, const struct verify_request *request,
                                 struct mu_error *err)
{
    /* The time stamp first: it says when the signer had to be valid. */
    static const struct kind kinds[] = {
            {BUNDLE_TIMESTAMP, "time stamp (RFC 3161)", "--timestamp-ca", look_at_timestamp},
            {BUNDLE_SIGNATURE, "Ed25519", "--key", look_at_ed25519},
            {BUNDLE_CMS, "X.509 (CMS)", "--ca", look_at_cms}};
    const char *const trusted[] = {request->timestamp_authorities, request->key,
                                   request->authorities};
    struct looking looking = {.state = state, .request = request, .at_us = request->at_us};
    enum mu_status st = MU_OK;

    mu_buf_init(&looking.manifest, BUNDLE_MAX_JSON_BYTES);
    if (read_beside(&looking, BUNDLE_MANIFEST, &looking.manifest))
        for (size_t i = 0; st == MU_OK && i < sizeof(kinds) / sizeof(kinds[0]); i++)
            st = look_at(&looking, &kinds[i], trusted[i], err);
    if (st == MU_OK && request->require_signature && !looking.signature_holds)
        verify_difference(state, "signatures", BUNDLE_MANIFEST,
                          "has no signature that was checked and holds");
    mu_buf_done(&looking.manifest);
    return st;
}
