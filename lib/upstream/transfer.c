/* SPDX-License-Identifier: MIT */
#include "upstream/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/num.h"
#include "upstream/headers.h"

struct transfer {
	struct transfers *all;
	struct transfer *next;		/* among those in use, or those to be used again */
	struct transfer *previous;
	CURL *easy;
	const struct transfer_events *events;
	void *context;
	struct buf lines;		/* the request's header fields, and libcurl's list of them */
	struct curl_slist *list;
	size_t list_cap;
	size_t body_len;
	struct buf head;		/* the response's header fields that pass */
	int status;
	bool head_done;
	bool coded;			/* content-encoding or transfer-encoding: the length is not the body's */
	bool came;			/* an octet of the response's body has come */
	bool awaits_content;
	bool began;			/* what first_byte_ms limits is over */
	bool paused;
	struct config_limits limits;
	uint64_t started;		/* ms, monotonic; so the two below */
	uint64_t last;			/* when the last octet of the body came, or reading went on after a pause */
	uint64_t hurry;			/* transfer_hurry's limit, 0 if none */
	ev_timer timer;
	char why[CURL_ERROR_SIZE];
};

struct transfers {
	struct loop *loop;
	char *ca_file;
	struct transfer *open;
	struct transfer *unused;
	size_t unused_count;
};

static void
link_in(struct transfer **list, struct transfer *transfer)
{
	transfer->previous = NULL;
	transfer->next = *list;
	if (*list != NULL)
		(*list)->previous = transfer;
	*list = transfer;
}

static void
unlink_from(struct transfer **list, struct transfer *transfer)
{
	if (transfer->previous != NULL)
		transfer->previous->next = transfer->next;
	else
		*list = transfer->next;
	if (transfer->next != NULL)
		transfer->next->previous = transfer->previous;
}

static void
destroy(struct transfer *transfer)
{
	curl_easy_cleanup(transfer->easy);
	if (transfer->lines.mem != NULL)
		explicit_bzero(transfer->lines.mem, transfer->lines.cap);
	buf_free(&transfer->lines);
	buf_free(&transfer->head);
	free(transfer->list);
	free(transfer);
}

/* Takes the handle out of libcurl's hands and keeps it for the next transfer. */
static void
release(struct transfer *transfer)
{
	struct transfers *all = transfer->all;

	ev_timer_stop(loop_ev(all->loop), &transfer->timer);
	curl_multi_remove_handle(loop_multi(all->loop), transfer->easy);
	unlink_from(&all->open, transfer);
	if (all->unused_count >= HANDLES_KEPT) {
		destroy(transfer);
		return;
	}
	/* A key does not stay behind. */
	if (transfer->lines.mem != NULL)
		explicit_bzero(buf_data(&transfer->lines), buf_len(&transfer->lines));
	buf_clear(&transfer->lines);
	buf_clear(&transfer->head);
	link_in(&all->unused, transfer);
	all->unused_count++;
}

/* Without this libcurl would leave the connection of a stream's HTTP/2 as it is, and the stream running. */
static void
break_off(struct transfer *transfer)
{
	curl_easy_setopt(transfer->easy, CURLOPT_FORBID_REUSE, 1L);
	release(transfer);
}

static void
end(struct transfer *transfer, enum transfer_end how)
{
	transfer->events->done(transfer->context, how, how == TRANSFER_WHOLE ? NULL : transfer->why);
	if (how == TRANSFER_WHOLE)
		release(transfer);
	else
		break_off(transfer);
}

/* Time limits. That for connecting is libcurl's, which divides it among a host's addresses; all others are these. */

static void
keep_earlier(uint64_t *deadline, const char **what, uint64_t from, uint64_t ms, const char *name)
{
	if (ms != 0 && ms <= UINT64_MAX - from && from + ms < *deadline) {
		*deadline = from + ms;
		*what = name;
	}
}

static uint64_t
deadline_of(const struct transfer *transfer, const char **what)
{
	const struct config_limits *limits = &transfer->limits;
	uint64_t deadline = UINT64_MAX;

	keep_earlier(&deadline, what, transfer->started, limits->total_ms, "no end of the answer in the time that it has");
	if (transfer->hurry != 0)
		keep_earlier(&deadline, what, 0, transfer->hurry, "no end of the answer in the time that an error has");
	if (transfer->paused)
		return deadline;
	if (!transfer->began)
		keep_earlier(&deadline, what, transfer->started, limits->first_byte_ms,
		    transfer->came ? "no content in time" : "no first byte in time");
	if (transfer->came)
		keep_earlier(&deadline, what, transfer->last, limits->idle_ms, "silent for too long");
	return deadline;
}

static void
arm(struct transfer *transfer)
{
	const char *what = NULL;
	uint64_t deadline = deadline_of(transfer, &what), now = clock_monotonic_ms();
	struct ev_loop *ev = loop_ev(transfer->all->loop);

	ev_timer_stop(ev, &transfer->timer);
	if (deadline == UINT64_MAX)
		return;
	ev_timer_set(&transfer->timer, deadline > now ? (double)(deadline - now) / 1000 : 0, 0);
	ev_timer_start(ev, &transfer->timer);
}

/* Octets that come only move the deadline; so when the timer fires it may not be due, and is set anew. */
static void
on_timer(struct ev_loop *ev, ev_timer *timer, int revents)
{
	struct transfer *transfer = timer->data;
	const char *what = "";
	uint64_t deadline = deadline_of(transfer, &what), now = clock_monotonic_ms();

	(void)ev;
	(void)revents;
	if (deadline > now) {
		arm(transfer);
		return;
	}
	snprintf(transfer->why, sizeof transfer->why, "%s (%llu ms)", what,
	    (unsigned long long)(now - (transfer->came && what[0] == 's' ? transfer->last : transfer->started)));
	end(transfer, TRANSFER_TIMEOUT);
}

/* libcurl's callbacks */

static void
begin_head(struct transfer *transfer, const char *line, size_t n)
{
	const char *space = memchr(line, ' ', n);
	uint64_t status = 0;

	if (space != NULL && n - (size_t)(space + 1 - line) >= 3)
		num_parse(space + 1, 3, 999, &status);
	transfer->status = (int)status;
	transfer->head_done = transfer->coded = false;
	buf_clear(&transfer->head);
}

/* CURLOPT_HEADERFUNCTION: one line; also those of interim responses, and of trailers, which are left out. */
static size_t
on_header(char *line, size_t size, size_t n, void *context)
{
	struct transfer *transfer = context;
	const char *value;
	size_t len;

	n *= size;
	if (n > 5 && memcmp(line, "HTTP/", 5) == 0)
		begin_head(transfer, line, n);
	else if (transfer->head_done)
		return n;
	else if (n <= 2 && (line[0] == '\r' || line[0] == '\n')) {
		if (transfer->status >= 200) {
			transfer->head_done = true;
			transfer->events->head(transfer->context);
		}
	} else {
		if (headers_is(line, n, "transfer-encoding", &value, &len) ||
		    (headers_is(line, n, "content-encoding", &value, &len) && !(len == 8 && strncasecmp(value, "identity", 8) == 0)))
			transfer->coded = true;
		headers_keep_response(&transfer->head, line, n);
	}
	if (!transfer->head.failed)
		return n;
	snprintf(transfer->why, sizeof transfer->why, "the head of the answer is too large");
	return 0;
}

/* CURLOPT_WRITEFUNCTION */
static size_t
on_body(char *p, size_t size, size_t n, void *context)
{
	struct transfer *transfer = context;

	n *= size;
	if (n == 0)
		return 0;
	transfer->last = clock_monotonic_ms();
	if (!transfer->came) {
		transfer->came = true;
		if (!transfer->awaits_content)
			transfer->began = true;
		arm(transfer);
	}
	return transfer->events->body(transfer->context, p, n) ? n : 0;
}

/* A transfer that libcurl is done with. */
static void
on_done(CURL *easy, CURLcode code)
{
	struct transfer *transfer;
	char *context;

	if (curl_easy_getinfo(easy, CURLINFO_PRIVATE, &context) != CURLE_OK)
		return;
	transfer = (struct transfer *)(void *)context;
	if (code != CURLE_OK && transfer->why[0] == '\0')
		snprintf(transfer->why, sizeof transfer->why, "%s", curl_easy_strerror(code));
	if (code == CURLE_OK && transfer->head_done)
		end(transfer, TRANSFER_WHOLE);
	else if (code == CURLE_OK) {
		/* libcurl is content with the status line. */
		snprintf(transfer->why, sizeof transfer->why, "closed the connection in the middle of the head");
		end(transfer, TRANSFER_FAILED);
	}
	else
		end(transfer, code == CURLE_OPERATION_TIMEDOUT ? TRANSFER_TIMEOUT : TRANSFER_FAILED);
}

/* What is the same for all requests. */
static void
set_up(struct transfer *transfer)
{
	CURL *easy = transfer->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
	curl_easy_setopt(easy, CURLOPT_SHARE, loop_share(transfer->all->loop));
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->why);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_MAX);
	curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)SEND_MAX);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	/* A resolver's thread that hangs is left behind; without this its transfer's removal would wait for it. */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	/* With a folder of certificates libcurl reads the bundle anew for each connection. */
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
	if (transfer->all->ca_file != NULL) {
		curl_easy_setopt(easy, CURLOPT_CAINFO, transfer->all->ca_file);
		curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, transfer->all->ca_file);
	}
	/* Every coding that libcurl can undo; that none is asked for is said by a header field of our own. */
	curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
}

static struct transfer *
new_transfer(struct transfers *all)
{
	struct transfer *transfer = all->unused;

	if (transfer != NULL) {
		unlink_from(&all->unused, transfer);
		all->unused_count--;
		curl_easy_setopt(transfer->easy, CURLOPT_FORBID_REUSE, 0L);
		return transfer;
	}
	if ((transfer = calloc(1, sizeof *transfer)) == NULL)
		return NULL;
	transfer->all = all;
	buf_init(&transfer->lines, RECORD_HEADER_MAX);
	buf_init(&transfer->head, RESPONSE_HEAD_MAX);
	ev_init(&transfer->timer, on_timer);
	transfer->timer.data = transfer;
	if ((transfer->easy = curl_easy_init()) == NULL) {
		free(transfer);
		return NULL;
	}
	set_up(transfer);
	return transfer;
}

static void
put_line(struct buf *lines, const char *name, const char *value)
{
	buf_puts(lines, name);
	buf_puts(lines, value);
	buf_putc(lines, '\0');
}

static void
put_absent(struct buf *lines, const char *name)
{
	/* libcurl would add one of its own. A name with nothing behind its colon says no. */
	if (!headers_have(buf_data(lines), buf_len(lines), name))
		put_line(lines, name, ":");
}

static void
put_lines(struct buf *lines, const struct transfer_request *request)
{
	headers_put_request(lines, request->headers, request->key != NULL && request->key->client);
	put_absent(lines, "accept");
	put_absent(lines, "user-agent");
	put_absent(lines, "content-type");
	put_line(lines, "accept-encoding: ", "identity");
	put_line(lines, "expect:", "");
	if (request->key == NULL || request->key->value == NULL)
		return;
	if (request->auth == AUTH_X_API_KEY)
		put_line(lines, "x-api-key: ", request->key->value);
	else if (request->auth == AUTH_BEARER)
		put_line(lines, "authorization: Bearer ", request->key->value);
}

/* libcurl's list of the lines, in memory that is used again: it reads the list and never changes it. */
static bool
make_list(struct transfer *transfer)
{
	char *lines = buf_data(&transfer->lines);
	size_t n = buf_len(&transfer->lines), count = 0;

	if (transfer->lines.failed)
		return false;
	for (size_t i = 0; i < n; i += strlen(lines + i) + 1)
		count++;
	if (count > transfer->list_cap) {
		struct curl_slist *list = realloc(transfer->list, count * sizeof *list);

		if (list == NULL)
			return false;
		transfer->list = list;
		transfer->list_cap = count;
	}
	for (size_t i = 0, at = 0; i < count; at += strlen(lines + at) + 1, i++)
		transfer->list[i] = (struct curl_slist){ lines + at, i + 1 < count ? &transfer->list[i + 1] : NULL };
	return true;
}

static void
set_method(CURL *easy, const struct transfer_request *request)
{
	char method[METHOD_MAX + 1];
	bool head = json_equals(request->method, "HEAD"), post = json_equals(request->method, "POST");
	bool get = json_equals(request->method, "GET");
	size_t n = request->method.len - 2;

	if (post || (request->body_len > 0 && !head)) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body_len > 0 ? request->body : "");
	} else {
		/* In this order: POSTFIELDS alone makes it a POST. */
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, NULL);
		curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
		if (head)
			curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	}
	if (post || head || (get && request->body_len == 0) || request->method.len > METHOD_MAX + 2) {
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, NULL);
		return;
	}
	memcpy(method, request->method.p + 1, n);
	method[n] = '\0';
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
}

static bool
set_request(struct transfer *transfer, const struct transfer_request *request)
{
	CURL *easy = transfer->easy;
	uint64_t connect = request->limits.connect_ms;

	put_lines(&transfer->lines, request);
	if (!make_list(transfer) || curl_easy_setopt(easy, CURLOPT_URL, request->url) != CURLE_OK)
		return false;
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->list);
	set_method(easy, request);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
	    (long)(request->http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
	curl_easy_setopt(easy, CURLOPT_PIPEWAIT, request->http2 ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(connect < INT32_MAX ? connect : INT32_MAX));
	return true;
}

struct transfer *
transfer_start(struct transfers *all, const struct transfer_request *request, const struct transfer_events *events,
    void *context)
{
	struct transfer *transfer = new_transfer(all);

	if (transfer == NULL)
		return NULL;
	link_in(&all->open, transfer);
	transfer->events = events;
	transfer->context = context;
	transfer->body_len = request->body_len;
	transfer->limits = request->limits;
	transfer->status = 0;
	transfer->head_done = transfer->coded = transfer->came = transfer->began = transfer->paused = false;
	transfer->awaits_content = request->awaits_content;
	transfer->started = transfer->last = clock_monotonic_ms();
	transfer->hurry = 0;
	transfer->why[0] = '\0';
	if (!set_request(transfer, request) ||
	    curl_multi_add_handle(loop_multi(all->loop), transfer->easy) != CURLM_OK) {
		release(transfer);
		return NULL;
	}
	arm(transfer);
	return transfer;
}

void
transfer_cancel(struct transfer *transfer)
{
	break_off(transfer);
}

void
transfer_pause(struct transfer *transfer)
{
	transfer->paused = true;
	curl_easy_pause(transfer->easy, CURLPAUSE_RECV);
}

void
transfer_resume(struct transfer *transfer)
{
	transfer->paused = false;
	transfer->last = clock_monotonic_ms();
	arm(transfer);
	curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
}

void
transfer_has_content(struct transfer *transfer)
{
	if (transfer->began)
		return;
	transfer->began = true;
	arm(transfer);
}

void
transfer_hurry(struct transfer *transfer, uint64_t ms)
{
	transfer->hurry = clock_monotonic_ms() + ms;
	arm(transfer);
}

int
transfer_status(const struct transfer *transfer)
{
	return transfer->head_done ? transfer->status : 0;
}

const char *
transfer_head(const struct transfer *transfer, size_t *n)
{
	*n = buf_len(&transfer->head);
	return buf_data(&transfer->head);
}

int64_t
transfer_length(const struct transfer *transfer)
{
	curl_off_t length = -1;

	if (transfer->coded || transfer->status == 204 || transfer->status == 304 ||
	    curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length) != CURLE_OK)
		return -1;
	return length;
}

bool
transfer_body_is_sent(const struct transfer *transfer)
{
	curl_off_t sent = 0;

	return curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_UPLOAD_T, &sent) == CURLE_OK &&
	    (uint64_t)sent >= transfer->body_len;
}

struct transfers *
transfers_new(struct loop *loop, const char *ca_file)
{
	struct transfers *all = calloc(1, sizeof *all);

	if (all == NULL || (ca_file != NULL && (all->ca_file = strdup(ca_file)) == NULL)) {
		free(all);
		return NULL;
	}
	all->loop = loop;
	return all;
}

void
transfers_free(struct transfers *all)
{
	if (all == NULL)
		return;
	while (all->open != NULL)
		break_off(all->open);
	while (all->unused != NULL) {
		struct transfer *transfer = all->unused;

		all->unused = transfer->next;
		destroy(transfer);
	}
	free(all->ca_file);
	free(all);
}

void
transfers_work(struct transfers *all)
{
	loop_work(all->loop, on_done);
}
