#include "app/commands.h"

int main(int argc, char **argv)
{
    return mu_program_main(&scanner_program, argc, argv);
}
