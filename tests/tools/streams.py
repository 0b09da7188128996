# SPDX-License-Identifier: MIT
"""What the tools that look at streams share: tests/stream-check as the module `checker`, and what an answer says in short."""
import importlib.machinery
import importlib.util
import json
import os
import re
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

sys.dont_write_bytecode = True
_loader = importlib.machinery.SourceFileLoader("stream_check", os.path.join(TESTS, "stream-check"))
checker = importlib.util.module_from_spec(importlib.util.spec_from_loader("stream_check", _loader))
_loader.exec_module(checker)

SPACE = re.compile(r"[ \t\r\n]*")
TEXTS = ("text", "thinking", "partial_json")


def compact(text):
    """A JSON text without white space, or the beginning of one; numbers, order and repeated members stay."""
    return "".join(re.findall(r'"(?:[^"\\]|\\.)*"?|[^\s"]+', text))


def stream_blocks(body):
    """The blocks of a stream: type, name or signature, text (of a tool call its input, as it came)."""
    blocks = []
    for data in checker.events(body):
        kind = data and data["type"]
        if kind == "content_block_start":
            block = data["content_block"]
            blocks.append([block["type"], block.get("name", ""), block.get("text") or block.get("thinking") or ""])
        elif kind == "content_block_delta":
            delta = data["delta"]
            member = checker.PAYLOADS.get(delta["type"], [None])[0]
            if member in TEXTS:
                blocks[-1][2] += delta[member]
            elif member == "signature":
                blocks[-1][1] += delta[member]
    return blocks


def spans(text):
    """The texts of the members of an object, by name, or of the elements of an array."""
    found, at, decoder = {}, SPACE.match(text, 1).end(), json.JSONDecoder(strict=False)
    while text[at] not in "]}":
        name = len(found)
        if text[0] == "{":
            name, at = decoder.raw_decode(text, at)
            at = SPACE.match(text, SPACE.match(text, at).end() + 1).end()
        _, end = decoder.raw_decode(text, at)
        found[name] = text[at:end]
        at = SPACE.match(text, end).end()
        at = SPACE.match(text, at + 1).end() if text[at] == "," else at
    return found


def message_blocks(body):
    """The same of a message in one piece. Inputs are given as they stand in it, since numbers have to stay as they are."""
    blocks = []
    for text in spans(spans(body.decode(errors="surrogateescape").strip())["content"]).values():
        block = json.loads(text)
        if block["type"] in checker.TOOLS:
            blocks.append([block["type"], block["name"], spans(text)["input"]])
        else:
            blocks.append([block["type"], block.get("signature", ""), block.get("text") or block.get("thinking") or ""])
    return blocks


def gist(blocks):
    """Blocks in short, for people to compare."""
    def one(kind, name, text):
        if kind == "thinking":
            return f"({text} {name})"
        return f"{name}({compact(text)})" if kind in checker.TOOLS else text
    return " | ".join(one(*block) for block in blocks)
