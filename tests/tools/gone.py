#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How soon a provider's connection is closed once the client has gone.

    gone.py PROVIDER_PORT LB_PORT TRIES

Is the provider on PROVIDER_PORT and the client of lb on LB_PORT, so that one clock measures both. For each moment at which
a client can go it prints the best of TRIES in milliseconds, or `never`: before the head, in mid-stream, while it waits for
an answer in one piece.
"""
import json
import queue
import socket
import sys
import threading
import time

PROVIDER_PORT, LB_PORT, TRIES = map(int, sys.argv[1:])
START = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant",'
    b'"model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}}\n\n'
    b'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}'
    b'\n\nevent: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta",'
    b'"text":"first words"}}\n\n'
)
asked, closed = queue.Queue(), queue.Queue()


def read_request(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536) or exit("the connection ended before the request")
    head, body = data.split(b"\r\n\r\n", 1)
    length = next(int(l.split(b":")[1]) for l in head.lower().split(b"\r\n") if l.startswith(b"content-length:"))
    while len(body) < length:
        body += connection.recv(65536)
    return json.loads(body)


def provide(connection):
    """Answers a little of the first request, and then waits for the connection's end."""
    request = read_request(connection)
    if request["messages"] == "mid-stream":
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        connection.sendall(b"%x\r\n%s\r\n" % (len(START), START))
    asked.put(True)
    connection.settimeout(20)
    try:
        while connection.recv(65536):
            pass
        closed.put(time.monotonic())
    except TimeoutError:
        closed.put(None)
    except ConnectionError:
        closed.put(time.monotonic())
    connection.close()


def serve(listener):
    while True:
        threading.Thread(target=provide, args=(listener.accept()[0],), daemon=True).start()


def go_away(moment):
    body = json.dumps({"model": "m", "stream": moment != "in one piece", "messages": moment}).encode()
    client = socket.create_connection(("127.0.0.1", LB_PORT))
    client.sendall(b"POST /v1/messages HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
                   b"content-length: %d\r\n\r\n" % len(body) + body)
    asked.get(timeout=20)
    answer = b""
    while moment == "mid-stream" and b"first words" not in answer:
        answer += client.recv(65536) or exit("the answer ended: " + repr(answer))
    gone = time.monotonic()
    client.close()
    seen = closed.get(timeout=30)
    return None if seen is None else (seen - gone) * 1000


listener = socket.create_server(("127.0.0.1", PROVIDER_PORT), backlog=64)
threading.Thread(target=serve, args=(listener,), daemon=True).start()
for moment in ("before the head", "mid-stream", "in one piece"):
    times = [go_away(moment) for _ in range(TRIES)]
    print(f"{moment}: {'never' if None in times else round(min(times), 1)}", flush=True)
