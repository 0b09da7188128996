#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A stage for stress: fickle_stage.py [SEED]  answers each request by its path, whole and right, but in its own time.

/echo/N    N octets of body, `content-length` or chunked, in random pieces; x-body is the request body's length and CRC
/empty     a 204 without a body
/die       the stage exits at once
/garbage   something that is no record
/disorder  data before any head          /twice   a second head
/odd       a head with empty and bad names and values, a status of 999, and an end that comes twice
"""
import heapq
import json
import os
import random
import select
import sys
import time
import zlib

PIECES = 8


class Stage:
    def __init__(self):
        self.pending = []  # (when, number, id, octets)
        self.number = 0
        self.open = {}  # id: paused
        self.held = {}  # id: what waits for a resume

    def say(self, octets):
        view = memoryview(octets)
        while view:
            view = view[os.write(1, view):]

    def later(self, ident, delay, octets):
        self.number += 1
        heapq.heappush(self.pending, (time.monotonic() + delay, self.number, ident, octets))

    def due(self):
        while self.pending and self.pending[0][0] <= time.monotonic():
            _, _, ident, octets = heapq.heappop(self.pending)
            if ident not in self.open:
                continue
            if self.open[ident]:
                self.held[ident].append(octets)
            else:
                self.tell(ident, octets)

    def tell(self, ident, octets):
        self.say(octets)
        if octets.startswith(b'{"type":"end"'):
            del self.open[ident]
            del self.held[ident]

    def handle(self, header, payload):
        kind, ident = header["type"], header.get("id")
        if kind == "hello":
            self.say(b'{"type":"hello"}\n')
        elif kind == "request":
            self.open[ident], self.held[ident] = False, []
            self.answer(ident, header, payload)
        elif ident in self.open and kind == "cancel":
            self.tell(ident, record("end", ident, result="cancelled"))
        elif ident in self.open and kind == "pause":
            self.open[ident] = True
        elif ident in self.open and kind == "resume":
            self.open[ident] = False
            for octets in self.held[ident][:]:
                self.held[ident].pop(0)
                self.tell(ident, octets)

    def answer(self, ident, header, payload):
        _, what, *rest = header["target"].split("/")
        if what == "die":
            os._exit(3)
        elif what == "garbage":
            self.say(b"no record\n")
        elif what == "disorder":
            self.say(data(ident, b"x"))
        elif what == "odd":
            self.later(ident, 0, record("head", ident, status=999, headers={"": "", "a b": "c", "d": "\x00", "e": "f"}))
            self.later(ident, 0, record("end", ident, result="complete") + record("end", ident, result="complete"))
        elif what == "twice":
            self.say(2 * record("head", ident, status=200, headers={}))
        elif what == "empty":
            self.later(ident, 0, record("head", ident, status=204, headers={}) + record("end", ident, result="complete"))
        else:
            self.echo(ident, header["method"], int(rest[0]), payload)

    def echo(self, ident, method, n, payload):
        headers = {"x-body": "%d-%d" % (len(payload), zlib.crc32(payload))}
        if random.random() < 0.5:
            headers["content-length"] = str(n)
        delay, left = random.random() * 0.02, n
        self.later(ident, delay, record("head", ident, status=200, headers=headers))
        while left > 0 and method != "HEAD":
            piece = min(left, random.randint(1, n // PIECES + 1))
            left -= piece
            delay += random.random() * 0.005
            self.later(ident, delay, data(ident, b"z" * piece))
        self.later(ident, delay, record("end", ident, result="complete"))


def record(kind, ident, **members):
    return json.dumps({"type": kind, "id": ident, **members}, separators=(",", ":")).encode() + b"\n"


def data(ident, octets):
    return record("data", ident, bytes=len(octets)) + octets + b"\n"


def main():
    random.seed(int(sys.argv[1]) if len(sys.argv) > 1 else None)
    stage, came = Stage(), bytearray()
    while True:
        wait = max(0, stage.pending[0][0] - time.monotonic()) if stage.pending else None
        if select.select([0], [], [], wait)[0]:
            piece = os.read(0, 1 << 18)
            if not piece:
                return
            came += piece
        while b"\n" in came:
            line = came.index(b"\n") + 1
            header = json.loads(bytes(came[:line]))
            size = line + (header["bytes"] + 1 if "bytes" in header else 0)
            if len(came) < size:
                break
            payload = bytes(came[line:size - 1]) if size > line else b""
            del came[:size]
            stage.handle(header, payload)
        stage.due()


try:
    main()
except BrokenPipeError:
    pass
