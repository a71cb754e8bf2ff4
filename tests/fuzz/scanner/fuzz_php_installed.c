/* Any bytes as what Composer installed. */
#include "finder_fuzz.h"
#include "package/language/language_finders.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    finder_fuzz(&finder_php_installed, "vendor/composer/installed.json", bytes, len);
    return 0;
}
