#include "app/commands.h"

int main(int argc, char **argv)
{
    return mu_program_main(&inventory_program, argc, argv);
}
