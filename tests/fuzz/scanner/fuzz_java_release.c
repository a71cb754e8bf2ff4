/* Any bytes as the release file of a Java runtime. */
#include "finder_fuzz.h"
#include "package/language/language_finders.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    finder_fuzz(&finder_java_release, "opt/java/release", bytes, len);
    return 0;
}
