#include "identity/identity.h"

#include <inttypes.h>
#include <stdio.h>

static const char *text_or_null(const char *text)
{
    return text != NULL && text[0] != '\0' ? text : NULL;
}

void identity_asset(const char *repository, const char *tag, const char *digest,
                    struct asset_name *ret_name)
{
    const char *version = text_or_null(tag);

    mu_stable_id("muster.asset", (const char *const[]){repository, version ? version : digest}, 2,
                 ret_name->asset_id);
    mu_oci_uai_format(repository, version, digest, ret_name->uai);
    ret_name->floating = version != NULL && mu_oci_tag_floating(version);
}

void identity_event(const char *ce_source, const char *ce_id, char ret_id[MU_UUID_TEXT_SIZE])
{
    mu_stable_id("muster.event", (const char *const[]){ce_source, ce_id}, 2, ret_id);
}

void identity_instance(const char *cluster, const char *pod_uid, const char *container,
                       char ret_id[MU_UUID_TEXT_SIZE])
{
    mu_stable_id("muster.instance", (const char *const[]){cluster, pod_uid, container}, 3, ret_id);
}

void identity_job(const char *repository, const char *digest, char ret_id[MU_UUID_TEXT_SIZE])
{
    mu_stable_id("muster.scan-job", (const char *const[]){repository, digest}, 2, ret_id);
}

void identity_request(const char *job_id, int64_t issue, char ret_id[MU_UUID_TEXT_SIZE])
{
    char number[24];

    (void)snprintf(number, sizeof(number), "%" PRId64, issue);
    mu_stable_id("muster.scan-request", (const char *const[]){job_id, number}, 2, ret_id);
}
