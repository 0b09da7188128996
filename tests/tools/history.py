#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A request with a long history, as coding agents send it, and what it is without its thinking.

usage: history.py make BODY MODEL_AT | check BODY COPY BLOCKS

`make` writes a body of more than a megabyte, with thinking wherever it may stand, and where it may not; and where its model
stands. `check` compares the copy that was sent with the body: equal as JSON but for BLOCKS thinking blocks of assistants,
numbers by their text and members by their order; and nothing but octets of the body, one after the other. It shares no
code with what it checks.
"""
import json
import random
import sys

NO_CONTENT = '{"type":"text","text":"(no content)"}'
ODD = ['"\\u0061\\ud83d\\ude00 é 四 \\/ \\\\\\" }],[{"', '12345678901234567890', '1.0', '-0', '1e400', '{"a":1,"a":2}', '[ ]', 'null']


def make(path, place):
    rng = random.Random(4)
    space = lambda: rng.choice(["", "", "", " ", "\n  ", "\t"])
    text = lambda: json.dumps("".join(rng.choice('abc "\\{}[],:é四\n') for _ in range(rng.randrange(1, 1500))),
                              ensure_ascii=rng.random() < 0.5)
    nested = '{"type":"thinking","thinking":"stays","signature":"s"}'
    blocks = {
        "thinking": lambda: '{"type":%s"thinking","thinking":%s,"signature":"%x"}' % (space(), text(), rng.getrandbits(900)),
        "empty": lambda: '{"signature":"s","thinking":"","type":"th\\u0069nking"}',
        "redacted": lambda: '{ "type" : "redacted_thinking" , "data":"%x"}' % rng.getrandbits(900),
        "text": lambda: '{"type":"text","text":%s,"x":%s}' % (text(), rng.choice(ODD)),
        "tool": lambda: '{"type":"tool_use","id":"t","name":"f","input":{"type":"thinking","n":%s,"l":[%s]}}' % (rng.choice(ODD), nested),
    }
    array = lambda items: "[" + space() + (space() + "," + space()).join(items) + space() + "]"
    messages = []
    for turn in range(400):
        kinds = rng.choices(list(blocks), [4, 1, 2, 4, 4], k=rng.randrange(1, 7))
        if turn % 50 == 7:
            kinds = ["thinking", "redacted"]
        result = '{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":%s},%s]}' % (text(), nested)
        messages.append('{"role":"user","content":%s}' % array([result, nested]))
        messages.append(rng.choice(['{"role":"assistant","content":%s}', '{ "content":%s , "role":"assistant"}']) %
                        array([blocks[kind]() for kind in kinds]))
    messages.append('{"role":"assistant","content":"{\\"type\\":\\"thinking\\"}"}')
    messages.append('{"role":"user","content":"and now?"}')
    head = '{"system":[{"type":"text","text":%s}],"model":' % text()
    body = head + '"mine","thinking":{"type":"enabled","budget_tokens":1024.0},"metadata":{"messages":[%s]},"messages":%s,"tools":%s}' % (
        nested, array(messages), array(ODD))
    with open(path, "wb") as file:
        file.write(body.encode())
    with open(place, "w", encoding="utf-8") as file:
        json.dump([len(head.encode()), len('"mine"')], file)


def read(path):
    with open(path, "rb") as file:
        data = file.read()
    as_text = lambda number: ("number", number)
    return data, json.loads(data, object_pairs_hook=lambda pairs: ("object", pairs), parse_int=as_text, parse_float=as_text)


def without(value, count):
    """The body's value without thinking, and how many blocks that were."""
    members = []
    for name, member in value[1]:
        if name == "messages":
            messages = []
            for number, message in enumerate(member):
                if dict(message[1])["role"] == "assistant" and isinstance(dict(message[1])["content"], list):
                    content = dict(message[1])["content"]
                    kept = [b for b in content if dict(b[1])["type"] not in ("thinking", "redacted_thinking")]
                    count[0] += len(content) - len(kept)
                    if not kept and number < len(member) - 1:
                        kept = [("object", [("type", "text"), ("text", "(no content)")])]
                    message = ("object", [(n, kept if n == "content" else v) for n, v in message[1]])
                messages.append(message)
            member = messages
        members.append((name, member))
    return (value[0], members)


def main():
    if sys.argv[1] == "make":
        make(sys.argv[2], sys.argv[3])
        return
    (body, value), (copy, got) = read(sys.argv[2]), read(sys.argv[3])
    count = [0]
    want = without(value, count)
    assert count[0] > 500 and str(count[0]) == sys.argv[4], f"{count[0]} blocks, {sys.argv[4]} are told"
    assert copy.count(NO_CONTENT.encode()) >= 8, "messages without content"
    assert got == want, "not the same JSON"
    octets = iter(body)
    assert all(octet in octets for octet in copy.replace(NO_CONTENT.encode(), b"")), "octets that the body does not have"


if __name__ == "__main__":
    main()
