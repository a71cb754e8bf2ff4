#include "database/ecosystem.h"

#include "version/version.h"

#include "base/text.h"

#include <string.h>

bool ecosystem_is(const char *ecosystem, const char *family)
{
    size_t len = strlen(family);

    return strncmp(ecosystem, family, len) == 0 &&
           (ecosystem[len] == '\0' || ecosystem[len] == ':');
}

/* How much of it counts. */
static size_t filed_len(const char *ecosystem)
{
    const char *end;

    if (ecosystem_is(ecosystem, "Maven"))
        return 5;
    end = ecosystem_is(ecosystem, "Red Hat") ? strstr(ecosystem, "::") : NULL;
    return end ? (size_t)(end - ecosystem) : strlen(ecosystem);
}

bool ecosystem_file_under(const char *ecosystem, char ret_ecosystem[ECOSYSTEM_TEXT_SIZE])
{
    size_t len = filed_len(ecosystem);

    if (len >= ECOSYSTEM_TEXT_SIZE || !version_scheme_of(ecosystem))
        return false;
    memcpy(ret_ecosystem, ecosystem, len);
    ret_ecosystem[len] = '\0';
    return true;
}

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static void fold_capitals(const char *name, char *ret_name)
{
    while ((*ret_name++ = lower(*name)))
        name++;
}

/* PEP 503: runs of '-', '_' and '.' are one '-'. */
static void fold_python(const char *name, char *ret_name)
{
    for (; *name; name++) {
        if (!strchr("-_.", *name))
            *ret_name++ = lower(*name);
        else if (!strchr("-_.", name[1]) || name[1] == '\0')
            *ret_name++ = '-';
    }
    *ret_name = '\0';
}

static void keep(const char *name, char *ret_name)
{
    memcpy(ret_name, name, strlen(name) + 1);
}

bool ecosystem_fold_name(const char *ecosystem, const char *name,
                         char ret_name[ECOSYSTEM_TEXT_SIZE])
{
    static const struct {
        const char *ecosystem;
        void (*fold)(const char *, char *);
    } folds[] = {{"PyPI", fold_python}, {"NuGet", fold_capitals}, {"Packagist", fold_capitals}};
    size_t len = strlen(name);

    if (len == 0 || len >= ECOSYSTEM_TEXT_SIZE)
        return false;
    for (size_t i = 0; i < sizeof(folds) / sizeof(folds[0]); i++) {
        if (ecosystem_is(ecosystem, folds[i].ecosystem)) {
            folds[i].fold(name, ret_name);
            return true;
        }
    }
    keep(name, ret_name);
    return true;
}
