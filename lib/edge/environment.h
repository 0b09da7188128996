/* SPDX-License-Identifier: MIT */
/* Which variables of the environment each process gets: keys are for lb-fetch alone. */
#ifndef LB_EDGE_ENVIRONMENT_H
#define LB_EDGE_ENVIRONMENT_H

/*
 * Names in LB_PRESETS the presets whose keys the environment has, so that all stages see the same ones without the keys.
 */
void environment_name_presets(void);

/*
 * The environment for a stage with this argument vector: the whole one for lb-fetch (also behind a wrapper: some word of
 * the command has that name), else only the variables that lb-listen(1) lists, none of which is a key's. The array is
 * allocated, its strings are environ's. NULL if memory is short.
 */
char **environment_for_stage(char *const *command);

/* The environment for the edge: `marker` (`NAME=VALUE`) and what a sanitizer or a loader needs. Likewise. */
char **environment_for_edge(char *marker);

#endif
