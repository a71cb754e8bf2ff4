/* Any bytes as an archive: Java's, by two file names, and Python's. */
#include "finder_fuzz.h"
#include "package/language/language_finders.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    finder_fuzz(&finder_java_archive, "lib/thing-1.2.jar", bytes, len);
    finder_fuzz(&finder_java_archive, "m2/repository/org/thing/1.0/app.war", bytes, len);
    finder_fuzz(&finder_python_egg, "thing.egg", bytes, len);
    return 0;
}
