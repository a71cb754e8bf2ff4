/*
 * admission: what a Kubernetes API server asks a validating webhook, and what it is told.
 *
 * Source: Kubernetes API, admission.k8s.io/v1 AdmissionReview; "Dynamic Admission Control" (request
 * and response, warnings of at most 256 characters, 4096 together); core/v1 PodSpec.
 *
 * Images are those of init, regular and ephemeral containers and of image volumes, of pods and of
 * the pod templates of their controllers. An update asks only about images that it brings: whoever
 * labels a running pod, or takes its finalizer, must not be stopped by a scan that has ended.
 *
 * Trust: bytes are hostile: at most ADMISSION_MAX_BYTES, so deep, so many values and containers.
 */
#ifndef INVENTORY_GATE_ADMISSION_H
#define INVENTORY_GATE_ADMISSION_H

#include "base/buf.h"
#include "base/error.h"
#include "base/memory.h"
#include "json/json_doc.h"

#include <stdbool.h>

enum {
    ADMISSION_MAX_BYTES = 4 * 1024 * 1024, /* two objects of the API server's greatest size */
    ADMISSION_MAX_DEPTH = 64,
    ADMISSION_MAX_VALUES = 400000,
    ADMISSION_MAX_IMAGES = 2000
};

struct admission_image {
    const char *container; /* its name; "" when it has none */
    const char *image;
};

/* Texts are borrowed from `root`, and never NULL. */
struct admission_request {
    json_t *root; /* owned: admission_request_done */
    const char *uid, *kind, *namespace_name, *name, *operation, *user;
    bool dry_run;
    bool known_kind;                /* one whose images we know to find */
    struct admission_image *images; /* in the arena */
    size_t image_count;
    size_t unchanged; /* images that were there before the update */
};

/* Errors: MU_E_INVALID, MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status admission_parse(const char *bytes, size_t len, struct mu_arena *arena,
                               struct admission_request *ret_request,
                               struct mu_error *err) MU_MUST_CHECK;
void admission_request_done(struct admission_request *request);

struct admission_answer {
    const char *uid;
    bool allowed;
    const char *message;         /* for the one who asks; "" when allowed */
    const char *const *warnings; /* shown by kubectl; cut to what the API server passes on */
    size_t warning_count;
    const char *decisions; /* audit annotation: "gate-a/4711-4712"; "" for none */
};

/* The AdmissionReview to send back. Errors: MU_E_LIMIT. */
enum mu_status admission_write(const struct admission_answer *answer, struct mu_buf *out,
                               struct mu_error *err) MU_MUST_CHECK;

#endif
