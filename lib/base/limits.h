/* SPDX-License-Identifier: MIT */
/* Every maximum of the project, each with the reason for its size. */
#ifndef LB_BASE_LIMITS_H
#define LB_BASE_LIMITS_H

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)

/* A request head. Claude Code sends about 3 KiB; nginx allows 32 KiB by default. */
#define HEAD_MAX (64 * KIB)

/* Fields in a request head: enough for any client, few enough to search in a line. */
#define HEAD_FIELDS_MAX 128

/* A chunk's size line: extensions are read and dropped, and nobody is known to send any. */
#define CHUNK_LINE_MAX (4 * KIB)

/* The extensions of a whole body beyond as many octets as its content so far: they are work for nothing. */
#define CHUNK_EXTENSIONS_MAX (16 * KIB)

/* The trailer section of a chunked body, which is read and dropped. */
#define TRAILERS_MAX (8 * KIB)

/* A request body, unless set otherwise: Anthropic's own limit. */
#define BODY_MAX_DEFAULT (32 * MIB)

/* The most that a body limit may be set to: a body is held in memory by three stages. */
#define BODY_MAX_CEILING (1024 * MIB)

/* Bytes after a request that wait for its answer. No known client pipelines; this bounds one that does. */
#define PIPELINED_MAX (64 * KIB)

/* A record's header line: a whole request head, each octet written as \u00XX, and a plan beside it. */
#define RECORD_HEADER_MAX MIB

/* A record's payload: the largest body. */
#define RECORD_PAYLOAD_MAX BODY_MAX_CEILING

/* Nesting of JSON: deeper than any tool's schema, shallow enough for one bit a level on the stack. */
#define JSON_DEPTH_MAX 1024

/* What one read of a pipe takes at most: a pipe's default capacity. */
#define READ_MAX (64 * KIB)

/* The capacity asked of each pipe between stages, so that a large body needs few wake-ups. */
#define PIPE_CAPACITY (256 * KIB)

/* A payload from here on is written from where it lies; a smaller one is copied, to go out with its neighbours. */
#define COPY_MAX (32 * KIB)

/*
 * An event of a stream. Deltas are small, but a redacted thinking block or a search's result comes whole in one event;
 * half of the largest body is more than any of them.
 */
#define SSE_EVENT_MAX (16 * MIB)

/*
 * What a stream keeps allocated between events: most events are far smaller, and a thousand streams are open at once.
 */
#define SSE_PARTIAL_KEEP (4 * KIB)

/*
 * Members that the end of a stream may change in its message, and counts in its usage: a dozen are known, each is
 * searched for.
 */
#define MESSAGE_MEMBERS_MAX 64

/* What made a stream fail, as `end` says it: a line for a person, of which the client got the whole. */
#define STREAM_ERROR_MAX KIB

/*
 * An answer that must be whole before it can be made a stream, or be made of one: a message of 128,000 tokens is below 1 MiB,
 * and what is inside an event may have no more (SSE_EVENT_MAX).
 */
#define MESSAGE_MAX (16 * MIB)

/* Silence, in ms, after which the client of a stream is pinged: some doubt after 20 s without an octet. */
#define PING_MS_DEFAULT 10000

/* The same before there is an answer, since a ping then costs the answer's status: just under those 20 s. */
#define FIRST_PING_MS_DEFAULT 18000

/* How long, in ms, the end of an answer is waited for behind its last event: longer than any provider needs to close. */
#define END_WAIT_MS 1000

/* A count of tokens: what a reader that takes numbers as doubles still has exactly. */
#define USAGE_COUNT_MAX ((uint64_t)9007199254740991)

/* Members of a message_delta, or of a message's usage, where they have to be compared with each other: the API has a dozen. */
#define MESSAGE_MEMBERS_MAX 64

/* A provider's name or a request's id, as messages to clients have them. */
#define STREAM_NAME_MAX 256

/* What the work of all streams together keeps allocated: an event is seldom larger than what one read takes. */
#define STREAM_WORK_KEEP (2 * READ_MAX)

/* A configuration file. */
#define CONFIG_MAX (4 * MIB)

/* A provider's name: it stands in every answer's head and every line about it. */
#define PROVIDER_NAME_MAX 64

/* A provider's base URL: the longest known has 60. */
#define BASE_URL_MAX 1024

/* A model's name: the longest known has some 80; it stands in each plan. */
#define MODEL_MAX KIB

/* metadata.user_id: Claude Code's, the longest known, has some 250 octets. */
#define USER_ID_MAX (4 * KIB)

/* Targets of a route: more would not be tried within any client's patience. */
#define TARGETS_MAX 64

/* A target's weight: shares of a thousandth are as fine as anyone asks for. */
#define WEIGHT_MAX 1000

/* A target's priority: as many steps as a person keeps apart. */
#define PRIORITY_MAX 1000

/* Requests in flight on a target: more than one machine's connections. */
#define MAX_IN_FLIGHT_MAX 30000

/* A price of a million tokens: beyond any currency's, and its millionths times a day's tokens fit 64 bits. */
#define PRICE_MAX ((uint64_t)1000000)

/* For how long, in ms, a request waits for the first of its targets that is due again, where all cool down. */
#define PATIENCE_MS 2000

/* Where a route says nothing: prompt caches live for five minutes; one request in twenty explores. */
#define STICKY_RETURN_MS_DEFAULT 300000
#define EXPLORE_PERCENT_DEFAULT 5

/* Keys of a provider: likewise, since each is an attempt. */
#define KEYS_MAX 32

/* Attempts of a plan: each is some 300 octets and the request's path in each request's record. */
#define ATTEMPTS_MAX 64

/* Names of models in an error's message: a person reads no more of them. */
#define MODELS_TOLD_MAX 40

/* A time limit in the configuration: a day. */
#define LIMIT_MS_MAX 86400000

/* A model's context in the configuration, in tokens: a thousand times the largest known. */
#define CONTEXT_MAX 1000000000

/* A replay script: a recorded answer of several MiB, written out. */
#define REPLAY_SCRIPT_MAX (16 * MIB)

/* A file that a replay script sends, and what one of its steps may become by substitution. */
#define REPLAY_FILE_MAX (64 * MIB)

/* Steps of a replay script: one for each event of a long recorded stream, many times over. */
#define REPLAY_STEPS_MAX 1000000

/* Conditions, answers and blocks of a replay script: more than a person writes. */
#define REPLAY_ITEMS_MAX 10000

/* Nesting of `repeat` in a replay script, and the rounds of one. */
#define REPLAY_DEPTH_MAX 8
#define REPLAY_ROUNDS_MAX 1000000

/* A pause in a replay script: a day is longer than any test. */
#define REPLAY_PAUSE_MAX_MS ((uint64_t)24 * 3600 * 1000)

/* Mistakes told of one replay script: what follows from a misunderstanding need not be told a thousand times. */
#define REPLAY_MISTAKES_MAX 100

/*
 * An attempt's time limits where nothing is configured: a TCP and TLS handshake over a poor line, with one retry of
 * it.
 */
#define CONNECT_MS_DEFAULT 10000

/* The first byte of a stream: a long prompt is read in less, and clients begin to doubt after it. */
#define FIRST_BYTE_STREAM_MS_DEFAULT 120000

/* The first byte of a whole answer, which comes when the answer is done: the SDKs' own limit. */
#define FIRST_BYTE_MS_DEFAULT 600000

/* Silence between bytes: providers ping every 15 s or so. */
#define IDLE_MS_DEFAULT 120000

/* A whole answer: no model writes for longer. */
#define TOTAL_MS_DEFAULT 3600000

/* A diagnostic line: journald's own limit is 48 KiB, a person's far lower. */
#define DIAG_MAX 1024

/* A key in a file: far longer than any, short enough to notice that the file is another. */
#define SECRET_MAX (16 * KIB)

/* A path that is composed: Linux's own limit. */
#define PATH_BYTES_MAX ((size_t)4096)

/* The answer of a provider that failed, held in case no other does better: error bodies are far smaller. */
#define HELD_MAX MIB

/* The most that may be set for it: each open request may hold as much. */
#define HELD_MAX_CEILING (64 * MIB)

/* How long the body of such an answer is waited for, in ms, once its head is there: the next provider waits as long. */
#define HELD_WAIT_MS 2000

/* The header fields of a response that pass to the client: what libcurl takes as one header is 100 KiB. */
#define RESPONSE_HEAD_MAX (64 * KIB)

/* The longest wait, in seconds, that a client is told: some wait for as long as they are told, without a limit. */
#define RETRY_AFTER_MAX ((uint64_t)60)

/* The longest wait, in ms, that a provider is taken at its word for: after a day it may be asked again. */
#define WAIT_MS_MAX ((uint64_t)24 * 3600 * 1000)

/* What is told of a provider's error: two lines on a screen; some providers repeat the request in theirs. */
#define REFUSAL_TEXT_MAX 400

/* Why the commit gate lets an answer fail: such a text, and words around it. */
#define GATE_WHY_MAX KIB

/* What went wrong at all providers of a request, as its client is told: about ten of them, each a sentence. */
#define SAID_MAX (2 * KIB)

/* Runs of thinking blocks cut out of one request: each turn with tools has one, and no context holds so many turns. */
#define STRIP_CUTS_MAX ((size_t)65536)

/* `x-lb-reason`, in octets: a line that a person reads; and what is told in it of one attempt without a status. */
#define REASON_MAX ((size_t)256)
#define REASON_PART_MAX ((size_t)80)

/* A key shorter than this is none, but a word such as `none` for a server that looks at no key, and stands in sentences. */
#define REDACT_MIN ((size_t)6)

/* An error's body that is passed on as it came: they have a few hundred octets, and all of it is searched for keys. */
#define PASSED_ERROR_MAX (64 * KIB)

/* What libcurl reads of a connection at once: each open transfer has such a buffer. */
#define RECEIVE_MAX (16 * KIB)

/* Connections to providers kept open for reuse, at most, whatever the descriptor limit allows. */
#define KEPT_CONNECTIONS_MAX 4096

/* What libcurl sends of a large body at once: each open transfer with one has such a buffer. */
#define SEND_MAX (32 * KIB)

/* The longest data record that pieces of an answer are gathered into. */
#define ANSWER_DATA_MAX (64 * KIB)

/* libcurl handles, and records of open requests, kept for the next ones: a burst's worth, 10 KiB each. */
#define HANDLES_KEPT 128

/* An access line with its line feed: what a pipe takes whole or not at all (PIPE_BUF), so that no two are mixed. */
#define ACCESS_LINE_MAX ((size_t)4096)

/*
 * What texts may take of such a line, in octets as they are written. The longest known path has 60, a model's name 80; an
 * error names each provider, of which a person needs the first ones; an attempt takes some 70; a repair some 20.
 */
#define ACCESS_PATH_MAX ((size_t)768)
#define ACCESS_NAME_MAX ((size_t)192)
#define ACCESS_ERROR_MAX ((size_t)640)
#define ACCESS_ATTEMPTS_MAX KIB
#define ACCESS_REPAIRS_MAX ((size_t)384)

/* Access lines that wait for their reader: those of the moment in which it does something else. */
#define ACCESS_WAITING_MAX (256 * KIB)

/* Requests whose clients have gone and whose ends are awaited, for their access lines; beyond it those do not wait. */
#define ACCESS_LEAVING_MAX 4096

/* A method's name: the longest registered has 17 letters. */
#define METHOD_MAX ((size_t)32)

/* Rows of the health table, each a target with one of its keys: every target of several full routes. */
#define HEALTH_ROWS 512

/* Living lb-fetch that the health table counts: the per-connection units allow 256. */
#define HEALTH_SLOTS 1024

/* A model's name and a key's reference in the table, for a person to read; longer ones are told apart by their hash. */
#define HEALTH_MODEL_MAX 256
#define HEALTH_KEY_MAX 128

/* Failures in a row that open a target's breaker: two may be bad luck. */
#define HEALTH_BREAKER_FAILURES 3

/* The longest cool-down by doubling, in ms: most providers count by the minute. */
#define HEALTH_DOUBLED_MS_MAX ((uint64_t)60000)

/* The same for a provider that is overloaded, which is about everyone and passes soon. */
#define HEALTH_BUSY_MS_MAX ((uint64_t)8000)

/* A key that was refused is put aside for so long, in ms: a person has to see to it. */
#define HEALTH_KEY_MS ((uint64_t)600000)

/* The longest cool-down that a provider may ask for, in ms; one that ends later comes of a clock that was set back. */
#define HEALTH_COOL_MS_MAX ((uint64_t)86400000)

/* A half-open trial that says nothing for so long, in ms, no longer keeps others away: no model thinks for longer. */
#define HEALTH_TRIAL_MS_MAX ((uint64_t)600000)

/* How often, in ms, the table's file and the slots of dead processes are looked at: some microseconds each time. */
#define HEALTH_CHECK_MS ((uint64_t)1000)

/* How long, in ms, the making of a row waits for another process that makes one: requests wait meanwhile. */
#define HEALTH_LOCK_MS 100

/* The same for the making of the file, at a process's start: a slow disk has to find it 2 MiB. */
#define HEALTH_MAKE_MS 3000

/* The last times to first content that a row keeps: enough for a 95th percentile. */
#define HEALTH_RECENT 64

#endif
