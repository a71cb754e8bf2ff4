/* Any bytes as a package.json, and as npm's list of what it installed. */
#include "finder_fuzz.h"
#include "package/language/language_finders.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    finder_fuzz(&finder_node_package, "node_modules/a/package.json", bytes, len);
    finder_fuzz(&finder_node_installed, "node_modules/.package-lock.json", bytes, len);
    return 0;
}
