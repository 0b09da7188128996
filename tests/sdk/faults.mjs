// SPDX-License-Identifier: MIT
// Asks for each fault through lb with Anthropic's SDK, and looks whether it raised exactly where what it got is not whole.
//   node faults.mjs MODULE URL FOLDER FAULT...
// MODULE is the SDK's. At URL a model one/FAULT/… is answered by the fault alone, two/FAULT/… by it and, should it fail,
// by a good provider. Each is asked in three modes: `stream`, messages.stream(); `raw`, a loop over create() with stream:
// true; `plain`, create(). FOLDER takes what came. Prints what is wrong, a line each, MODE: FAULT, WHERE: WHAT, and behind
// each mode's lines one with its counts.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { expected, GOOD } from "./expected.mjs";

const AT_ONCE = 32;
const [module, url, folder, ...faults] = process.argv.slice(2);
const { default: Anthropic } = await import(pathToFileURL(module));
const check = new URL("../stream-check", import.meta.url).pathname;

// A fetch that keeps the octets that the SDK is given, and how they ended.
function keeping(kept) {
	return async (address, init) => {
		const response = await fetch(address, init);
		kept.head = `HTTP/1.1 ${response.status} ${response.statusText}\r\n`;
		for (const [name, value] of response.headers)
			kept.head += `${name}: ${value}\r\n`;
		kept.chunks = [];
		if (response.body === null)
			return response;
		const body = response.body.pipeThrough(new TransformStream({
			transform(chunk, controller) {
				kept.chunks.push(Buffer.from(chunk));
				controller.enqueue(chunk);
			},
		}));
		return new Response(body, { status: response.status, statusText: response.statusText, headers: response.headers });
	};
}

// What a reader of a raw stream makes of its events.
function accumulate(message, event) {
	const block = message?.content[event.index];
	const delta = event.delta;
	switch (event.type) {
	case "message_start":
		return { ...event.message, content: [] };
	case "content_block_start":
		message.content.push({ ...event.content_block });
		break;
	case "content_block_delta":
		if (delta.type === "text_delta")
			block.text += delta.text;
		else if (delta.type === "thinking_delta")
			block.thinking += delta.thinking;
		else if (delta.type === "signature_delta")
			block.signature = delta.signature;
		else if (delta.type === "input_json_delta")
			block.json = (block.json ?? "") + delta.partial_json;
		break;
	case "content_block_stop":
		if (block.json)
			block.input = JSON.parse(block.json);
		delete block.json;
		break;
	case "message_delta":
		Object.assign(message, delta);
		Object.assign(message.usage, event.usage);
		break;
	case "message_stop":
		message.stopped = true;
		break;
	}
	return message;
}

async function ask(client, mode, request) {
	if (mode === "plain")
		return await client.messages.create(request);
	if (mode === "stream")
		return await client.messages.stream(request).finalMessage();
	let message;
	for await (const event of await client.messages.create({ ...request, stream: true }))
		message = accumulate(message, event);
	return message;
}

async function run(mode, fault, wiring) {
	const kept = { head: "", chunks: [] };
	const client = new Anthropic({
		baseURL: url, apiKey: "unused", authToken: null, maxRetries: 0, timeout: 20000, logLevel: "off", fetch: keeping(kept),
	});
	const result = { mode, fault, wiring, file: `${folder}/${mode}-${wiring}-${fault}` };
	try {
		result.message = await ask(client, mode, {
			model: `${wiring}/${fault}/${mode}`,
			max_tokens: 2048,
			thinking: { type: "enabled", budget_tokens: 1024 },
			tools: [{ name: "get_weather", input_schema: { type: "object", properties: { city: { type: "string" } } } }],
			messages: [{ role: "user", content: "What is 2+2?" }],
		});
	} catch (error) {
		result.error = error;
	}
	result.body = Buffer.concat(kept.chunks);
	writeFileSync(result.file, Buffer.concat([Buffer.from(kept.head + "\r\n"), result.body]));
	return result;
}

// Runs all, so many at a time.
async function runAll(jobs) {
	const results = [];
	let next = 0;
	await Promise.all(Array.from({ length: AT_ONCE }, async () => {
		while (next < jobs.length) {
			const at = next++;
			results[at] = await run(...jobs[at]);
		}
	}));
	return results;
}

// stream-check's verdict on each file.
function judge(results) {
	const files = results.map((result) => result.file);
	let out;
	try {
		out = execFileSync(check, ["-i", ...files], { encoding: "utf8", maxBuffer: 1 << 26 });
	} catch (error) {
		out = error.stdout;
	}
	const lines = out.split("\n");
	for (const result of results)
		result.verdict = lines.find((line) => line.startsWith(result.file + ": "))?.slice(result.file.length + 2) ?? "nothing";
}

const plainContent = (message) => JSON.parse(JSON.stringify(message?.content ?? null));
const named = (error) => `${error.constructor.name}: ${error.message}`.replaceAll(/\s+/g, " ").slice(0, 300);
const inBrief = (value) => (JSON.stringify(value) ?? "nothing").slice(0, 300);

// The message in the octets that came.
function messageIn(result) {
	if (result.mode === "plain")
		return JSON.parse(result.body);
	let message;
	for (const line of result.body.toString().split("\n"))
		if (line.startsWith("data: "))
			message = accumulate(message, JSON.parse(line.slice(6)));
	return message;
}

// Exactly what is whole is returned, and as it came.
function* brokenRule(result) {
	const { message, error, verdict } = result;
	const isWhole = verdict === "whole";
	if (verdict.startsWith("broken") || verdict === "nothing")
		yield `what came is ${verdict}`;
	if (isWhole && error)
		yield `it is whole, but the SDK raised ${named(error)}`;
	if (!isWhole && !error)
		yield `it is no whole answer (${verdict}), but the SDK returned ${inBrief(message)}`;
	if (!isWhole || error)
		return;
	const came = messageIn(result);
	if (!isDeepStrictEqual(plainContent(message), plainContent(came)) || message.stop_reason !== came.stop_reason)
		yield `the SDK made ${inBrief(message)} of ${inBrief(came)}`;
	if (!Number.isInteger(message.usage.input_tokens) || !Number.isInteger(message.usage.output_tokens))
		yield `usage without counts: ${inBrief(message.usage)}`;
}

function* wrongContent(message, content) {
	const got = plainContent(message);
	if (content === null)
		return;
	if (got === null) {
		yield "it has no content";
		return;
	}
	// Whether an unsigned block has an empty signature is not told apart.
	for (const block of got)
		if (block.signature === "")
			delete block.signature;
	if (!isDeepStrictEqual(got, content))
		yield `the content is ${inBrief(got)} in place of ${inBrief(content)}`;
	const calls = content.some((block) => block.type === "tool_use");
	if (message.stop_reason !== (calls ? "tool_use" : "end_turn"))
		yield `the stop_reason is ${message.stop_reason}`;
}

// The class that the SDK has for a status. (For 413 the older one has none of its own.)
function classOf(status) {
	const names = { 400: "BadRequestError", 404: "NotFoundError", 429: "RateLimitError" };
	return Anthropic[names[status] ?? (status >= 500 ? "InternalServerError" : "APIError")];
}

function* wrongError(error, want, behindContent) {
	const type = error.error?.error?.type ?? error.type;
	if (behindContent ? error.status !== undefined : error.status !== want.status)
		yield `the error has the status ${error.status} in place of ${behindContent ? "none" : want.status}: ${error.message}`;
	if (!(error instanceof Anthropic.APIError) || typeof type !== "string")
		yield `the error is none of the API's: ${named(error)}`;
	else if (want.type && type !== want.type)
		yield `the error is a ${type} in place of ${want.type}: ${named(error)}`;
	if (!behindContent && !(error instanceof classOf(want.status)))
		yield `the error is no ${classOf(want.status).name}: ${named(error)}`;
	if (want.wait && error.headers?.get("retry-after") !== want.wait)
		yield `retry-after is ${error.headers?.get("retry-after")}`;
	if (/</.test(error.error?.error?.message ?? ""))
		yield `the error's message has HTML in it: ${named(error)}`;
}

function* unexpected({ mode, fault, wiring, message, error, body }) {
	const want = expected[fault];
	if (want === undefined)
		return;
	const healed = wiring === "two" && (want.kind === "early" || (want.kind === "late" && mode === "plain"));
	const isWhole = want.kind === "whole" || healed;
	if (isWhole !== (error === undefined)) {
		yield isWhole ? `it must be whole, but the SDK raised ${named(error)}` : `it must be an error, but the SDK returned ${inBrief(message)}`;
	} else if (isWhole) {
		yield* wrongContent(message, healed ? GOOD : want.content);
		if (!healed && want.digits && !body.includes(want.digits))
			yield `the number ${want.digits} is not in what came`;
	} else {
		yield* wrongError(error, want, (want.kind === "late" || want.kind === "cut") && mode !== "plain");
	}
}

// Whether another provider behind it is asked is of interest where the fault is an error.
const wirings = (fault) => ["one", ...((expected[fault]?.kind ?? "whole") === "whole" ? [] : ["two"])];
const results = await runAll(["stream", "raw", "plain"].flatMap((mode) =>
	faults.flatMap((fault) => wirings(fault).map((wiring) => [mode, fault, wiring]))));
judge(results);
for (const mode of ["stream", "raw", "plain"]) {
	const those = results.filter((result) => result.mode === mode);
	let wrong = 0;
	for (const result of those) {
		const found = [...brokenRule(result), ...unexpected(result)];
		for (const why of found)
			console.log(`${mode}: ${result.fault}, ${result.wiring === "one" ? "alone" : "a good provider behind it"}: ${why}`);
		wrong += found.length > 0;
	}
	const whole = those.filter((result) => result.verdict === "whole").length;
	console.log(`${mode}: ${those.length} answers, ${whole} whole, ${wrong} wrong`);
}
