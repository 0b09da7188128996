/* SPDX-License-Identifier: MIT */
/* Finding and executing the programs and files that belong to this one, wherever they were built or installed. */
#ifndef LB_FRONT_PROGRAM_H
#define LB_FRONT_PROGRAM_H

/*
 * The path of `name`, relative to the folder of the running program, if that file is there with `access_mode` (R_OK,
 * X_OK); else NULL. The caller frees it.
 */
char *front_beside(const char *name, int access_mode);

/* Where to execute a program of the family: beside this one, else by its name, which PATH may have. To be freed. */
char *front_program(const char *name);

/* Becomes argv[0]; ends the process with EXIT_SYSTEM if that is not possible. */
_Noreturn void front_execute(char *const *argv);

#endif
