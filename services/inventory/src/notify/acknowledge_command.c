#include "notify/acknowledge_command.h"

#include "store/statements.h"

#include <stdio.h>

#define OPTION(member) offsetof(struct acknowledge_config, member)

const struct mu_option acknowledge_options[ACKNOWLEDGE_OPTION_COUNT] = {
        {"postgres", MU_OPTION_TEXT, OPTION(postgres), NULL, 0, 0, MU_OPTION_REQUIRED,
         "connection string of the database"},
        {"by", MU_OPTION_TEXT, OPTION(by), NULL, 0, 0, MU_OPTION_REQUIRED, "who answers for it"},
        {"reason", MU_OPTION_TEXT, OPTION(reason), NULL, 0, 0, MU_OPTION_REQUIRED,
         "why it may be closed, as people will read it"},
};

/* Gives why not, NULL when it was done. */
static enum mu_status acknowledge(const struct acknowledge_config *config, const char *failure_id,
                                  char *ret_refused, size_t size, struct mu_error *err)
{
    static const char ids[] = ": 'muster-inventory failures --format=json' has the ids";
    const char *values[] = {failure_id, config->by, config->reason};
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;
    enum mu_status st = inventory_pg_open(config->postgres, "muster-inventory", &pg, err);

    if (st == MU_OK)
        st = mu_pg_execute(pg, READ_FAILURE_ACKNOWLEDGE, values, &result, err);
    if (st == MU_OK)
        (void)snprintf(ret_refused, size, "%s%s",
                       mu_pg_text(result, 0, 0) ? mu_pg_text(result, 0, 0) : "",
                       mu_pg_bool(result, 0, 1) ? "" : ids);
    return st;
}

int acknowledge_command(void *config_struct, int argc, char **argv)
{
    const struct acknowledge_config *config = config_struct;
    struct mu_error err;
    char refused[128];

    if (argc != 1 || !*config->by || !*config->reason) {
        (void)fprintf(stderr, "muster-inventory: acknowledge takes the id of one failure, who "
                              "(--by) and why (--reason): see 'failures --format=json'\n");
        return MU_EXIT_USAGE;
    }
    if (acknowledge(config, argv[0], refused, sizeof(refused), &err) != MU_OK) {
        (void)fprintf(stderr, "muster-inventory: %s\n", err.message);
        return MU_EXIT_FAILURE;
    }
    if (*refused) {
        (void)fprintf(stderr, "muster-inventory: %s\n", refused);
        return MU_EXIT_DIFFERENCE;
    }
    (void)printf("failure %s is closed\n", argv[0]);
    return MU_EXIT_OK;
}
