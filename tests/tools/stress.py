#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Clients of all manners for lb-listen before fickle_stage.py: stress.py PORT CLIENTS AT-ONCE SEED [stormy]

Each client does one thing at random. Those that behave must get each answer whole. With `stormy` some ask the stage to die
or to write nonsense (the test may kill processes besides): then a 502 or 503, or an answer that visibly breaks off, is
right as well, and a refused or reset connection. Prints what came; exit 1 and the reason for whatever is wrong.
"""
import asyncio
import collections
import random
import socket
import struct
import sys
import zlib

LIMIT = 60  # seconds in which any client must have its answer
PORT, COUNT, AT_ONCE, SEED = map(int, sys.argv[1:5])
STORMY = "stormy" in sys.argv[5:]
random.seed(SEED)
came = collections.Counter()


class Wrong(Exception):
    pass


def request(n, body=b"", method=None, more=b"", chunked=False):
    head = b"%s /echo/%d HTTP/1.1\r\nHost: x\r\n%s" % (method or (b"POST" if body else b"GET"), n, more)
    if chunked:
        pieces = b""
        while body:
            k = random.randint(1, len(body))
            pieces, body = pieces + b"%x\r\n%s\r\n" % (k, body[:k]), body[k:]
        return head + b"Transfer-Encoding: chunked\r\n\r\n" + pieces + b"0\r\n\r\n"
    return head + (b"Content-Length: %d\r\n" % len(body) if body else b"") + b"\r\n" + body


def some_body(limit):
    return random.randbytes(int(random.random() ** 4 * limit))


async def read_head(reader):
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines[1:-2])
    return int(lines[0].split(" ")[1]), fields


async def read_body(reader, fields, slow):
    got = 0
    if "content-length" in fields:
        left = int(fields["content-length"])
        while left > 0:
            piece = await reader.read(min(left, slow or 1 << 16))
            if not piece:
                raise asyncio.IncompleteReadError(b"", left)
            left, got = left - len(piece), got + len(piece)
            if slow:
                await asyncio.sleep(0.002)
        return got
    while True:
        size = int(await reader.readuntil(b"\r\n"), 16)
        await reader.readexactly(size + 2)
        if size == 0:
            return got
        got += size


# The answer to a request that behaved: whole, or (stormy) an error. False: the connection has ended with it.
async def expect(reader, n, body, head_only=False, slow=0):
    status, fields = await read_head(reader)
    if STORMY and status in (502, 503):
        await read_body(reader, fields, 0)
        came["told"] += 1
        return False
    if status != 200:
        raise Wrong("status %d" % status)
    if fields.get("x-body") != "%d-%d" % (len(body), zlib.crc32(body)):
        raise Wrong("the body that arrived was %s" % fields.get("x-body"))
    if not head_only and await read_body(reader, fields, slow) != n:
        raise Wrong("an answer of another length than %d" % n)
    came["whole"] += 1
    return True


async def plain(reader, writer):
    for _ in range(random.randint(1, 3)):
        n, body = random.choice([0, 1, 300, 70000]), some_body(400000)
        writer.write(request(n, body, chunked=random.random() < 0.3))
        if not await expect(reader, n, body):
            return


async def large(reader, writer):
    body = random.randbytes(random.randint(1, 3) * 1000000)
    writer.write(request(10, body))
    await expect(reader, 10, body)


async def slow(reader, writer):
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)
    writer.write(request(600000))
    await expect(reader, 600000, b"", slow=32768)


async def head(reader, writer):
    writer.write(request(7, method=b"HEAD"))
    await expect(reader, 7, b"", head_only=True)


async def waiting(reader, writer):
    body = some_body(50000) + b"x"
    whole = request(5, body, more=b"Expect: 100-continue\r\n")
    writer.write(whole[:-len(body)])
    if b"100 Continue" not in await reader.readuntil(b"\r\n\r\n"):
        raise Wrong("no 100 Continue")
    writer.write(body)
    await expect(reader, 5, body)


async def pipelining(reader, writer):
    bodies = [some_body(3000) for _ in range(5)]
    writer.write(b"".join(request(1000, body) for body in bodies))
    for body in bodies:
        if not await expect(reader, 1000, body):
            return


async def octet_by_octet(reader, writer):
    for octet in request(3, b"abc", chunked=True):
        writer.write(bytes([octet]))
        await writer.drain()
    await expect(reader, 3, b"abc")


async def vanishing(reader, writer):
    whole = request(200000, some_body(600000), chunked=random.random() < 0.5)
    writer.write(whole[:random.randint(0, len(whole))] if random.random() < 0.5 else whole)
    if random.random() < 0.5:
        try:
            await asyncio.wait_for(reader.read(1000), random.random() * 0.05)
        except asyncio.TimeoutError:
            pass
    if random.random() < 0.5:
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()
    came["vanished"] += 1


async def half_closed(reader, writer):
    writer.write(request(50, some_body(1000)) + b"x" * random.choice([0, 10, 200000]))
    writer.write_eof()
    await reader.read()
    came["half closed"] += 1


async def refused(reader, writer):
    writer.write(random.choice([
        b"GET / HTTP/1.1\r\nA: " + b"a" * 100000, b"\x00" * 100, b"GET /" + b"a" * 80000, b"x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n" + b"z" * 300000,
        b"POST /echo/1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"]))
    status, fields = await read_head(reader)
    await read_body(reader, fields, 0)
    if status not in (400, 413, 414, 431) or await reader.read():
        raise Wrong("status %d where one of a refusal was due" % status)
    came["refused"] += 1


async def troublesome(reader, writer):
    path = random.choice([b"die", b"garbage", b"disorder", b"odd", b"twice", b"empty"])
    writer.write(b"GET /%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % path)
    await reader.read()
    came["trouble"] += 1


async def client(manner):
    writer = None
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
        await asyncio.wait_for(manner(reader, writer), LIMIT)
    except asyncio.TimeoutError:
        raise Wrong("%s: nothing within %d s" % (manner.__name__, LIMIT))
    except (OSError, asyncio.IncompleteReadError) as error:
        if manner in (vanishing, half_closed):
            came["gone"] += 1
        elif STORMY:
            came["broken"] += 1
        else:
            raise Wrong("%s: %r" % (manner.__name__, error))
    except Wrong as wrong:
        raise Wrong("%s: %s" % (manner.__name__, wrong))
    finally:
        if writer:
            writer.close()


async def main():
    manners = [plain, plain, plain, large, slow, head, waiting, pipelining, octet_by_octet, vanishing, vanishing,
               half_closed, refused]
    if STORMY:
        manners.append(troublesome)
    left = [random.choice(manners) for _ in range(COUNT)]
    running = set()
    while left or running:
        while left and len(running) < AT_ONCE:
            running.add(asyncio.ensure_future(client(left.pop())))
        done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            if task.exception():
                for other in running:
                    other.cancel()
                await asyncio.gather(*done, *running, return_exceptions=True)
                raise task.exception()


try:
    asyncio.run(main())
except Wrong as wrong:
    print(dict(came))
    sys.exit("stress.py: %s" % wrong)
print(dict(came))
