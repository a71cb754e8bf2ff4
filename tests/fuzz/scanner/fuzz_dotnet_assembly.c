/* Any bytes as a .NET assembly. */
#include "finder_fuzz.h"
#include "package/language/language_finders.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    finder_fuzz(&finder_dotnet_assembly, "app/a.dll", bytes, len);
    return 0;
}
