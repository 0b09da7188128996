#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Damaged streams through one lb-sse: whatever comes in, the client gets a whole answer or one clear error.

    mutate.py [-s SEED] [-o FOLDER] COUNT      makes that many answers, has lb-sse read them all, and judges what comes out
    mutate.py -s SEED -n NUMBER                writes the records of the answer with that number to stdout

Each answer is made of a good one, by its seed and number alone: events, lines and octets are cut, dropped, doubled,
reordered or changed, and what is left is cut into records anywhere. Each must come out

  - with one head and one end, and as tests/stream-check demands;
  - as it went in, if it was not damaged;
  - with the text, thinking and tool inputs of exactly the deltas that were there to be read, if it came out whole. (That a
    delta was there that has been lost as a whole nobody can know; one that is damaged is no reason to go on without it.)

Prints the seed, what became of the answers by kind, and a line for each that failed, with the file it was written to.
Exit: 0 none failed, 1 some did.
"""
import argparse
import collections
import json
import os
import random
import subprocess
import sys
import threading
import traceback

from streams import checker, compact, message_blocks, stream_blocks

CONCURRENT = 12	# answers in the pipe at once
SHOWN = 20	# failures, in words
KNOWN = ("message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta",
         "message_stop", "error")


# Good streams.

def event(kind, **members):
    return {"type": kind, **members}


def start(**more):
    return event("message_start", message={
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None,
        "stop_sequence": None, "usage": {"input_tokens": 25, "cache_read_input_tokens": 3, "output_tokens": 1}, **more})


def block(index, content, *deltas):
    return [event("content_block_start", index=index, content_block=content),
            *(event("content_block_delta", index=index, delta=delta) for delta in deltas),
            event("content_block_stop", index=index)]


def text(index, *pieces):
    return block(index, {"type": "text", "text": ""}, *({"type": "text_delta", "text": piece} for piece in pieces))


def tool(index, name, *pieces, kind="tool_use"):
    return block(index, {"type": kind, "id": f"toolu_{index}", "name": name, "input": {}},
                 *({"type": "input_json_delta", "partial_json": piece} for piece in pieces))


def thinking(index, *pieces):
    return block(index, {"type": "thinking", "thinking": "", "signature": ""},
                 *({"type": "thinking_delta", "thinking": piece} for piece in pieces),
                 {"type": "signature_delta", "signature": "c2lnbmF0dXJl"})


def end(reason, tokens=15, **more):
    return [event("message_delta", delta={"stop_reason": reason, "stop_sequence": None},
                  usage={"output_tokens": tokens, **more}), event("message_stop")]


CITATION = {"type": "char_location", "cited_text": "four", "document_index": 0, "start_char_index": 0, "end_char_index": 4}
GOOD = {
    "text": [start(), *text(0, "Two", " and two", " make four: naïve 四", " 😀 \" \\ \n"), *end("end_turn")],
    "tool": [start(), *text(0, "Let me", " look."), *tool(1, "f", "", '{"city": "Kö', 'ln", "n": [1.0, 123456789012345',
                                                                    '67890]', "}"), *end("tool_use")],
    "tools": [start(), *tool(0, "f", '{"a":', '{"b":[]}}'), *tool(1, "g"), *tool(2, "h", '{"x":"\\u00e9\\n"}'),
              *end("tool_use")],
    "thinking": [start(), *thinking(0, "Hm, ", "let me see."), *text(1, "Four", "."), *end("end_turn", input_tokens=30)],
    "citations": [start(), *block(0, {"type": "text", "text": "", "citations": []}, {"type": "text_delta", "text": "Four"},
                                  {"type": "citations_delta", "citation": CITATION},
                                  {"type": "text_delta", "text": "."}), *end("end_turn")],
    "empty": [start(), *end("end_turn", 0)],
    "refusal": [start(), *end("refusal", 1)],
    "max-tokens": [start(), *text(0, "Two and"), *end("max_tokens")],
    "max-tokens-in-tool": [start(), *tool(0, "f", '{"a": "b'), *end("max_tokens")],
    "server-tool": [start(), *tool(0, "web_search", '{"query":', '"x"}', kind="server_tool_use"),
                    *block(1, {"type": "web_search_tool_result", "tool_use_id": "toolu_0", "content": [{"type": "x"}]}),
                    *block(2, {"type": "redacted_thinking", "data": "xyz"}), *text(3, "Done."), *end("end_turn")],
    "error": [start(), *text(0, "Two")[:-1],
              event("error", error={"type": "overloaded_error", "message": "Overloaded"})],
    "later": [start(), event("later", x={"y": [1e3, None]}), *block(0, {"type": "later", "a": 1}, {"type": "later", "b": 2}),
              *text(1, "Hm."), *end("later")],
}


def messages():
    """Answers in one piece, by name."""
    for name, events in GOOD.items():
        if name in ("max-tokens-in-tool", "error", "later"):
            continue
        message = json.loads(json.dumps(events[0]["message"]))
        for one in events:
            if one["type"] == "content_block_start":
                message["content"].append(dict(one["content_block"]))
                pieces = ""
            elif one["type"] == "content_block_delta":
                last, delta = message["content"][-1], one["delta"]
                for member in ("text", "thinking", "signature"):
                    if member in delta:
                        last[member] = last.get(member, "") + delta[member]
                if "citation" in delta:
                    last["citations"] = last.get("citations", []) + [delta["citation"]]
                if "partial_json" in delta:
                    pieces += delta["partial_json"]
                    last["input"] = Raw(pieces)
        message["stop_reason"] = events[-2]["delta"]["stop_reason"]
        message["usage"]["output_tokens"] = events[-2]["usage"]["output_tokens"]
        yield name, message


class Raw(str):
    """JSON as it stands."""


def dump(value, spaced=False):
    raws = []

    def keep(value):
        if isinstance(value, Raw):
            raws.append(str(value) or "{}")
            return f"@raw{len(raws) - 1}@"
        if isinstance(value, dict):
            return {name: keep(member) for name, member in value.items()}
        return [keep(member) for member in value] if isinstance(value, list) else value
    text = json.dumps(keep(value), ensure_ascii=False, separators=None if spaced else (",", ":"))
    for i, raw in enumerate(raws):
        text = text.replace(f'"@raw{i}@"', raw)
    return text


MESSAGES = dict(messages())


# Damage. A stream is a list of pieces: [name, data], both octets, or what is no event, as octets.

def put(value):
    return [value["type"].encode(), dump(value).encode()]


def read(piece):
    """The JSON object of an event, or None."""
    try:
        value = json.loads(piece[1]) if isinstance(piece, list) else None
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def edit(rng, pieces, change):
    """Changes the JSON of an event."""
    events = [i for i, piece in enumerate(pieces) if read(piece) is not None]
    if events:
        i = rng.choice(events)
        value = read(pieces[i])
        change(value)
        pieces[i] = [pieces[i][0], dump(value).encode()]


def objects(value):
    """The object, and those in it."""
    if isinstance(value, dict):
        yield value
        for member in value.values():
            yield from objects(member)


ODD = [None, 0, 1, 7, -1, 1.5, 25.0, "", "x", "0", [], {}, {"a": 1}, [1], True, 10 ** 25]


def drop_member(rng, pieces):
    def change(value):
        where = rng.choice([o for o in objects(value) if o] or [{"": 0}])
        del where[rng.choice(sorted(where))]
    edit(rng, pieces, change)


def change_member(rng, pieces):
    def change(value):
        where = rng.choice([o for o in objects(value) if o] or [{"": 0}])
        where[rng.choice(sorted(where))] = rng.choice(ODD)
    edit(rng, pieces, change)


def change_index(rng, pieces):
    def change(value):
        value["index"] = rng.choice([0, 1, 2, 3, 17, None, "0", -1, 0.0])
    edit(rng, pieces, change)


def shift_indexes(rng, pieces):
    by = rng.choice([1, 2, 10])
    for i, piece in enumerate(pieces):
        value = read(piece)
        if value is not None and type(value.get("index")) is int:
            value["index"] += by
            pieces[i] = [piece[0], dump(value).encode()]


def change_type(rng, pieces):
    def change(value):
        value["type"] = rng.choice([*KNOWN, "ping", "later"])
    edit(rng, pieces, change)


def change_delta(rng, pieces):
    """The delta of another block in an event that has one, or in one that has none."""
    deltas = [value["delta"] for events in GOOD.values() for value in events if value["type"] == "content_block_delta"]

    def change(value):
        value["delta"] = rng.choice(deltas)
    edit(rng, pieces, change)


def input_in_start(rng, pieces):
    def change(value):
        if isinstance(value.get("content_block"), dict):
            value["content_block"]["input"] = rng.choice([{"a": 1}, None, [], "x", 7])
    edit(rng, pieces, change)


def drop(rng, pieces):
    if pieces:
        del pieces[rng.randrange(len(pieces))]


def drop_many(rng, pieces):
    if pieces:
        at = rng.randrange(len(pieces))
        del pieces[at:at + rng.randint(1, 5)]


def double(rng, pieces):
    if pieces:
        i = rng.randrange(len(pieces))
        pieces.insert(rng.choice([i, rng.randint(0, len(pieces))]), pieces[i])


def swap(rng, pieces):
    if len(pieces) > 1:
        i = rng.randrange(len(pieces) - 1)
        pieces[i], pieces[i + 1] = pieces[i + 1], pieces[i]


def move(rng, pieces):
    if pieces:
        piece = pieces.pop(rng.randrange(len(pieces)))
        pieces.insert(rng.randint(0, len(pieces)), piece)


def add(rng, pieces):
    """An event of another stream, or what providers add."""
    piece = rng.choice([put(rng.choice(rng.choice(list(GOOD.values())))), put({"type": "ping"}), [b"ping", b'{"type": "ping"}'],
                        b": keep-alive\n\n", b":\n", [b"", b"[DONE]"], [b"x", b""], [b"x", b"{}"], [b"message_stop", b"{}"],
                        [b"", b'{"error":{"message":"no","code":503}}'], [b"content_block_delta", b"{}"]])
    pieces.insert(rng.randint(0, len(pieces)), piece)


def damage_octets(rng, octets, count, spare=b"\r\n"):
    """Some octets replaced, dropped or added; none of `spare` is touched or made."""
    octets = bytearray(octets)
    for _ in range(count):
        at = rng.randrange(len(octets) + 1)
        what = rng.randrange(3)
        new = rng.choice([o for o in b'{}[]",:\\x0 e\x00\xc3\x80\r\n\t' if o not in spare])
        if what == 0 or at == len(octets):
            octets.insert(at, new)
        elif octets[at] not in spare:
            octets[at:at + 1] = b"" if what == 1 else bytes([new])
    return bytes(octets)


def damage_data(rng, pieces):
    """The JSON of an event, with its line left alone."""
    events = [i for i, piece in enumerate(pieces) if isinstance(piece, list)]
    if events:
        i = rng.choice(events)
        pieces[i] = [pieces[i][0], damage_octets(rng, pieces[i][1], rng.randint(1, 3))]


def cut_data(rng, pieces):
    events = [i for i, piece in enumerate(pieces) if isinstance(piece, list) and piece[1]]
    if events:
        i = rng.choice(events)
        pieces[i] = [pieces[i][0], pieces[i][1][:rng.randrange(len(pieces[i][1]))]]


IN_EVENTS = [drop_member, change_member, change_index, shift_indexes, change_type, change_delta, input_in_start, drop,
             drop_many, double, swap, move, add, damage_data, cut_data]


def write(rng, pieces, framing):
    """The stream's octets. With `framing` other line ends, missing names and the like, which mean the same."""
    newline = rng.choice(["\n", "\r\n", "\r"]) if framing else "\n"
    newline = newline.encode()
    how = rng.choice(["spaced", "unspaced", "nameless", "bare", "after"]) if framing else "spaced"
    out = bytearray(b"\xef\xbb\xbf" if framing and rng.random() < 0.2 else b"")
    for piece in pieces:
        if isinstance(piece, bytes):
            out += piece.replace(b"\n", newline)
            continue
        name, data = piece
        colon = b":" if how == "unspaced" else b": "
        lines = [b"data" + colon + data]
        if how == "bare" and data.startswith(b"{"):
            lines = [data]
        elif how not in ("nameless", "bare") and name:
            lines.insert(1 if how == "after" else 0, b"event" + colon + name)
        out += newline.join(lines) + newline + newline
    return bytes(out)


def drop_line(rng, octets):
    lines = octets.split(b"\n")
    del lines[rng.randrange(len(lines))]
    return b"\n".join(lines)


def double_line(rng, octets):
    lines = octets.split(b"\n")
    i = rng.randrange(len(lines))
    lines.insert(i, lines[i])
    return b"\n".join(lines)


def swap_lines(rng, octets):
    lines = octets.split(b"\n")
    i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[i], lines[j] = lines[j], lines[i]
    return b"\n".join(lines)


def any_octets(rng, octets):
    return damage_octets(rng, octets, rng.randint(1, 4), b"")


def cut_out(rng, octets):
    at = rng.randrange(len(octets) + 1)
    return octets[:at] + octets[at + rng.randint(1, 80):]


def cut_off(rng, octets):
    return octets[:rng.randrange(len(octets) + 1)]


IN_OCTETS = [drop_line, double_line, swap_lines, any_octets, cut_out, cut_off]


# What can be read in a damaged stream.

class Expected:
    """What the deltas say that are there to be read, up to the end: of text and of thinking all of it, of inputs a list. Or why
    the answer cannot be whole."""

    def __init__(self, pieces):
        self.texts, self.inputs = {"text": "", "thinking": ""}, []
        self.broken, self.unsure, self.input = None, False, None
        self.started = False
        self.known = True	# the open block is of a type that has deltas: what belongs to others is not known
        for piece in pieces:
            if not isinstance(piece, bytes) and not self.take(*piece):
                break
        self.close()

    def take(self, name, data):
        """False behind the last event."""
        if data.strip() in (b"", b"[DONE]"):
            return True
        try:
            value = checker.read_json(data)
            kind = value.get("type")
        except (ValueError, checker.Broken, RecursionError):
            value = kind = None
        if value is None or not isinstance(value, dict) or ("type" in value and not isinstance(kind, str)):
            self.broken = f"{data!r} is no event"
            return False
        if any(one.twice for one in objects(value)):
            self.unsure = True
        if kind is None:
            self.unsure = self.unsure or value.get("error") is None
            kind = "error" if value.get("error") is not None else name.decode()
        if kind == "error":
            self.broken = "an error event"
            return False
        if kind == "message_start" and self.started:
            self.broken = "a second message_start"
            return False
        self.started = self.started or kind == "message_start"
        if kind == "content_block_start":
            self.begin(value.get("content_block"))
        elif kind == "content_block_delta":
            self.add(value.get("delta"))
        return kind != "message_stop"

    def begin(self, content):
        self.close()
        self.known = False
        if not isinstance(content, dict) or not isinstance(content.get("type"), str):
            return
        kind = content.get("type")
        if kind in checker.TOOLS:
            self.input = ""
            self.unsure = self.unsure or content.get("input") not in (None, {})
        elif kind in self.texts and isinstance(content.get(kind), str):
            self.texts[kind] += content[kind]
        self.known = kind in checker.DELTAS

    def add(self, delta):
        if not isinstance(delta, dict) or not isinstance(delta.get("type"), str) or delta["type"] not in checker.PAYLOADS:
            return
        member, kind = checker.PAYLOADS[delta["type"]]
        payload = delta.get(member)
        self.unsure = self.unsure or not self.known
        if not isinstance(payload, kind):
            self.unsure = self.unsure or payload is not None
        elif member in self.texts:
            self.texts[member] += payload
        elif member == "partial_json" and self.input is not None:
            self.input += payload

    def close(self):
        if self.input is not None:
            self.inputs.append(self.input)
        self.input = None

    def differs(self, blocks):
        """What is different in the blocks of a whole answer, or None."""
        texts = {kind: "".join(text for is_kind, _, text in blocks if is_kind == kind) for kind in self.texts}
        inputs = [bare(text) for kind, _, text in blocks if kind in checker.TOOLS]
        if texts != self.texts:
            return f"{texts} in place of {self.texts}"
        if inputs != [bare(text) for text in self.inputs]:
            return f"the inputs {inputs} in place of {self.inputs}"
        return None


def bare(text):
    text = compact(text)
    return "" if text == "{}" else text


# Answers.

class Case:
    """An answer: what goes into lb-sse, and what is known of what has to come out."""

    def __init__(self, seed, number):
        rng = random.Random(f"{seed}:{number}")
        self.number = number
        self.expected = self.exact = None
        self.result = rng.choice(["complete"] * 5 + ["truncated", "timeout", "upstream-error", "cancelled"])
        self.status, self.headers = 200, {"content-type": "text/event-stream"}
        kind = rng.choices(["stream", "sse-to-plain", "json-to-stream", "json-to-plain", "refused", "nothing"],
                           [80, 8, 7, 2, 2, 1])[0]
        self.kind, self.stream = kind, kind in ("stream", "json-to-stream", "nothing") or rng.random() < 0.5 and kind == "refused"
        if kind in ("stream", "sse-to-plain"):
            self.body = self.make_events(rng)
        elif kind.startswith("json"):
            self.body = self.make_message(rng)
        elif kind == "refused":
            self.make_refusal(rng)
        else:
            self.what, self.body, self.result = kind, b"", "cancelled"
        self.records = list(self.make_records(rng))

    def make_events(self, rng):
        name = rng.choice(sorted(GOOD))
        pieces = [put(value) for value in GOOD[name]]
        for _ in range(rng.choice([0, 0, 1, 2])):
            # Not behind message_delta, which waits for message_stop: what comes between goes before both.
            pieces.insert(rng.randint(0, len(pieces) - 2), rng.choice([put({"type": "ping"}), b": comment\n\n"]))
        how = rng.choices(["whole", "framing", "events", "octets", "both"], [6, 6, 56, 20, 12])[0]
        self.what = f"{self.kind}: {how}"
        if how in ("events", "both"):
            for _ in range(rng.choice([1, 1, 1, 2, 3])):
                rng.choice(IN_EVENTS)(rng, pieces)
        if how in ("whole", "framing", "events"):
            self.expected = Expected(pieces)
            self.exact = (name, write(rng, pieces, False)) if how == "whole" else None
        octets = write(rng, pieces, how in ("framing", "both"))
        if how in ("octets", "both"):
            for _ in range(rng.choice([1, 1, 2, 3])):
                octets = rng.choice(IN_OCTETS)(rng, octets)
        return octets

    def make_message(self, rng):
        name = rng.choice(sorted(MESSAGES))
        text = dump(MESSAGES[name], rng.random() < 0.3).encode()
        self.headers = {"content-type": rng.choice(["application/json", "application/json; charset=utf-8"])}
        self.what = f"{self.kind}: whole"
        if self.kind == "json-to-plain":
            # lb-fetch has looked at it, and lb-sse does not.
            self.exact = (name, text)
            self.result = "complete"
        elif rng.random() < 0.6:
            self.what = f"{self.kind}: damaged"
            text = rng.choice([any_octets, cut_out, cut_off])(rng, text)
        else:
            self.expected = Expected([put(value) for value in GOOD[name]])
        if rng.random() < 0.5:
            self.headers["content-length"] = str(len(text))
        return text

    def make_refusal(self, rng):
        self.what = self.kind
        self.status, kind = rng.choice([(400, "invalid_request_error"), (429, "rate_limit_error"), (529, "overloaded_error"),
                                        (502, "api_error"), (504, "timeout_error")])
        self.body = dump({"type": "error", "error": {"type": kind, "message": "no"}, "request_id": "req_1"}).encode()
        self.headers = {"content-type": "application/json", "content-length": str(len(self.body))}
        self.result = "timeout" if self.status == 504 else "upstream-error"

    def make_records(self, rng):
        yield {"type": "open", "id": self.number, "request_id": f"req_{self.number}", "method": "POST", "version": "1.1",
               "close": False, "dialect": "anthropic", "stream": self.stream, **rng.choice([{}, {"model": "m"}])}, None
        if self.kind != "nothing":
            yield {"type": "head", "id": self.number, "status": self.status, "headers": self.headers, "provider": "acme",
                   "attempt": 1, "dialect": "anthropic"}, None
        at, size = 0, rng.choice([1 << 20, 1 << 20, 400, 60, 7])
        while at < len(self.body):
            n = rng.randint(1, size)
            yield {"type": "data", "id": self.number}, self.body[at:at + n]
            at += n
        error = {} if self.result == "complete" else {"error": "acme: it broke off"}
        yield {"type": "end", "id": self.number, "result": self.result, **error,
               "attempts": [{"provider": "acme", "status": self.status}], "total_ms": 1}, None

    def judge(self, head, body, end, verdict):
        """What is wrong with what came out, or None."""
        if verdict.startswith("broken"):
            return verdict
        whole = verdict == "whole"
        is_stream = head is not None and head["headers"].get("content-type", "").startswith("text/event-stream")
        if head is not None and head["status"] == 200 and is_stream != self.stream:
            return f"content-type {head['headers'].get('content-type')}"
        if self.exact is not None and not self.judge_exact(body, whole, end):
            return "it was good, and did not come out as it went in"
        if whole and self.expected is not None:
            if self.expected.broken:
                return f"whole, although: {self.expected.broken}"
            if not self.expected.unsure:
                return self.expected.differs(stream_blocks(body) if is_stream else message_blocks(body))
        return None

    def judge_exact(self, body, whole, end):
        name, octets = self.exact
        if name in ("error", "max-tokens-in-tool"):
            return not whole
        if self.kind == "sse-to-plain":
            return whole or self.result != "complete"
        counted = self.kind != "stream" or "output_tokens" in end.get("usage", {})
        return whole and body == octets and counted


def put_record(header, payload):
    if payload is None:
        return json.dumps(header).encode() + b"\n"
    return json.dumps({**header, "bytes": len(payload)}).encode() + b"\n" + payload + b"\n"


# The run.

def feed(pipe, seed, count, cases):
    """Writes the records of all answers, some at a time, each answer's in their order."""
    try:
        with pipe:
            feed_answers(pipe, seed, count, cases)
    except BrokenPipeError:
        pass
    except Exception:
        traceback.print_exc()
        os._exit(101)


def feed_answers(pipe, seed, count, cases):
    rng, waiting, open_ones = random.Random(f"{seed}"), iter(range(1, count + 1)), []
    out = bytearray()
    while True:
        while len(open_ones) < CONCURRENT and (number := next(waiting, None)) is not None:
            case = Case(seed, number)
            cases[number] = case
            open_ones.append(iter(case.records))
        if not open_ones:
            break
        one = rng.choice(open_ones)
        for _ in range(rng.randint(1, 8)):
            record = next(one, None)
            if record is None:
                open_ones.remove(one)
                break
            out += put_record(*record)
        if len(out) > 200000 or not open_ones:
            pipe.write(out)
            out.clear()
    pipe.write(out)


def tell(case, seed, folder, why):
    path = os.path.join(folder, f"mutated-{seed}-{case.number}.rec")
    with open(path, "wb") as file:
        file.writelines(put_record(*record) for record in case.records)
    print(f"not ok: {case.what}: {why}\n    lb-sse <{path} | tests/stream-check -r")


def run(options):
    cases, told, failed, kinds = {}, checker.Answers(), 0, collections.Counter()
    process = subprocess.Popen(["lb-sse"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    feeder = threading.Thread(target=feed, args=(process.stdin, options.seed, options.count, cases), daemon=True)
    feeder.start()
    ended = 0
    for header, payload in checker.records(process.stdout):
        answer = told.take(header, payload)
        if answer is None:
            continue
        number, head, body, end, verdict = answer
        case = cases.pop(number, None) or Case(options.seed, number)
        why = case.judge(head, body, end, verdict)
        kinds[case.what, "failed" if why else verdict.split(":")[0].split(" ")[0]] += 1
        ended += 1
        if why:
            failed += 1
            if failed <= SHOWN:
                tell(case, options.seed, options.folder, why)
    code = process.wait()
    if code != 0 or ended != options.count:
        failed += 1
        print(f"not ok: lb-sse exited with {code} after {ended} of {options.count} answers; open: {sorted(told.heads)[:9]}")
    for what, verdict in sorted(kinds):
        print(f"{what}: {verdict}: {kinds[what, verdict]}")
    print(f"seed {options.seed}: {options.count} answers, {failed} failed")
    return failed == 0


def main():
    parser = argparse.ArgumentParser(prog="mutate.py")
    parser.add_argument("-s", dest="seed", default=str(random.SystemRandom().randrange(10 ** 9)))
    parser.add_argument("-o", dest="folder", default=".")
    parser.add_argument("-n", dest="number", type=int)
    parser.add_argument("count", type=int, nargs="?")
    options = parser.parse_args()
    if options.number is not None:
        sys.stdout.buffer.writelines(put_record(*record) for record in Case(options.seed, options.number).records)
        return True
    return run(options)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
