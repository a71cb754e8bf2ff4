#include "verify/foreign_state.h"

#include "oci/reference.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

void foreign_name(const char *name, char ret_name[FOREIGN_NAME_SIZE])
{
    struct mu_oci_reference reference;
    struct mu_error err;

    if (mu_oci_reference_parse(name, strlen(name), &reference, &err) != MU_OK ||
        !*reference.repository)
        (void)snprintf(ret_name, FOREIGN_NAME_SIZE, "%s", name);
    else
        (void)snprintf(ret_name, FOREIGN_NAME_SIZE, "%s%s%s", reference.repository,
                       *reference.tag ? "/" : "", reference.tag);
}

static size_t hex_digits(const char *text, size_t len)
{
    size_t count = 0;

    while (count < len && isxdigit((unsigned char)text[count]) &&
           !isupper((unsigned char)text[count]))
        count++;
    return count;
}

bool foreign_digest(const char *text, size_t len, char ret_digest[128])
{
    static const char prefix[] = "sha256:";
    const size_t prefix_len = sizeof(prefix) - 1;

    for (size_t at = 0; at + 64 <= len; at++) {
        bool named = len - at >= prefix_len + 64 && memcmp(text + at, prefix, prefix_len) == 0;
        size_t begin = named ? at + prefix_len : at;

        if (hex_digits(text + begin, len - begin) == 64 &&
            (at == 0 || !isalnum((unsigned char)text[at - 1]))) {
            (void)snprintf(ret_digest, 128, "sha256:%.64s", text + begin);
            return true;
        }
    }
    return false;
}
