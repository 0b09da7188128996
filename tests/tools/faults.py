#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every fault of a provider through the whole pipeline: what the client gets.

    faults.py [-v] [-w shared|filters] [-f FAULT] FOLDER

Reads tests/fixtures/faults.want, and plays each fault in both wirings (`shared`: one pipeline for all connections;
`filters`: a pipeline of four filters for each), with the provider's body in pieces of 1, of 7 and of all octets. One
lb-replay is all the providers that have a script in tests/fixtures/replay: each script is given the fault's name and
the size of the pieces for a model. Prints a line for each fault, its fields separated by tabs:

    ok|not ok|skip  NUMBER  what came of it

What was captured of those that are not ok is left in FOLDER. Where the system lets it, all of this runs in a network of
its own, with a name server that does not answer. Programs are taken from PATH. -f plays only that fault.
"""
import argparse
import concurrent.futures
import json
import os
import re
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

from streams import TESTS, checker, gist, message_blocks, stream_blocks

SCRIPTS = os.path.join(TESTS, "fixtures", "replay")
HEAD_DIRECTIVES = ("header", "length", "gzip", "cut after", "reset after")
SPLITS = {"1": "split 1", "7": "split 7", "all": ""}
OWN = ("keys", "poor")	# providers of which every case has its own
LONG = 60000	# a limit that no test comes to, in ms
# What a provider signed that is not the one that is asked: line 12, and no other fault minds it.
HISTORY = [{"role": "user", "content": "1+1?"},
           {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
                                             {"type": "text", "text": "2"}]}]
SHORT = 1500	# one that is waited for: long enough for a slow machine to do what comes before


# The table of what is wanted.

class Row:
    """A line of the table. `alone` and `fallback` are what the client gets."""

    def __init__(self, fields, answers):
        self.number, self.fault, self.asked, self.provider, self.alone, fallback, answer, repairs = fields
        self.provider = "replay" if self.provider == "-" else self.provider
        self.small = fallback == "small: same"
        self.fallback = {"next": "whole @2", "same": self.alone, "small: same": self.alone, "-": None}[fallback]
        self.answer = {"alone": None if answer == "-" else answers.get(answer, answer)}
        self.answer["fallback"] = answers["fallback"] if fallback == "next" else self.answer["alone"]
        self.repairs = repairs
        self.splits = ["all"] if not has_script(self.fault) else list(SPLITS)
        if self.fault == "big":
            self.splits = ["all"]

    def cases(self, wiring):
        for split in self.splits:
            yield Case(self, "alone", split)
            # That nobody else is asked does not hang on the pieces, and a pipeline for each costs time.
            rare = wiring == "filters" and self.fallback == self.alone and split != "all"
            if self.fallback is not None and not rare:
                yield Case(self, "fallback", split)

    def route(self, how, split):
        """What stands behind `~` in the model's name: the provider, and what comes behind it."""
        own = f"-{how}-{split}" if self.provider in OWN else ""
        return self.provider + own + ("" if how == "alone" else "+small" if self.small else "+")


class Case:
    """A fault, with or without a fallback, in pieces of a size."""

    def __init__(self, row, how, split):
        self.row, self.how, self.split = row, how, split
        self.model = f"{row.fault}@{split}-{row.asked}~{row.route(how, split)}"

    def body(self):
        return json.dumps({"model": self.model, "max_tokens": 9, "stream": self.row.asked == "stream",
                           "messages": HISTORY + [{"role": "user", "content": "2+2?"}]}).encode()


def has_script(fault):
    return os.path.exists(os.path.join(SCRIPTS, fault + ".replay"))


def read_table():
    rows, answers = [], {}
    with open(os.path.join(TESTS, "fixtures", "faults.want"), encoding="utf-8") as file:
        for line in file:
            line = line.rstrip("\n")
            if not line or line.startswith("#"):
                continue
            if " = " in line:
                name, _, answers[name] = line.partition(" = ")
                continue
            fields = re.split(r"  +", line)
            if len(fields) != 8:
                sys.exit(f"faults.want: {len(fields)} columns: {line}")
            rows.append(Row(fields, answers))
    return rows


# The providers.

def adapt(script, fault, split):
    """The script for one model only, with the body in pieces: `split` stands behind what belongs to the head."""
    lines, end, in_head = [], None, False
    for line in script.split("\n"):
        word = line.strip()
        if end is not None:
            end = None if line == end else end
        elif word.startswith("on "):
            line += f" model={fault}@{split}-*" if split else f" model={fault}"
            line += "\n\tcycle"
        elif word.startswith("answer "):
            in_head = True
        elif in_head and word and not word.startswith("#") and not word.startswith(HEAD_DIRECTIVES):
            line = f"\t\t{SPLITS.get(split, '')}\n{line}"
            in_head = False
        if end is None and word.startswith("body <<"):
            end = word[len("body <<"):]
        lines.append(line)
    return "\n".join(lines)


def write_script(rows, path):
    with open(path, "w", encoding="utf-8") as out:
        for fault in sorted({row.fault for row in rows if has_script(row.fault)}):
            with open(os.path.join(SCRIPTS, fault + ".replay"), encoding="utf-8") as file:
                script = file.read()
            out.writelines(adapt(script, fault, split) for split in SPLITS)
        with open(os.path.join(SCRIPTS, "fallback.replay"), encoding="utf-8") as file:
            out.write(adapt(file.read(), "fallback", None))


def serve(handle):
    """A server on a free port that handles each connection on a thread of its own; its port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)

    def loop():
        while True:
            threading.Thread(target=handle, args=(listener.accept()[0],), daemon=True).start()
    threading.Thread(target=loop, daemon=True).start()
    return listener.getsockname()[1]


def close_at_once(connection):
    """Takes the request, and closes without a word."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536) or b"\r\n\r\n"
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(re.search(rb"content-length: *(\d+)", head.lower())[1])
    while len(body) < length:
        body += connection.recv(65536) or b" " * length
    connection.close()


def tls_server(folder):
    """A server whose certificate nobody vouches for; None without openssl."""
    certificate, key = os.path.join(folder, "tls.pem"), os.path.join(folder, "tls.key")
    try:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=nobody", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key,
                        "-out", certificate], check=True, stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def handle(connection):
        try:
            context.wrap_socket(connection, server_side=True).recv(1)
        except OSError:
            pass
        connection.close()
    return serve(handle)


KEPT = []	# sockets that only have to be there


def full_listener():
    """A port whose listener takes no more connections: those to it are neither made nor refused."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    KEPT.append(listener)
    for _ in range(4):
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex(listener.getsockname())
        KEPT.append(one)
    return listener.getsockname()[1]


def refusing_port():
    """A port that nobody can listen on and nobody does."""
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    KEPT.append(s)
    return s.getsockname()[1]


def name_server():
    """Says of every name with `nobody` in it that there is none, and nothing of others."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 53))

    def loop():
        while True:
            query, client = s.recvfrom(2048)
            if b"nobody" in query:
                s.sendto(query[:2] + b"\x81\x83" + query[4:6] + bytes(6) + query[12:], client)
    threading.Thread(target=loop, daemon=True).start()


def make_providers(folder, replay, gone, inside):
    """The configuration's providers: their names stand in the table."""
    here = f"http://127.0.0.1:{replay}"
    limits = {"connect_ms": LONG, "first_byte_ms": LONG, "idle_ms": LONG, "total_ms": LONG}
    untrusted = tls_server(folder)
    bases = {
        "replay": (here, {}),
        "hasty": (here, {"first_byte_ms": SHORT}),
        "idle": (here, {"idle_ms": SHORT}),
        "spare": (here, {}),
        "thrice": (here, {}),	# three times the same
        "gone": (f"http://127.0.0.1:{gone}", {}),
        "refused": (f"http://127.0.0.1:{refusing_port()}", {}),
        "closes": (f"http://127.0.0.1:{serve(close_at_once)}", {}),
        "full": (f"http://127.0.0.1:{full_listener()}", {"connect_ms": SHORT}),
        "no-tls": (f"https://127.0.0.1:{replay}", {}),
    }
    if untrusted is not None:
        bases["untrusted"] = (f"https://127.0.0.1:{untrusted}", {})
    if inside:
        name_server()
        bases["nobody"] = ("http://nobody.example", {})
        bases["lost"] = ("http://lost.example", {"connect_ms": SHORT})
    # Keys that were refused are left alone for a while, so no two cases have the same: each has a provider.
    for how in ("alone", "fallback"):
        for split in SPLITS:
            bases[f"keys-{how}-{split}"] = (here, {"keys": ["env:FAULTS_BAD_KEY", "env:FAULTS_GOOD_KEY"]})
            bases[f"poor-{how}-{split}"] = (here, {})
    return {name: {"base_url": base, "dialect": "anthropic", **limits, **more} for name, (base, more) in bases.items()}


def write_configuration(path, providers):
    """The part of a model's name behind `~` says which providers are asked for it."""
    routes = []
    for name in providers:
        first = [{"provider": name, "context": 1000}] * (3 if name == "thrice" else 1)
        routes.append({"model": f"*~{name}", "targets": first})
        for suffix, context in (("+", 2000), ("+small", 500)):
            last = {"provider": "spare", "model": "fallback", "context": context}
            routes.append({"model": f"*~{name}{suffix}", "targets": first + [last]})
    # What tests/tools/gone.py asks for.
    routes.append({"model": "m", "targets": [{"provider": "gone"}, {"provider": "spare", "model": "fallback"}]})
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"providers": providers, "routes": routes}, file)


# The wirings.

class Wiring:
    def __init__(self, folder, configuration):
        self.folder, self.configuration = folder, configuration
        self.log = open(os.path.join(folder, f"{self.name}.err"), "wb")

    def start(self, command, **more):
        """With a health table of the wiring's own: that of another would have failed targets cool down."""
        state = os.path.join(self.folder, f"{self.name}.health")
        return subprocess.Popen(command, stderr=self.log, env={**os.environ, "LB_STATE": state}, **more)


class Shared(Wiring):
    """One pipeline for all, and a copy of what goes in and out of it."""
    name = "shared"
    workers = 64

    def __init__(self, folder, configuration):
        super().__init__(folder, configuration)
        self.port = free_port()
        self.tees = [os.path.join(folder, name) for name in ("in.rec", "out.rec")]
        self.process = self.start(
            ["lb-listen", "-l", f"127.0.0.1:{self.port}", "--max-body", "64M", "--", "tee", "-p", self.tees[0], "|",
             "lb-route", "-c", configuration, "|", "lb-fetch", "-c", configuration, "|", "lb-sse", "|",
             "tee", "-p", self.tees[1]], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        await_port(self.port)

    def expect(self, port):
        return None

    def finish(self, answers):
        """Adds to the answers what their records say."""
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(60) != 0:
            sys.exit(f"lb-listen exited with {self.process.returncode}")
        cases, told = {}, checker.Answers()
        with open(self.tees[0], "rb") as file:
            for header, _ in checker.records(file):
                if header["type"] == "request":
                    cases[header["id"]] = header["headers"].get("x-case")
        self.cancelled, self.broken = [], []
        with open(self.tees[1], "rb") as file:
            for header, payload in checker.records(file):
                ended = told.take(header, payload)
                if ended is not None:
                    self.take(answers, cases, *ended)
        self.broken += [f"{number}: no end" for number in told.heads]

    def take(self, answers, cases, number, head, _body, end, verdict):
        if verdict.startswith("broken"):
            self.broken.append(f"{cases.get(number)}: {verdict}")
        if end.get("result") == "cancelled":
            self.cancelled.append(end)
        answer = answers.get(cases.get(number))
        if answer is not None:
            answer.attempt = (head or {}).get("attempt")
            answer.repairs = end.get("repairs", {})


class Filters(Wiring):
    """A pipeline for each connection, as an inetd starts it."""
    name = "filters"
    workers = 12

    def __init__(self, folder, configuration):
        super().__init__(folder, configuration)
        self.codes = {}
        self.port = serve(self.handle)

    def handle(self, connection):
        client, processes, into = connection.getpeername()[1], [], connection
        commands = [["lb-listen", "--max-body", "64M"], ["lb-route", "-c", self.configuration],
                    ["lb-fetch", "-c", self.configuration], ["lb-sse", "-H"]]
        for command in commands:
            out = connection if command[0] == "lb-sse" else subprocess.PIPE
            process = self.start(command, stdin=into, stdout=out)
            if into is not connection:
                into.close()
            into = process.stdout
            processes.append(process)
        connection.close()
        code = self.codes.pop(client, None)
        codes = [process.wait() for process in processes]
        if code is not None:
            code.set_result(codes[-1])

    def expect(self, port):
        """The code that lb-sse exits with behind the connection which a client on that port is about to make."""
        self.codes[port] = concurrent.futures.Future()
        return self.codes[port]

    def finish(self, answers):
        for answer in answers.values():
            answer.code = answer.code.result(60)
        self.broken = []


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def await_port(port):
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.05)
    sys.exit(f"nobody listens on port {port}")


# The client.

class Answer:
    """What a client got."""

    def __init__(self):
        self.raw, self.problem = bytearray(), None
        self.status, self.fields, self.body, self.clean = 0, {}, b"", False
        self.attempt = self.repairs = self.code = None

    def parse(self):
        head, found, rest = bytes(self.raw).partition(b"\r\n\r\n")
        if not found:
            self.problem = self.problem or "no head"
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(first.split(" ")[1])
        self.fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if self.fields.get("transfer-encoding") == "chunked":
            self.body, self.clean = dechunk(rest)
        else:
            length = self.fields.get("content-length")
            self.body = rest
            self.clean = self.problem is None if length is None else len(rest) == int(length)


def dechunk(rest):
    """The body of a chunked one, as far as it came, and whether its last chunk did."""
    body = bytearray()
    while True:
        line, found, rest = rest.partition(b"\r\n")
        if not found:
            return bytes(body), False
        size = int(line, 16)
        if size == 0:
            return bytes(body), rest == b"\r\n"
        body += rest[:size]
        if len(rest) < size + 2:
            return bytes(body), False
        rest = rest[size + 2:]


def ask(wiring, case):
    body, answer = case.body(), Answer()
    with socket.socket() as client:
        client.settimeout(120)
        client.bind(("127.0.0.1", 0))
        answer.code = wiring.expect(client.getsockname()[1])
        client.connect(("127.0.0.1", wiring.port))
        client.sendall(b"POST /v1/messages HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
                       b"x-case: %s\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s"
                       % (case.model.encode(), len(body), body))
        try:
            while piece := client.recv(65536):
                answer.raw += piece
        except OSError as error:
            answer.problem = error.strerror or "time limit"
    answer.parse()
    return answer


# The comparison.

def outcome(answer):
    """What the client got, in the words of the table: what it is, and what is beside it."""
    if answer.status == 0:
        return "nothing", answer.problem
    verdict = checker.check_answer(answer.status, answer.fields.get("content-type", ""), answer.body)
    kind, _, rest = verdict.partition(": ")
    if kind == "broken":
        return verdict, ""
    if kind == "whole":
        return "whole", ""
    name, _, text = rest.partition(": ")
    what = f"error {name}" if kind == "error" else f"{answer.status} {name}"
    if "retry-after" in answer.fields:
        what += f", retry-after {answer.fields['retry-after']}"
    return what, text


def compare(case, answer):
    """What is wrong, in words; nothing if nothing is. And what the client got."""
    row = case.row
    got, text = outcome(answer)
    if got == "whole" and answer.attempt is not None:
        got += f" @{answer.attempt}"
    want, _, says = getattr(row, case.how).partition(": ")
    wanted = want if answer.attempt is not None else want.partition(" @")[0]
    wrong = []
    if got != wanted:
        wrong.append(f"wanted {wanted}, got {got}: {text}")
    elif says and says.lower() not in text.lower():
        wrong.append(f"does not say '{says}': {text}")
    else:
        wrong += compare_more(case, answer, got)
    return wrong, got if not text or not wrong else f"{got}: {text}"


def compare_more(case, answer, got):
    wrong = []
    is_whole = got.startswith("whole")
    is_stream = answer.fields.get("content-type", "").startswith("text/event-stream")
    if is_whole and is_stream != (case.row.asked == "stream"):
        wrong.append(f"content-type {answer.fields.get('content-type')}")
    wanted = case.row.answer[case.how]
    if wanted is not None and (is_stream or is_whole):
        said = gist(stream_blocks(answer.body) if is_stream else message_blocks(answer.body))
        if said != wanted if is_whole else not wanted.startswith(said.rstrip(")")):
            wrong.append(f"wanted '{wanted[:200]}', got '{said[:200]}'")
    if answer.clean != (is_whole or answer.status >= 400):
        wrong.append("it ends cleanly" if answer.clean else "it does not end cleanly")
    if answer.code is not None and (answer.code == 0) != answer.clean:
        wrong.append(f"lb-sse -H exits with {answer.code}")
    if answer.repairs is not None and case.how == "alone":
        repairs = ",".join(sorted(answer.repairs)) or "-"
        if repairs != case.row.repairs:
            wrong.append(f"wanted the repairs {case.row.repairs}, got {repairs}")
    if re.search(rb"sk-(bad|good)", answer.raw):
        wrong.append("a key is in it")
    return wrong


# The run.

def play(wiring, rows, providers):
    """Asks for every case; those that wait begin first. What was got, by the case's model."""
    cases = [case for row in rows if row.provider in (*providers, *OWN) for case in row.cases(wiring.name)]
    waiting = [case for case in cases if case.row.provider in ("hasty", "idle", "lost", "full")]
    rest = [case for case in cases if case not in waiting]
    with concurrent.futures.ThreadPoolExecutor(64) as slow, concurrent.futures.ThreadPoolExecutor(wiring.workers) as fast:
        futures = {case.model: slow.submit(ask, wiring, case) for case in waiting}
        futures.update((case.model, fast.submit(ask, wiring, case)) for case in rest)
        return {model: future.result() for model, future in futures.items()}


def client_gone(wiring, port):
    """Whether the provider's connection is closed soon when the client goes, and nobody else is asked."""
    run = subprocess.run([sys.executable, os.path.join(TESTS, "tools", "gone.py"), str(port), str(wiring.port), "5"],
                         capture_output=True, text=True, timeout=300)
    lines = [line.split(": ") for line in run.stdout.splitlines()]
    good = len(lines) == 3 and all(ms != "never" and float(ms) < 100 for _, ms in lines)
    return good, [f"client gone {moment}: the provider's connection is closed after {ms} ms" for moment, ms in lines] or \
        [run.stderr]


def report(folder, rows, providers, wirings):
    """Prints the table. `wirings`: the name and answers of each."""
    for row in rows:
        if row.provider not in (*providers, *OWN):
            print(f"skip\t{row.number}\t{row.fault:24} (no namespaces, or no openssl, here)")
            continue
        wrong, gots, repairs = {}, {}, None
        for name, answers in wirings:
            for case in row.cases(name):
                answer = answers[case.model]
                problems, got = compare(case, answer)
                if case.how not in gots or problems:
                    gots[case.how] = got
                if answer.repairs is not None and case.how == "alone":
                    repairs = answer.repairs
                for problem in problems:
                    path = os.path.join(folder, f"{name}-{case.model}")
                    with open(path, "wb") as file:
                        file.write(answer.raw)
                    problem = re.sub(r"\(\d+ ms\)", "(... ms)", problem)
                    wrong.setdefault((name, case.how, problem), []).append((case.split, path))
        shown = " ".join(f"{name}:{count}" for name, count in (repairs or {}).items()) or "-"
        print(f"{'not ok' if wrong else 'ok'}\t{row.number}\t{row.fault:24} {row.asked:6}  alone: "
              f"{gots['alone']:40}  with a fallback: {gots.get('fallback', '-'):40}  repairs: {shown}")
        for (name, how, problem), where in wrong.items():
            pieces = ", ".join(split for split, _ in where)
            print(f"not ok\t{row.number}\t    {name}, {how}, pieces of {pieces}: {problem} (see {where[0][1]})")


def run(options, inside):
    rows = [row for row in read_table() if options.fault in (None, row.fault)]
    # Each fault meets a route that has seen nothing yet.
    os.environ.update(FAULTS_BAD_KEY="sk-bad-1", FAULTS_GOOD_KEY="sk-good-1", LB_STATE="/dev/null")
    script, gone = os.path.join(options.folder, "all.replay"), free_port()
    write_script(rows, script)
    replay = free_port()
    provider = subprocess.Popen(["lb-listen", "-l", f"127.0.0.1:{replay}", "--max-body", "64M", "--", "lb-replay", script],
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        await_port(replay)
        providers = make_providers(options.folder, replay, gone, inside)
        configuration = os.path.join(options.folder, "lb.json")
        write_configuration(configuration, providers)
        done = []
        for kind in (Shared, Filters):
            if options.wiring not in (None, kind.name):
                continue
            began = time.monotonic()
            wiring = kind(options.folder, configuration)
            answers = play(wiring, rows, providers)
            was_gone = client_gone(wiring, gone) if options.fault in (None, "gone") else (True, [])
            wiring.finish(answers)
            finish(wiring, *was_gone)
            done.append((kind.name, answers))
            if options.verbose:
                print(f"{kind.name}: {len(answers)} answers in {time.monotonic() - began:.1f} s", file=sys.stderr)
        report(options.folder, rows, providers, done)
    finally:
        provider.terminate()
        provider.wait()


def finish(wiring, good, lines):
    """What was seen of a wiring as a whole."""
    if getattr(wiring, "cancelled", None) is not None and lines:
        asked = [len(end.get("attempts", [])) for end in wiring.cancelled]
        good &= len(asked) == 3 * 5 and max(asked) <= 1
        lines.append(f"client gone, {len(asked)} times: {max(asked, default=0)} provider asked")
    for line in lines:
        print(f"{'ok' if good else 'not ok'}\t13\t{wiring.name}: {line}")
    for line in wiring.broken:
        print(f"not ok\trecords\t{wiring.name}: {line}")
    print(f"ok\trecords\t{wiring.name}: {len(wiring.broken)} answers broken in the records")


def enter(folder):
    """A network of the test's own, with a name server at 127.0.0.1; where the system does not let it: this one."""
    if os.environ.get("FAULTS_INSIDE") == "1":
        import fcntl
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            fcntl.ioctl(s, 0x8914, struct.pack("16sH14s", b"lo", 1, b""))	# SIOCSIFFLAGS, IFF_UP
        return True
    namespaces = ["unshare", "-rnm", "--kill-child", "--fork", "--pid", "--mount-proc"]
    try:
        subprocess.run([*namespaces, "true"], check=True, stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        return False
    mounts = []
    for name, text in (("resolv.conf", "nameserver 127.0.0.1\noptions timeout:30 attempts:2\n"), ("nsswitch.conf", "hosts: dns\n")):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
        mounts.append(f'mount --bind "$0/{name}" /etc/{name} && ')
    os.environ["FAULTS_INSIDE"] = "1"
    os.execvp("unshare", [*namespaces, "sh", "-c", "".join(mounts) + 'exec "$@"', folder, sys.executable, *sys.argv])


def main():
    parser = argparse.ArgumentParser(prog="faults.py")
    parser.add_argument("-v", dest="verbose", action="store_true")
    parser.add_argument("-w", dest="wiring", choices=["shared", "filters"])
    parser.add_argument("-f", dest="fault")
    parser.add_argument("folder")
    options = parser.parse_args()
    run(options, enter(os.path.abspath(options.folder)))


main()
