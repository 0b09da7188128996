#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs COMMAND with a client's TCP socket as its standard input, as a super-server does, and plays the client.

filter_client.py OUTPUT ACTION... -- COMMAND...   OUTPUT takes the command's standard output; or `socket`: input, output
                                                  and error are the socket, as under inetd(8)
    send=TEXT   until=TEXT   fin   reset (before the command starts, if it is first)   record=TEXT (waits for it in OUTPUT)
    end         reads until the connection ends
Prints what the client got, how the connection ended (<EOF>, <RST>, <TIMEOUT>), and the command's exit code.
"""
import socket
import struct
import subprocess
import sys
import time

LIMIT = 20


def octets(text):
    return text.encode("latin-1").decode("unicode_escape").encode("latin-1")


def wait_for_record(path, text):
    begin = time.monotonic()
    while octets(text) not in open(path, "rb").read():
        if time.monotonic() - begin > LIMIT:
            sys.exit("filter_client.py: no record %s" % text)
        time.sleep(0.01)


def reset(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def play(client, output, actions):
    came = b""
    for name, _, value in (action.partition("=") for action in actions):
        try:
            if name == "send":
                client.sendall(octets(value))
            elif name == "fin":
                client.shutdown(socket.SHUT_WR)
            elif name == "reset":
                reset(client)
            elif name == "record":
                wait_for_record(output, value)
            while name == "end" or (name == "until" and octets(value) not in came):
                piece = client.recv(65536)
                came += piece
                if not piece:
                    came += b"<EOF>"
                    break
        except ConnectionResetError:
            came += b"<RST>"
        except socket.timeout:
            came += b"<TIMEOUT>"
    return came


def main():
    output, rest = sys.argv[1], sys.argv[2:]
    actions, command = rest[:rest.index("--")], rest[rest.index("--") + 1:]
    listener = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(listener.getsockname())
    client.settimeout(LIMIT)
    server = listener.accept()[0]
    listener.close()
    if actions[0] == "reset":
        reset(client)
        actions.pop(0)
    if output == "socket":
        process = subprocess.Popen(command, stdin=server, stdout=server, stderr=server)
    else:
        process = subprocess.Popen(command, stdin=server, stdout=open(output, "wb"))
    server.close()
    sys.stdout.buffer.write(play(client, output, actions))
    client.close()
    try:
        print("\nexit %d" % process.wait(LIMIT))
    except subprocess.TimeoutExpired:
        process.terminate()
        sys.exit("filter_client.py: the command does not end")


main()
