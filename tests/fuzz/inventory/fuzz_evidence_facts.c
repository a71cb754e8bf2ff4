#include "policy/evidence_facts.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MU_AUTO_DONE(evidence_facts_done) struct evidence_facts facts;
    struct mu_error err;

    evidence_facts_init(&facts);
    (void)!evidence_facts_parse("sha256:0", (const char *)data, size, &facts, &err);
    return 0;
}
