#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads records on stdin, for tests.

usage: records.py types | head ID | end ID | headers | body ID

`types` prints `TYPE ID` a line, consecutive data records of an id once; `headers` every header; `head`, `end` that
record's header; `body` the payloads of its data records, joined.
"""

import json
import sys


def records(stream):
    while line := stream.readline():
        if not line.endswith(b"\n"):
            return
        header = json.loads(line)
        payload = b""
        if "bytes" in header:
            payload = stream.read(header["bytes"] + 1)
            if not payload.endswith(b"\n"):
                return
        yield header, payload[:-1]


def main():
    what, wanted = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else None
    last = None
    for header, payload in records(sys.stdin.buffer):
        line = f"{header['type']} {header['id']}" if "id" in header else header["type"]
        if what == "types":
            if line != last or header["type"] != "data":
                print(line)
            last = line
        elif what == "headers":
            print(json.dumps(header))
        elif what == "body":
            if header["type"] == "data" and header["id"] == wanted:
                sys.stdout.buffer.write(payload)
        elif header["type"] == what and header["id"] == wanted:
            print(json.dumps(header))


if __name__ == "__main__":
    main()
