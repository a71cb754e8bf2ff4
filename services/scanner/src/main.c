#include "app/commands.h"

#include "package/finder.h"
#include "sandbox/sandbox_child.h"

int main(int argc, char **argv)
{
    if (sandbox_child_is_asked(argc, argv))
        return sandbox_child_main(finders, finder_count);
    return mu_program_main(&scanner_program, argc, argv);
}
