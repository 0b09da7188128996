// SPDX-License-Identifier: MIT
// Anthropic's SDK for JavaScript through lb (npm install @anthropic-ai/sdk). The key only satisfies the SDK: lb sends the
// providers' own. lb goes to the next provider by itself, so one retry is enough.
import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({
	baseURL: process.env.LB_URL ?? "http://localhost:9000",
	apiKey: "unused",
	maxRetries: 1,
});
const stream = client.messages.stream({
	model: "minimax",
	max_tokens: 100,
	messages: [{ role: "user", content: "What is 2+2?" }],
});
stream.on("text", (text) => process.stdout.write(text));
await stream.finalMessage();
process.stdout.write("\n");
