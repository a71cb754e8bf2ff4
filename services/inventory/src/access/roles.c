#include "access/roles.h"

#include <stdio.h>
#include <string.h>

struct role_name {
    const char *name;
    enum role role;
};

static const struct role_name names[] = {{"viewer", ROLE_VIEWER},     {"assessor", ROLE_ASSESSOR},
                                         {"operator", ROLE_OPERATOR}, {"scanner", ROLE_SCANNER},
                                         {"ingest", ROLE_INGEST},     {"pipeline", ROLE_PIPELINE}};
enum { ROLE_COUNT = sizeof(names) / sizeof(names[0]) };

static unsigned role_of(const char *word, size_t len)
{
    for (size_t i = 0; i < ROLE_COUNT; i++)
        if (strlen(names[i].name) == len && memcmp(names[i].name, word, len) == 0)
            return names[i].role;
    return 0;
}

enum mu_status roles_from_words(const char *text, size_t len, unsigned *ret_roles,
                                struct mu_error *err)
{
    unsigned roles = 0;

    for (const char *at = text, *end = text + len; at <= end;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        size_t word_len = (size_t)((comma ? comma : end) - at);
        unsigned role = role_of(at, word_len);

        if (!role)
            return mu_fail(err, MU_E_INVALID,
                           "'%.*s' is no role; there are viewer, assessor, operator, scanner, "
                           "ingest, pipeline and as:ROLE for what a person is",
                           (int)(word_len < 40 ? word_len : 40), at);
        roles |= role;
        at += word_len + 1;
    }
    *ret_roles = roles;
    return MU_OK;
}

void roles_to_words(unsigned roles, char ret_text[ROLES_TEXT_SIZE])
{
    size_t len = 0;

    ret_text[0] = '\0';
    for (size_t i = 0; i < ROLE_COUNT; i++)
        if (roles & names[i].role)
            len += (size_t)snprintf(ret_text + len, ROLES_TEXT_SIZE - len, "%s%s", len ? "," : "",
                                    names[i].name);
}
