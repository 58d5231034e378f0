"""python-socketio's client (Debian's package) against the fixture and the program.

Called by test/clients with the servers' URLs as JSON; prints one JSON object a
line: {"version"} first, then {"feature", "name", "mode", "outcome", "ms", "error"}.
Every case runs with the threaded client (requests, websocket-client) and with
the asyncio client (aiohttp), over WebSocket, over polling, and with upgrade.
"""

import asyncio
import itertools
import json
import os
import queue
import re
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

import socketio

DEADLINE = 10  # seconds for each thing that a case waits for
MODES = {"websocket": ["websocket"], "polling": ["polling"], "upgrade": None}

serial = itertools.count()
cases = []


def case(feature, server="fixture", modes=MODES):
    def add(run):
        cases.append((feature, run.__doc__, server, modes, run))
        return run

    return add


class Threaded:
    """One connection of socketio.Client."""

    kind = "threads"

    def __init__(self, url, mode, **options):
        self.url, self.mode, self.options = url, mode, options
        self.sio = self.make()

    def make(self):
        return socketio.Client(reconnection_delay=0.05, reconnection_delay_max=0.1, randomization_factor=0, **self.options)

    def connect(self, namespaces=("/",), **kwargs):
        self.sio.connect(self.url, transports=MODES[self.mode], namespaces=list(namespaces), wait_timeout=DEADLINE, **kwargs)
        return self

    def emit(self, event, *args, ns="/"):
        self.sio.emit(event, args, namespace=ns)

    def call(self, event, *args, ns="/"):
        return self.sio.call(event, args, namespace=ns, timeout=DEADLINE)

    def inbox(self, event, ns="/", answer=None):
        got = queue.Queue()

        def heard(*args):
            got.put(args)
            return answer(*args) if answer else None

        self.sio.on(event, heard, namespace=ns)
        return got

    def id(self, ns="/"):
        return self.sio.get_sid(ns)

    def transport(self):
        return self.sio.transport()

    def leave(self):
        self.sio.disconnect()


class Asynchronous(Threaded):
    """One connection of socketio.AsyncClient, on an event loop of its own."""

    kind = "asyncio"

    def make(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

        async def new():
            return socketio.AsyncClient(
                reconnection_delay=0.05, reconnection_delay_max=0.1, randomization_factor=0, **self.options
            )

        return self.wait(new())

    def wait(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(DEADLINE + 5)

    def connect(self, namespaces=("/",), **kwargs):
        self.wait(
            self.sio.connect(
                self.url, transports=MODES[self.mode], namespaces=list(namespaces), wait_timeout=DEADLINE, **kwargs
            )
        )
        return self

    def emit(self, event, *args, ns="/"):
        self.wait(self.sio.emit(event, args, namespace=ns))

    def call(self, event, *args, ns="/"):
        return self.wait(self.sio.call(event, args, namespace=ns, timeout=DEADLINE))

    def leave(self):
        self.wait(self.sio.disconnect())


class Visit:
    """What one run of one case uses; closes its connections."""

    def __init__(self, make, url, mode):
        self.make, self.url, self.mode = make, url, mode
        self.opened = []

    def open(self, **options):
        client = self.make(self.url, self.mode, **{"reconnection": False, **options})
        self.opened.append(client)
        return client

    def connect(self, *args, **kwargs):
        return self.open().connect(*args, **kwargs)

    def name(self):
        return f"py-{os.getpid()}-{next(serial)}"

    def end(self):
        for client in self.opened:
            try:
                client.sio.reconnection = False
                client.leave()
            except Exception:  # the case is over; what it left behind may be broken
                pass


def take(inbox):
    return inbox.get(timeout=DEADLINE)


def equal(got, want):
    if got != want:
        raise AssertionError(f"got {got!r}, want {want!r}")


def until(ask, fits):
    end = time.monotonic() + DEADLINE
    while True:
        got = ask()
        if fits(got):
            return got
        if time.monotonic() > end:
            raise AssertionError(f"last answer {got!r}")
        time.sleep(0.02)


@case("connect")
def greeting(t):
    """the greeting follows the connect, both sides agree on id and transport"""
    client = t.open()
    hello = client.inbox("hello")
    client.connect()
    equal(take(hello)[0], client.id())
    want = "polling" if t.mode == "polling" else "websocket"
    equal(client.transport(), want)
    equal(client.call("handshake")["transport"], want)


@case("auth")
def auth(t):
    """auth and headers are seen by the server"""
    client = t.open().connect(auth={"token": "✓", "n": [1, None]}, headers={"x-test": "a header"})
    handshake = client.call("handshake")
    equal(handshake["auth"], {"token": "✓", "n": [1, None]})
    equal(handshake["header"], "a header")


@case("refusal")
def refusal(t):
    """the middleware's error arrives; the right token is let in"""
    client = t.open()
    refused = client.inbox("connect_error", ns="/admin")
    try:
        client.connect(namespaces=["/admin"], auth={"token": "wrong"})
    except socketio.exceptions.ConnectionError:
        pass
    else:
        raise AssertionError("no ConnectionError")
    error = take(refused)[0]
    equal(error, {"message": "not allowed", "data": {"code": "E_TOKEN", "missing": False}})
    good = t.connect(namespaces=["/admin"], auth={"token": "secret"})
    equal(good.call("echo", "in", ns="/admin"), "in")


@case("emit")
def emit(t):
    """200 events up and down"""
    client = t.open()
    bounced = client.inbox("bounce")
    client.connect()
    # This client takes no polling answer with more than 16 packets.
    for start in range(0, 200, 10):
        for i in range(start, start + 10):
            client.emit("bounce", i, {"text": "ü" * i})
        # It handles each event on a thread or task of its own, in any order.
        got = sorted((take(bounced) for _ in range(10)), key=lambda args: args[0])
        equal(got, [(i, {"text": "ü" * i}) for i in range(start, start + 10)])


@case("emit")
def values(t):
    """every kind of JSON value"""
    client = t.connect()
    sent = [1, -2.5, 1e300, 2**53 - 1, "", "✓ 漢 😀 \" \\ \n", True, False, None, [], {}, {"a": [{"b": None}]}]
    equal(client.call("echo", sent), sent)


@case("ack")
def ack(t):
    """the server answers with none, one and several arguments"""
    client = t.connect()
    equal(client.call("echo"), None)
    equal(client.call("echo", {"a": 1}), {"a": 1})
    equal(list(client.call("echo", 1, "two", [3])), [1, "two", [3]])


@case("ack")
def answer(t):
    """the client answers the server"""
    client = t.open()
    client.inbox("question", answer=lambda a, b: (a + b, {"list": [a, b]}))
    client.connect()
    equal(client.call("ask", 5000, "question", 1, 2), {"ok": [3, {"list": [1, 2]}]})


@case("binary")
def binary(t):
    """nested both ways, in events and acknowledgements"""
    client = t.open()
    bounced = client.inbox("bounce")
    client.inbox("question", answer=lambda a: {"got": a})
    client.connect()
    value = {"files": [{"body": bytes(range(256))}, b"", "text"], "last": b"\x00\x1e"}
    client.emit("bounce", b"\x01", value)
    equal(take(bounced), (b"\x01", value))
    equal(client.call("echo", value), value)
    equal(client.call("ask", 5000, "question", b"\x05\x06"), {"ok": [{"got": b"\x05\x06"}]})


@case("namespaces")
def namespaces(t):
    """two on one connection, and a dynamic one"""
    client = t.open()
    where = client.inbox("where", ns="/dynamic-77")
    client.connect(namespaces=["/", "/plain", "/dynamic-77"])
    equal(take(where), ("/dynamic-77",))
    equal(client.call("echo", "a"), "a")
    equal(client.call("echo", "b", ns="/plain"), "b")


@case("rooms")
def rooms(t):
    """join, to, in, leave"""
    a, b, c = t.open(), t.open(), t.open()
    inboxes = [client.inbox("news") for client in (a, b, c)]
    for client in (a, b, c):
        client.connect()
    room = t.name()
    a.call("join", room)
    b.call("join", room)
    a.emit("to", room, "news", 1)
    a.emit("in", room, "news", 2)
    equal([take(inboxes[1]), take(inboxes[1])], [(1,), (2,)])
    equal(take(inboxes[0]), (2,))
    b.call("leave", room)
    a.emit("in", room, "news", 3)
    equal(take(inboxes[0]), (3,))
    for client in (b, c):
        client.call("echo", 0)
    equal([inbox.qsize() for inbox in inboxes], [0, 0, 0])


@case("server disconnect")
def kicked(t):
    """the client is told"""
    client = t.open(reconnection=True)
    gone = client.inbox("disconnect")
    client.connect()
    client.emit("kick", False)
    take(gone)
    until(lambda: client.sio.connected, lambda connected: not connected)


# Over polling this client takes the server's close for its own.
@case("reconnect", modes=["websocket", "upgrade"])
def reconnect(t):
    """after the server closed the transport"""
    client = t.open(reconnection=True)
    hello = client.inbox("hello")
    client.connect()
    (first, *_) = take(hello)
    client.emit("cut")
    (second, *_) = take(hello)
    if first == second:
        raise AssertionError("the same id")
    equal(until(lambda: client.id(), lambda got: got == second), second)
    equal(client.call("echo", "back"), "back")


@case("relay", server="program")
def relay(t):
    """join, say, leave, echo"""
    a, b = t.open(), t.open()
    got = b.inbox("msg")
    a.connect()
    b.connect()
    room = t.name()
    equal(b.call("join", room), "ok")
    equal(a.call("say", room, "hi", {"n": 1}, b"\x01\x02"), "ok")
    equal(take(got), ("hi", {"n": 1}, b"\x01\x02"))
    equal(b.call("leave", room), "ok")
    equal(list(a.call("echo", 1, b"\x03")), [1, b"\x03"])


def run(feature, name, server, body, make, urls, mode):
    began = time.monotonic()
    visit = Visit(make, urls[server], mode)
    result = {"feature": feature, "name": f"{name} ({make.kind})", "mode": mode, "outcome": "passed"}
    try:
        body(visit)
    except Exception as err:
        where = traceback.extract_tb(err.__traceback__)
        lines = [f"line {frame.lineno}" for frame in where if frame.filename == __file__]
        result.update(outcome="failed", error=f"{type(err).__name__}: {err} ({', '.join(lines)})")
    visit.end()
    result["ms"] = round((time.monotonic() - began) * 1000)
    return result


def main():
    urls = json.loads(sys.argv[1])
    only = re.compile(sys.argv[2] if len(sys.argv) > 2 else "", re.I)
    version = getattr(socketio, "__version__", None)
    if version is None:
        from importlib.metadata import version as installed

        version = installed("python-socketio")
    print(json.dumps({"version": version}), flush=True)
    plan = [
        (feature, name, server, body, make, urls, mode)
        for feature, name, server, modes, body in cases
        if only.search(f"{feature}: {name}")
        for make in (Threaded, Asynchronous)
        for mode in modes
    ]
    with ThreadPoolExecutor(8) as pool:
        for result in pool.map(lambda args: run(*args), plan):
            print(json.dumps(result), flush=True)
    sys.stdout.flush()
    os._exit(0)  # threads of clients that failed may still be waiting


if __name__ == "__main__":
    main()
