#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A client of octets: raw.py PORT|PATH ACTION...  prints what came back, and at last how the connection stood.

send=TEXT     sends TEXT, with \\r \\n \\xNN escapes      many=CHAR*N  sends a character N times
until=TEXT    reads until TEXT has come                 end          reads until the connection ends
fin           shuts the sending side                    close        closes the socket; reset: by an RST
touch=FILE    makes a file, to tell the test            await=FILE   waits until a file is there
bytewise=TEXT sends TEXT octet by octet

Ends with <EOF>, <RST>, <OPEN> or, where something awaited did not come within 20 s, <TIMEOUT> and exit 1.
"""
import os
import socket
import struct
import sys
import time

LIMIT = 20


def octets(text):
    return text.encode("latin-1").decode("unicode_escape").encode("latin-1")


def connect(where):
    if where.isdigit():
        s = socket.create_connection(("127.0.0.1", int(where)))
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s
    s = socket.socket(socket.AF_UNIX)
    s.connect(where)
    return s


def main():
    s = connect(sys.argv[1])
    s.settimeout(LIMIT)
    came, state = b"", "<OPEN>"

    def read():
        nonlocal came, state
        try:
            piece = s.recv(65536)
        except ConnectionResetError:
            state = "<RST>"
            return False
        except socket.timeout:
            state = "<TIMEOUT>"
            return False
        if not piece:
            state = "<EOF>"
            return False
        came += piece
        sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return True

    def send(data):
        nonlocal state
        try:
            s.sendall(data)
        except (ConnectionResetError, BrokenPipeError):
            state = "<RST>"

    for action in sys.argv[2:]:
        name, _, value = action.partition("=")
        if name == "send":
            send(octets(value))
        elif name == "bytewise":
            for octet in octets(value):
                send(bytes([octet]))
        elif name == "many":
            char, _, count = value.partition("*")
            send(octets(char) * int(count))
        elif name == "until":
            while octets(value) not in came and read():
                pass
            came = came.partition(octets(value))[2]
        elif name == "end":
            while read():
                pass
        elif name == "fin":
            s.shutdown(socket.SHUT_WR)
        elif name == "close":
            s.close()
        elif name == "reset":
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.close()
        elif name == "touch":
            open(value, "w").close()
        elif name == "await":
            begin = time.monotonic()
            while not os.path.exists(value):
                if time.monotonic() - begin > LIMIT:
                    state = "<TIMEOUT>"
                    break
                time.sleep(0.01)
        else:
            sys.exit("raw.py: unknown action " + name)
    print("\n" + state)
    sys.exit(state == "<TIMEOUT>")


main()
