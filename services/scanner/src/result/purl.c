#include "result/purl.h"

#include "sbom/purl.h"

void purl_put(const struct image_package *package, const struct image_os *os, struct mu_buf *out)
{
    mu_purl_put(&(struct mu_purl){.type = package->type,
                                  .name = package->name,
                                  .version = package->version,
                                  .architecture = package->architecture,
                                  .source_name = package->source_name,
                                  .source_version = package->source_version,
                                  .module = package->module,
                                  .os_id = os->id,
                                  .os_version_id = os->version_id},
                out);
}
