#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A provider for tests, on a free port of 127.0.0.1: the first segment of a request's path says what it does.

usage: provider.py [--tls CERTIFICATE KEY] [--h2] [--bodies FOLDER] [--answers FOLDER] [--port N]

Prints JSON lines: {"event":"listening","port":N}, then `connection`, `request` (with its headers as they came), `closed`
(when the client closed, with `at` in unix ms). With --bodies the body of the Nth request is written to FOLDER/N. With
--h2 it speaks HTTP/2, every answer is a stream without an end, and `stream` and `reset` tell of each.

  /json         200 and a JSON, with its length          /stream[:N]   N events (5), chunked, 20 ms apart
  /forever      events without an end                    /status:CODE  that status, a JSON error, many header fields
  /nohead       never answers                            /nobody       a head, and never a body
  /reset        resets the connection at once            /close        closes it at once
  /empty        200 and a body of 0 octets               /halfhead     a head cut short, then closes
  /short        90 octets less than its length says      /cutchunk     chunks without the last
  /nobytes      a length, and closes before any octet    /stall:N      N events, then silence
  /coded:HOW    gzip, deflate, br or zstd                /echo         the request's header fields as JSON
  /large:N      N octets with their length               /redirect     302 to /json
  /hugeerror    503 and more than a megabyte             /slowerror    503, a head, half a body, silence
  /interim      103 and then /json                       /trailers     a chunked JSON with trailers
  /file:NAME    the octets of FOLDER/NAME of --answers, a whole answer; it closes behind one without a content-length
  /drip:NAME    the same, 20 octets at a time            /hang:NAME    the same, then silence
  /pings:NAME   the same, then pings without an end
  /signed:NAME  the octets of FOLDER/NAME as long as an assistant's message has thinking in it, else /json

It is a proxy, too: what CONNECT asks for is connected, but for port 1, and told of as a request; a target that is a whole URL is answered
as its path would be.
"""

import gzip
import hashlib
import json
import os
import select
import socket
import ssl
import struct
import sys
import threading
import time
import zlib

EVENT = b'event: ping\ndata: {"type":"ping"}\n\n'
JSON = b'{"id":"msg_1","type":"message","content":[{"type":"text","text":"4"}]}'
HELLO = b"hello"
CODED = {
    "gzip": gzip.compress(HELLO),
    "deflate": zlib.compress(HELLO),
    "br": b"\x0b\x02\x80" + HELLO + b"\x03",
    "zstd": b"\x28\xb5\x2f\xfd\x20\x05" + struct.pack("<I", 1 | len(HELLO) << 3)[:3] + HELLO,
}
lock = threading.Lock()
counts = {"connections": 0, "requests": 0}
bodies = answers = None
TYPES = {"400": "invalid_request_error", "401": "authentication_error", "402": "billing_error", "403": "permission_error",
         "404": "not_found_error", "409": "conflict_error", "413": "request_too_large", "422": "invalid_request_error",
         "429": "rate_limit_error", "504": "timeout_error", "529": "overloaded_error"}


def tell(event, **more):
    with lock:
        print(json.dumps({"event": event, "at": int(time.time() * 1000), **more}), flush=True)


def count(what):
    with lock:
        counts[what] += 1
        return counts[what]


class Gone(Exception):
    pass


class Connection:
    def __init__(self, sock):
        self.sock = sock
        self.number = count("connections")
        self.data = b""
        tell("connection", connection=self.number)

    def more(self, timeout=None):
        """Reads on; raises Gone at the end. False if nothing came in time."""
        pending = isinstance(self.sock, ssl.SSLSocket) and self.sock.pending()
        if not pending and not select.select([self.sock], [], [], timeout)[0]:
            return False
        try:
            data = self.sock.recv(65536)
        except OSError:
            data = b""
        if not data:
            raise Gone
        self.data += data
        return True

    def take(self, n):
        while len(self.data) < n:
            self.more()
        data, self.data = self.data[:n], self.data[n:]
        return data

    def wait(self, seconds):
        """Waits, unless the client goes."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.more(left)

    def send(self, data):
        try:
            self.sock.sendall(data)
        except OSError:
            raise Gone

    def head(self, status, *fields):
        self.send(("\r\n".join([f"HTTP/1.1 {status} Some Reason", *fields]) + "\r\n\r\n").encode())

    def chunk(self, data):
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def whole(self, status, body, *fields):
        self.head(status, f"Content-Length: {len(body)}", *fields)
        self.send(body)


def events(c, n):
    c.head(200, "Content-Type: text/event-stream", "Transfer-Encoding: chunked")
    while n != 0:
        c.chunk(EVENT)
        n -= 1
        c.wait(0.02)


def status(c, code):
    error = b'{"type":"error","error":{"type":"%s","message":"because"}}' % TYPES.get(code, "api_error").encode()
    c.whole(code, error, "Content-Type: application/json",
            "Retry-After: 3600", "Request-Id: req_theirs", "Set-Cookie: a=b", "Server: internal", "Via: 1.1 x",
            "X-RateLimit-Limit: 1", "x-ratelimit-limit: 2", "anthropic-ratelimit-requests-remaining: 0",
            "X-Should-Retry: true", "X-LB-Provider: theirs", "x-lb-attempts: 7", "X-Lb-Reason: theirs", "Location: http://127.0.0.1:1/", "X-Powered-By: y", "Keep-Alive: timeout=5")


def thinks(body):
    return any(message["role"] == "assistant" and isinstance(message["content"], list) and
               any(block["type"].endswith("thinking") for block in message["content"])
               for message in json.loads(body)["messages"])


def from_file(c, how, name):
    with open(os.path.join(answers, name), "rb") as file:
        data = file.read()
    step = 20 if how == "drip" else len(data)
    for i in range(0, len(data), step):
        c.send(data[i:i + step])
        if how == "drip":
            c.wait(0.002)
    if how == "hang":
        never(c)
    while how == "pings":
        c.send(EVENT)
        c.wait(0.02)
    if b"content-length:" not in data.split(b"\r\n\r\n")[0].lower():
        raise Gone


def never(c, *_):
    while True:
        c.wait(60)


def tunnel(c, target):
    host, port = target.rsplit(":", 1)
    if port == "1":
        c.whole(503, b"the proxy's own words", "Request-Id: the-proxy's")
        raise Gone
    with socket.create_connection((host, int(port))) as other:
        c.send(b"HTTP/1.1 200 Connection established\r\nRequest-Id: the-proxy's\r\n\r\n")
        while True:
            for sock in select.select([c.sock, other], [], [])[0]:
                data = sock.recv(65536)
                if not data:
                    raise Gone
                (other if sock is c.sock else c.sock).sendall(data)


def answer(c, method, target, headers):
    if method == "CONNECT":
        tunnel(c, target)
    if "://" in target:
        target = "/" + target.split("/", 3)[3]
    name, _, argument = target.split("/")[1].partition(":")
    if name == "json":
        c.whole(200, JSON, "Content-Type: application/json")
    elif name == "stream":
        events(c, int(argument or 5))
        c.send(b"0\r\n\r\n")
    elif name == "forever":
        events(c, -1)
    elif name == "stall":
        events(c, int(argument))
        never(c)
    elif name == "status":
        status(c, argument)
    elif name == "nohead":
        never(c)
    elif name == "nobody":
        c.head(200, "Content-Type: text/event-stream", "Transfer-Encoding: chunked")
        never(c)
    elif name == "reset":
        c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Gone
    elif name == "close":
        raise Gone
    elif name == "halfhead":
        c.send(b"HTTP/1.1 200 OK\r\nContent-Ty")
        raise Gone
    elif name == "empty":
        c.whole(200, b"", "Content-Type: text/event-stream")
    elif name == "nobytes":
        c.head(200, "Content-Type: application/json", "Content-Length: 100")
        raise Gone
    elif name == "short":
        c.head(200, "Content-Type: application/json", "Content-Length: 100")
        c.send(b"0123456789")
        raise Gone
    elif name == "cutchunk":
        events(c, 2)
        raise Gone
    elif name == "coded":
        c.whole(200, CODED[argument], "Content-Type: text/plain", f"Content-Encoding: {argument}")
    elif name == "echo":
        c.whole(200, json.dumps(headers).encode(), "Content-Type: application/json")
    elif name == "large":
        c.whole(200, b"0123456789abcdef" * (int(argument) // 16), "Content-Type: text/plain")
    elif name == "redirect":
        c.whole(302, b"elsewhere", "Content-Type: text/plain", "Location: /json/v1/messages")
    elif name == "hugeerror":
        c.whole(503, b"x" * 1500000, "Content-Type: text/plain", "Retry-After: 7")
    elif name == "slowerror":
        c.head(503, "Content-Type: text/plain", "Content-Length: 100")
        c.send(b"0123456789")
        never(c)
    elif name in ("file", "drip", "hang", "pings"):
        from_file(c, name, argument)
    elif name == "signed":
        if thinks(c.body):
            from_file(c, name, argument)
        else:
            c.whole(200, JSON, "Content-Type: application/json")
    elif name == "interim":
        c.send(b"HTTP/1.1 103 Early Hints\r\nRequest-Id: wrong\r\n\r\n")
        c.whole(200, JSON, "Content-Type: application/json")
    elif name == "trailers":
        c.head(200, "Content-Type: application/json", "Transfer-Encoding: chunked", "Content-Length: 7")
        c.chunk(JSON)
        c.send(b"0\r\nRequest-Id: wrong\r\n\r\n")
    else:
        c.whole(404, b"no such scenario")


def http1(c):
    while True:
        while b"\r\n\r\n" not in c.data:
            c.more()
            if c.data[0] == 0x16:    # a TLS hello
                c.whole(400, b"this is no TLS server")
                raise Gone
        head, c.data = c.data.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ")
        headers = [[n.lower(), v.strip()] for n, v in (line.split(":", 1) for line in lines[1:])]
        length = int(dict(headers).get("content-length", 0))
        number = count("requests")
        # The head alone is told of first, so that a test sees a client that waits with its body.
        body = c.body = c.take(length)
        if bodies:
            with open(os.path.join(bodies, str(number)), "wb") as file:
                file.write(body)
        tell("request", connection=c.number, number=number, method=method, target=target, headers=headers,
             bytes=length, sha256=hashlib.sha256(body).hexdigest())
        answer(c, method, target, headers)


def h2(c):
    """As much of RFC 9113 as one client needs: no header is decoded, each stream is answered with events until reset."""
    alive = set()

    def frame(kind, flags, stream, payload=b""):
        with send_lock:
            c.send(struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload)

    def run(stream):
        try:
            frame(1, 4, stream, b"\x88\x0f\x10\x11text/event-stream")
            while stream in alive:
                frame(0, 0, stream, EVENT)
                time.sleep(0.02)
        except Gone:
            pass

    send_lock = threading.Lock()
    c.take(24)
    frame(4, 0, 0)
    while True:
        head = c.take(9)
        size, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
        stream = int.from_bytes(head[5:], "big") & 0x7FFFFFFF
        c.take(size)
        if kind == 4 and not flags & 1:
            frame(4, 1, 0)
        elif kind in (0, 1) and flags & 1:
            alive.add(stream)
            tell("stream", connection=c.number, stream=stream)
            threading.Thread(target=run, args=(stream,), daemon=True).start()
        elif kind == 3:
            alive.discard(stream)
            tell("reset", connection=c.number, stream=stream)


def serve(sock, context):
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context:
            sock = context.wrap_socket(sock, server_side=True)
    except OSError as error:
        tell("handshake", error=str(error))
        sock.close()
        return
    c = Connection(sock)
    resumed = isinstance(sock, ssl.SSLSocket) and sock.session_reused
    if context:
        tell("tls", connection=c.number, resumed=bool(resumed), version=sock.version(), alpn=sock.selected_alpn_protocol())
    try:
        (h2 if context and sock.selected_alpn_protocol() == "h2" else http1)(c)
    except Gone:
        tell("closed", connection=c.number)
    finally:
        sock.close()


def main():
    global bodies, answers
    context, speak_h2, port, argv = None, False, 0, sys.argv[1:]
    while argv:
        option = argv.pop(0)
        if option == "--tls":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(argv.pop(0), argv.pop(0))
        elif option == "--h2":
            speak_h2 = True
        elif option == "--port":
            port = int(argv.pop(0))
        elif option == "--bodies":
            bodies = argv.pop(0)
        elif option == "--answers":
            answers = argv.pop(0)
        else:
            sys.exit(__doc__)
    if context:
        context.set_alpn_protocols(["h2", "http/1.1"] if speak_h2 else ["http/1.1"])
    listener = socket.create_server(("127.0.0.1", port), backlog=1024)
    tell("listening", port=listener.getsockname()[1])
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=serve, args=(sock, context), daemon=True).start()


if __name__ == "__main__":
    main()
