#include "access/access_file.h"

#include "base/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every rule has somebody, roles, and of a token a hash and not the token. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct access_rules rules = {0};
    struct mu_error err;
    enum mu_status st = access_file_parse((const char *)data, size, &rules, &err);

    for (size_t i = 0; i < rules.count; i++) {
        const struct access_rule *rule = &rules.items[i];
        bool whole = st == MU_OK || i + 1 < rules.count;

        if (whole && (!rule->text || !*rule->text || !rule->roles ||
                      (rule->kind == ACCESS_TOKEN &&
                       !mu_digest_valid(rule->token_hash, strlen(rule->token_hash)))))
            abort();
    }
    access_rules_done(&rules);
    return 0;
}
