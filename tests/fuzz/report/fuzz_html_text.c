#include "html/html_out.h"

#include "base/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever the bytes, what is written is UTF-8 and holds no markup but line breaks. */
static void check(char *bytes, size_t len)
{
    if (!mu_utf8_valid(bytes, len))
        abort();
    for (char *at = strstr(bytes, "<br>"); at; at = strstr(at, "<br>"))
        memset(at, ' ', strlen("<br>"));
    if (strpbrk(bytes, "<>\"'"))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const writers[])(struct html *, const char *) = {html_text, html_attribute};
    char *text = malloc(size + 1);

    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    for (size_t i = 0; i < sizeof(writers) / sizeof(writers[0]); i++) {
        char *bytes = NULL;
        size_t len = 0;
        struct html html = {open_memstream(&bytes, &len), "memory"};

        writers[i](&html, text);
        html_done(&html);
        check(bytes, len);
        free(bytes);
    }
    free(text);
    return 0;
}
