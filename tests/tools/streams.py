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


def message_blocks(body):
    """The same of a message in one piece. The texts of inputs are found in it, since numbers have to stay as they are."""
    text, blocks = body.decode(), []
    inputs = re.finditer(r'"type"\s*:\s*"(?:server_)?tool_use"[^{}]*?"input"\s*:\s*', text)
    for block in json.loads(text)["content"]:
        if block["type"] in checker.TOOLS:
            begin = next(inputs).end()
            _, end = json.JSONDecoder().raw_decode(text, begin)
            blocks.append([block["type"], block["name"], text[begin:end]])
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
