/* Any bytes as the metadata of a Python distribution. */
#include "finder_fuzz.h"
#include "package/language/language_finders.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    finder_fuzz(&finder_python_metadata, "a.dist-info/METADATA", bytes, len);
    return 0;
}
