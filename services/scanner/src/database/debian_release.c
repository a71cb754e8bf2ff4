#include "database/debian_release.h"

#include "base/text.h"

#include <stddef.h>

const char *debian_release_of(const char *codename)
{
    static const struct {
        const char *codename, *version;
    } releases[] = {{"jessie", "8"},    {"stretch", "9"},   {"buster", "10"},
                    {"bullseye", "11"}, {"bookworm", "12"}, {"trixie", "13"},
                    {"forky", "14"},    {"duke", "15"},     {"sid", "sid"}};

    for (size_t i = 0; i < sizeof(releases) / sizeof(releases[0]); i++)
        if (mu_text_equal(codename, releases[i].codename))
            return releases[i].version;
    return NULL;
}
