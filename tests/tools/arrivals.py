#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""When the events of a stream arrive: arrivals.py PORT prints the gaps between deltas, in milliseconds, one a line."""
import json
import socket
import sys
import time

body = json.dumps({"model": "m", "stream": True, "max_tokens": 9, "messages": []}).encode()
client = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
client.settimeout(30)
client.sendall(b"POST /v1/messages HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
               b"content-length: %d\r\n\r\n" % len(body) + body)
data, times = b"", []
while b"message_stop" not in data:
    data += client.recv(65536) or sys.exit("the answer ended: " + repr(data))
    seen = data.count(b"event: content_block_delta")
    times += [time.monotonic()] * (seen - len(times))
for before, after in zip(times, times[1:]):
    print(round((after - before) * 1000))
