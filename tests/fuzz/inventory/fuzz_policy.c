/* First byte: a policy or a gate's configuration; the rest: the file. */
#include "document/yaml_document.h"
#include "gate/gate_config.h"
#include "policy/judge.h"

#include "base/clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_policy(const char *bytes, size_t len)
{
    MU_AUTO(policy) struct policy *policy = NULL;
    const struct finding_fact finding = {.id = "CVE-2026-1",
                                         .package = "openssl",
                                         .fixed = "2",
                                         .severity = SEVERITY_CRITICAL,
                                         .kind = FINDING_VULNERABILITY,
                                         .kev = true,
                                         .since_us = 1,
                                         .held_until_us = MU_TIME_NONE,
                                         .adjusted = SEVERITY_NONE,
                                         .adjusted_until_us = MU_TIME_NONE};
    const struct image_facts facts = {.repository = "registry.example/app",
                                      .os_name = "Debian",
                                      .finished_at_us = 1,
                                      .first_seen_at_us = 1,
                                      .findings = &finding,
                                      .finding_count = 1,
                                      .named = true,
                                      .has_read = true};
    struct judged judged;
    struct mu_error err;

    if (policy_parse("policy", bytes, len, &policy, &err) == MU_OK)
        judge_image(policy, &facts, 2, &judged);
}

static void read_config(const char *bytes, size_t len)
{
    MU_AUTO(gate_config) struct gate_config *config = NULL;
    char repository[MU_OCI_REPOSITORY_SIZE] = "registry.example/app";
    struct mu_error err;

    if (gate_config_parse("config", bytes, len, &config, &err) != MU_OK)
        return;
    (void)gate_config_scope(config, "production", "shop");
    gate_config_rename(config, repository);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_auto_t *root = NULL;
    struct mu_error err;

    if (size == 0)
        return 0;
    (void)!yaml_document_parse("any", (const char *)data + 1, size - 1, &root, &err);
    if (data[0] % 2)
        read_policy((const char *)data + 1, size - 1);
    else
        read_config((const char *)data + 1, size - 1);
    return 0;
}
