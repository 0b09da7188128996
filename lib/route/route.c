/* SPDX-License-Identifier: MIT */
#include "route/route.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/num.h"
#include "base/version.h"
#include "route/access.h"
#include "route/body.h"
#include "route/models.h"
#include "route/path.h"
#include "route/plan.h"

struct router {
	const struct config *config;
	struct plan *(*by_route)[DIALECT_COUNT];	/* in the order of the routes */
	struct plan *by_dialect[DIALECT_COUNT];
	char *models[DIALECT_COUNT];

	/* For the request at hand. */
	struct buf text;
	struct buf model;	/* the name asked for */
	struct buf message;
	struct buf scratch;
	struct buf extra_headers;
	struct order order;
};

static bool
render(struct router *router)
{
	const struct config *config = router->config;
	bool done = true;

	for (int d = 0; d < DIALECT_COUNT; d++) {
		enum dialect dialect = (enum dialect)d;

		for (size_t i = 0; i < config->route_count; i++) {
			router->by_route[i][d] = plan_of_route(config, &config->routes[i], dialect);
			done = router->by_route[i][d] && done;
		}
		router->by_dialect[d] = plan_of_dialect(config, dialect);
		router->models[d] = models_list(config, dialect);
		done = router->by_dialect[d] && router->models[d] && done;
	}
	return done;
}

struct router *
router_new(const struct config *config)
{
	struct router *router = calloc(1, sizeof *router);

	if (router == NULL)
		return NULL;
	router->config = config;
	buf_init(&router->text, RECORD_HEADER_MAX);
	buf_init(&router->model, 4 * MODEL_MAX);
	buf_init(&router->message, RECORD_HEADER_MAX);
	buf_init(&router->scratch, RECORD_HEADER_MAX);
	buf_init(&router->extra_headers, KIB);
	router->by_route = calloc(config->route_count + 1, sizeof *router->by_route);
	if (router->by_route != NULL && render(router))
		return router;
	router_free(router);
	return NULL;
}

void
router_free(struct router *router)
{
	if (router == NULL)
		return;
	for (int d = 0; d < DIALECT_COUNT; d++) {
		for (size_t i = 0; router->by_route != NULL && i < router->config->route_count; i++)
			plan_free(router->by_route[i][d]);
		plan_free(router->by_dialect[d]);
		free(router->models[d]);
	}
	free(router->by_route);
	buf_free(&router->text);
	buf_free(&router->model);
	buf_free(&router->message);
	buf_free(&router->scratch);
	buf_free(&router->extra_headers);
	free(router);
}

/* A request on its way to a decision. */
struct deciding {
	struct router *router;
	const struct request *request;
	const struct moment *moment;
	struct path path;
	enum dialect dialect;
	struct decision *decision;
};

static bool
method_is(const struct deciding *d, const char *method)
{
	return strlen(method) == d->request->method.len &&
	    memcmp(d->request->method.p, method, d->request->method.len) == 0;
}

/* The router's text is the answer's content. */
static void
answer(struct deciding *d, int status, const char *extra_headers)
{
	struct buf *text = &d->router->text;

	*d->decision = (struct decision){
		.status = status,
		.extra_headers = extra_headers,
		.head_only = method_is(d, "HEAD"),
		.text = buf_data(text),
		.len = buf_len(text),
	};
}

static void
answer_text(struct deciding *d, const char *text)
{
	buf_puts(&d->router->text, text);
	answer(d, 200, NULL);
}

/* An error in the client's dialect; its message is what the router's `message` holds. */
static void
refuse(struct deciding *d, int status, const char *extra_headers)
{
	struct text id = d->request->request_id;
	struct buf *scratch = &d->router->scratch;
	const char *message = buf_str(&d->router->message);

	buf_clear(scratch);
	buf_put(scratch, id.p, id.len);
	buf_clear(&d->router->text);
	dialect_put_error(&d->router->text, d->dialect, status, message ? message : "the request is too long",
	    id.p ? buf_str(scratch) : NULL);
	answer(d, status, extra_headers);
}

static void
refuse_saying(struct deciding *d, int status, const char *message)
{
	buf_puts(&d->router->message, message);
	refuse(d, status, NULL);
}

/* Adds what a client sent, for it to recognise; cut if it is long. */
static void
put_quoted(struct buf *out, const char *p, size_t n)
{
	buf_putc(out, '\'');
	for (size_t i = 0; i < n && i < 200; i++)
		buf_putc(out, p[i] == '\0' ? ' ' : p[i]);
	buf_puts(out, n > 200 ? "…'" : "'");
}

/* Refuses what a web page may have sent. True if it was refused. */
static bool
check_access(struct deciding *d)
{
	const struct config *config = d->router->config;
	const struct request *request = d->request;
	struct text hosts[] = { request->host, { d->path.authority, d->path.authority_len } };
	struct buf *message = &d->router->message;

	if (request->origin.p != NULL && !access_origin(config, request->origin.p, request->origin.len)) {
		buf_puts(message, "calls from the web origin ");
		put_quoted(message, request->origin.p, request->origin.len);
		buf_puts(message, " are not allowed: name it in 'origins' of lb's configuration if they should be");
		refuse(d, 403, NULL);
		return true;
	}
	for (size_t i = 0; i < sizeof hosts / sizeof *hosts && !request->from_unix_socket; i++) {
		if (hosts[i].p == NULL || access_host(config, hosts[i].p, hosts[i].len))
			continue;
		buf_puts(message, "calls to the host ");
		put_quoted(message, hosts[i].p, hosts[i].len);
		buf_puts(message, " are not allowed: name it in 'hosts' of lb's configuration, without its port, if "
		    "they should be");
		refuse(d, 403, NULL);
		return true;
	}
	return false;
}

static void
refuse_method(struct deciding *d)
{
	struct buf *message = &d->router->message;

	put_quoted(message, d->path.p, d->path.path_len);
	buf_printf(message, " takes %s only", path_methods(d->path.kind));
	refuse(d, 405, d->path.kind == PATH_BY_MODEL ? ",\"allow\":\"POST\"" : ",\"allow\":\"GET, HEAD\"");
}

static void
refuse_path(struct deciding *d)
{
	struct buf *message = &d->router->message;

	buf_puts(message, "there is nothing at ");
	put_quoted(message, d->path.p, d->path.path_len);
	buf_puts(message, ": lb serves /v1/messages and whatever else Anthropic's API has below /v1/, and "
	    "/v1/chat/completions and whatever else OpenAI's has; check the base URL that the client was given");
	refuse(d, 404, NULL);
}

static void
refuse_model(struct deciding *d, const char *model, size_t n)
{
	struct buf *message = &d->router->message;

	buf_puts(message, "no route is for the model ");
	put_quoted(message, model, n);
	buf_puts(message, "; there are: ");
	models_put_patterns(d->router->config, message);
	refuse(d, 404, NULL);
}

/* Everybody cools down, and nobody is due soon enough to be waited for. */
static void
refuse_for_now(struct deciding *d, const struct plan *plan)
{
	const struct order *order = &d->router->order;
	uint64_t now = d->moment->now, wait = order->due > now ? (order->due - now + 999) / 1000 : 1;

	plan_put_wait(plan, order, now, &d->router->message);
	buf_printf(&d->router->extra_headers, ",\"retry-after\":\"%llu\"",
	    (unsigned long long)(wait < RETRY_AFTER_MAX ? wait : RETRY_AFTER_MAX));
	refuse(d, order->limited ? 429 : 529, buf_str(&d->router->extra_headers));
}

/* Answers with the plan, unless the record would then be too long for the next stage. */
static void
follow(struct deciding *d, const struct plan *plan, const struct plan_request *request)
{
	struct buf *text = &d->router->text;

	if (plan_refusal(plan) != NULL) {
		refuse_saying(d, 400, plan_refusal(plan));
		return;
	}
	plan_order(plan, request, d->moment, &d->router->order);
	if (d->router->order.count == 0) {
		refuse_for_now(d, plan);
		return;
	}
	plan_put(plan, request, d->moment, &d->router->order, &d->router->scratch, text);
	/* The comma before the member and the line feed are counted. */
	if (text->failed || buf_len(text) + d->request->header_len + 2 > RECORD_HEADER_MAX) {
		refuse_saying(d, 414, "the request's head is too long for a plan with this many attempts");
		return;
	}
	*d->decision = (struct decision){ .text = buf_data(text), .len = buf_len(text) };
}

/* The count of tokens is no stream, whatever the body that is to be counted asks for. */
static bool
may_stream(const struct path *path)
{
	static const char count[] = "/count_tokens";
	size_t n = sizeof count - 1;

	return path->path_len < n || memcmp(path->p + path->path_len - n, count, n) != 0;
}

static void
by_model(struct deciding *d)
{
	struct router *router = d->router;
	const struct config_route *route;
	const struct plan *plan;
	struct body body;

	if (!body_scan(&body, d->dialect, d->request->body, d->request->body_len, &router->message)) {
		refuse(d, 400, NULL);
		return;
	}
	json_decode(body.model, &router->model);
	route = models_route(router->config, buf_data(&router->model), buf_len(&router->model));
	if (route == NULL) {
		refuse_model(d, buf_data(&router->model), buf_len(&router->model));
		return;
	}
	plan = router->by_route[route - router->config->routes][d->dialect];
	follow(d, plan,
	    &(struct plan_request){
		.target = d->path.p,
		.target_len = d->path.len,
		.stream = body.stream && may_stream(&d->path),
		.model = body.model,
		.body = d->request->body,
		.model_name = buf_str(&router->model),
		.model_name_len = buf_len(&router->model),
		.conversation = plan_is_sticky(plan) ? conversation_number(&body.conversation, d->request->session) : 0,
	    });
}

/* Adds `n` octets of a path with its percent-encoding undone. */
static void
put_decoded(struct buf *out, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t octet;

		if (p[i] == '%' && n - i >= 3 && num_parse_hex(p + i + 1, 2, 255, &octet)) {
			buf_putc(out, (char)octet);
			i += 2;
		} else {
			buf_putc(out, p[i]);
		}
	}
}

/* GET /v1/models/ID: whatever could be asked for is there. */
static void
one_model(struct deciding *d)
{
	static const size_t before = sizeof "/v1/models/" - 1;
	struct buf *model = &d->router->model;
	const struct config_route *route;
	char *text;

	put_decoded(model, d->path.p + before, d->path.path_len - before);
	route = model->failed ? NULL : models_route(d->router->config, buf_data(model), buf_len(model));
	if (route == NULL) {
		refuse_model(d, buf_data(model), buf_len(model));
		return;
	}
	if ((text = models_entry(route, buf_data(model), buf_len(model), d->dialect)) == NULL) {
		d->router->text.failed = true;
		return;
	}
	answer_text(d, text);
	free(text);
}

static void
decide(struct deciding *d)
{
	struct router *router = d->router;

	switch (d->path.kind) {
	case PATH_BAD:
		refuse_saying(d, 400, d->path.why);
		break;
	case PATH_NONE:
		refuse_path(d);
		break;
	case PATH_ROOT:
		answer_text(d, "{\"name\":\"lb\",\"version\":\"" LB_VERSION "\"}");
		break;
	case PATH_HEALTH:
		answer_text(d, "{\"status\":\"ok\"}");
		break;
	case PATH_READY:
		if (router->config->provider_count > 0 && router->config->route_count > 0)
			answer_text(d, "{\"status\":\"ready\"}");
		else
			refuse_saying(d, 503, "lb has no provider or no route");
		break;
	case PATH_MODELS:
		answer_text(d, router->models[d->dialect]);
		break;
	case PATH_MODEL:
		one_model(d);
		break;
	case PATH_BY_MODEL:
		by_model(d);
		break;
	case PATH_OTHER:
		follow(d, router->by_dialect[d->dialect],
		    &(struct plan_request){ .target = d->path.p, .target_len = d->path.len });
		break;
	}
}

bool
route_decide(struct router *router, const struct request *request, const struct moment *moment,
    struct decision *decision)
{
	struct deciding d = { .router = router, .request = request, .moment = moment, .decision = decision };

	buf_clear(&router->text);
	buf_clear(&router->model);
	buf_clear(&router->message);
	buf_clear(&router->scratch);
	buf_clear(&router->extra_headers);
	path_read(&d.path, request->target.p, request->target.len);
	d.dialect = dialect_of_request(d.path.p, d.path.len, request->has_anthropic_version);
	if (!check_access(&d)) {
		if (path_allows(d.path.kind, request->method.p, request->method.len))
			decide(&d);
		else
			refuse_method(&d);
	}
	return !router->text.failed;
}
