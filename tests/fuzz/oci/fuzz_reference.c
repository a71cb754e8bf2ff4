/* Any bytes as an image reference: refused, or parts that are canonical and lead back to
 * themselves. */
#include "oci/reference.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check_again(const struct mu_oci_reference *reference)
{
    struct mu_oci_reference again;
    struct mu_error err;
    char text[2048];

    (void)snprintf(text, sizeof(text), "%s%s%s%s%s", reference->repository,
                   reference->tag[0] ? ":" : "", reference->tag, reference->digest[0] ? "@" : "",
                   reference->digest);
    if (mu_oci_reference_parse(text, strlen(text), &again, &err) == MU_E_LIMIT)
        return; /* longer together than a reference may be */
    if (strcmp(again.repository, reference->repository) != 0 ||
        strcmp(again.tag, reference->tag) != 0 || strcmp(again.digest, reference->digest) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char *exact = malloc(len ? len : 1); /* exactly as long: an over-read is caught */
    struct mu_oci_reference reference;
    char uai[MU_OCI_UAI_SIZE];
    struct mu_error err;

    if (!exact)
        return 0;
    memcpy(exact, bytes, len);
    if (mu_oci_reference_parse(exact, len, &reference, &err) == MU_OK && reference.repository[0]) {
        mu_oci_uai_format(reference.repository, reference.tag, reference.digest, uai);
        check_again(&reference);
    }
    free(exact);
    return 0;
}
