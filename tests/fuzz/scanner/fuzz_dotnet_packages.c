/* Any bytes as both of .NET's lists. */
#include "finder_fuzz.h"
#include "package/language/language_finders.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    finder_fuzz(&finder_dotnet_packages, "a.deps.json", bytes, len);
    finder_fuzz(&finder_dotnet_packages, "packages.lock.json", bytes, len);
    return 0;
}
