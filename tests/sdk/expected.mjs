// SPDX-License-Identifier: MIT
// What an SDK gets of each fault: `whole(CONTENT)`, whatever was asked for; `early(STATUS)`, an error that another provider
// makes good, since no content had come; `late(STATUS)`, the same where no stream was asked for, else an error behind the
// content; `cut(STATUS)`, an error behind the content, or one that is seen only in the whole of it; `last(STATUS)`, an error that
// no other provider is asked for. A fault that is not here is held to the rule alone.

const text = (...texts) => texts.map((text) => ({ type: "text", text }));
const tool = (input) => ({ type: "tool_use", id: "toolu_01Fault", name: "get_weather", input });

export const GOOD = text("Two and two make four: naïve, but whole. 四");
const WEATHER = tool({ city: "Köln" });
const CALL = [...text("Let me look."), WEATHER];
const WEEK = [...text("Let me look."), tool({ city: "Köln", days: 2 })];
const THOUGHT = [
	{ type: "thinking", thinking: 'Is it \u{1f600} "naïve"?', signature: "c2lnbmVk" },
	...text("Let me look."),
	{ type: "tool_use", id: "toolu_01Think", name: "get_weather", input: { city: "Köln", id: 12345678901234567890, f: 1.0 } },
];

// Of no CONTENT (null) only the rule is looked at. `digits` is what must stand in the octets themselves, since JavaScript would round it.
const whole = (content = GOOD, more = {}) => ({ kind: "whole", content, ...more });
const early = (status, more = {}) => ({ kind: "early", status, ...more });
const late = (status, more = {}) => ({ kind: "late", status, ...more });
const cut = (status, more = {}) => ({ kind: "cut", status, ...more });
const last = (status, more = {}) => ({ kind: "last", status, ...more });

export const expected = {
	good: whole(),
	"401-one-key": whole(),
	"good-json": whole(),
	"good-tool": whole(WEEK),
	thinking: whole(THOUGHT, { digits: "12345678901234567890" }),
	"thinking-json": whole(THOUGHT, { digits: "12345678901234567890" }),
	"thinking-missing": whole([{ type: "thinking", thinking: "Hm.", signature: "c2ln" }, ...GOOD]),
	"json-tool-to-stream": whole(null, { digits: "12345678901234567890" }),
	"sse-tool-to-plain": whole(null, { digits: "12345678901234567890" }),

	400: last(400, { type: "invalid_request_error" }),
	413: last(413, { type: "request_too_large" }),
	"400-too-long": early(400, { type: "invalid_request_error" }),
	"404-model": early(404, { type: "not_found_error" }),
	429: early(429, { type: "rate_limit_error" }),
	"429-retry-after": early(429, { type: "rate_limit_error", wait: "7" }),
	500: early(502),
	502: early(502),
	503: early(529, { type: "overloaded_error" }),
	504: early(504, { type: "timeout_error" }),
	529: early(529, { type: "overloaded_error" }),
	"html-503": early(529, { type: "overloaded_error" }),
	"reset-before-head": early(502),
	"no-head": early(504, { type: "timeout_error" }),
	"no-body": early(504, { type: "timeout_error" }),
	"empty-200": early(502),
	"error-event-first": early(529, { type: "overloaded_error" }),
	"error-event-in-200": early(529, { type: "overloaded_error" }),
	"json-error-to-stream": early(502, { type: "api_error" }),
	"openai-error-in-200": early(529, { type: "overloaded_error" }),
	"html-200": early(502),
	"text-200": early(502),
	"ping-only": early(502),
	"start-only": early(502),
	"start-cut": early(502),
	"starts-twice": early(502),
	"stop-only": early(502),
	"malformed-first": early(502),
	"start-silence": early(504, { type: "timeout_error" }),

	"cut-mid-answer": late(502),
	"cut-mid-event": late(502),
	"cut-mid-tool-json": late(502),
	"cut-mid-utf8": late(502),
	"cut-thinking": late(502),
	"end-mid-answer": late(502),
	"end-mid-event": late(502),
	"end-mid-tool-json": late(502),
	"reset-mid-event": late(502),
	"reset-mid-tool-json": late(502),
	"reset-mid-utf8": late(502),
	"silence-mid-answer": late(504, { type: "timeout_error" }),
	"silence-mid-event": late(504, { type: "timeout_error" }),
	"silence-mid-tool-json": late(504, { type: "timeout_error" }),
	"silence-mid-utf8": late(504, { type: "timeout_error" }),
	"error-event": late(529, { type: "overloaded_error" }),
	"malformed-event": late(502),
	"second-start": late(502),
	"length-short": late(502),
	"tool-cut-max-tokens": cut(400, { type: "invalid_request_error" }),
	"tool-cut-tool-use": cut(502),

	"after-stop": whole(),
	bom: whole(),
	comments: whole(),
	cr: whole(),
	crlf: whole(),
	"data-lines": whole(text("Two and two make four.")),
	"done-leak": whole(),
	"gzip-unasked": whole(),
	"json-to-stream": whole(),
	"mixed-line-ends": whole(),
	ndjson: whole(),
	"no-event-lines": whole(),
	"no-message-delta": whole(),
	"no-message-stop": whole(),
	"no-space": whole(),
	"no-usage": whole(),
	"null-usage": whole(),
	"block-not-closed": whole(),
	"block-closed-late": whole(CALL),
	"tool-no-input": whole([WEATHER]),
	bigints: whole([tool({ id: 12345678901234567890, n: -9007199254740993 })], { digits: "12345678901234567890" }),
	"bigints-json": whole(null, { digits: "12345678901234567890" }),
	numbers: whole(text("Two and two one")),
};
