/* SPDX-License-Identifier: MIT */
/* The command line of lb-listen. */
#ifndef LB_EDGE_OPTIONS_H
#define LB_EDGE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct options {
	char **addresses;	/* as given by -l; NULL and 0: none were */
	size_t address_count;
	size_t pipelines;
	bool open;		/* listen beyond loopback */
	mode_t socket_mode;	/* of Unix sockets */
	size_t max_body;	/* octets */
	double head_s;		/* time limits, in seconds */
	double body_s;
	double idle_s;
	double drain_s;
	const char *access_log;	/* where access lines go, for accesslog_open; NULL: nowhere */
	uint64_t access_every;	/* each so manieth request has one */
	char ***stages;		/* each an argument vector ended by NULL */
	size_t stage_count;	/* 0: a filter */
};

/* Reads the command line; ends the process at --help, --version and mistakes. */
void options_parse(struct options *options, int argc, char **argv);
void options_free(struct options *options);

#endif
