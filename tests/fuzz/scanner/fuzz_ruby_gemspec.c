/* Any bytes as a gemspec, with and without a version in the file name. */
#include "finder_fuzz.h"
#include "package/language/language_finders.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    finder_fuzz(&finder_ruby_gemspec, "specifications/a-1.0-java.gemspec", bytes, len);
    finder_fuzz(&finder_ruby_gemspec, "specifications/a.gemspec", bytes, len);
    return 0;
}
