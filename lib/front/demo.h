/* SPDX-License-Identifier: MIT */
/* The recorded provider of a first run. */
#ifndef LB_FRONT_DEMO_H
#define LB_FRONT_DEMO_H

/*
 * Starts a child that serves recorded.replay on a free port of 127.0.0.1, and makes it, by LB_PRESETS and
 * REPLAY_BASE_URL, the provider of this process and of what it executes. The child is in a process group of its own and
 * ends when this process does. Ends the process with EXIT_SYSTEM if something is in the way.
 */
void demo_start(void);

#endif
