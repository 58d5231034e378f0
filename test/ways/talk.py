"""Says and hears what there is over a plain WebSocket, and prints "ok".

    python3 talk.py URL
"""

import asyncio
import json
import sys

import websockets


async def talk(url):
    async with websockets.connect(url, subprotocols=["sockeye.v1"]) as ws:

        async def say(**message):
            await ws.send(json.dumps(message))

        async def hear(**want):
            got = json.loads(await asyncio.wait_for(ws.recv(), 10))
            for key, value in want.items():
                assert got.get(key) == value, f"got {got}, want {want}"
            return got

        assert ws.subprotocol == "sockeye.v1"
        await hear(type="welcome", namespace="/")
        await say(type="ping", id=1)
        await hear(type="pong", id=1)
        await say(type="echo", data=["ä", {"b": [1]}], id=2)
        await hear(type="ack", id=2, data=["ä", {"b": [1]}])
        await say(type="join", room="talk", id=3)
        await hear(type="ack", id=3, data=["ok"])
        await say(type="say", room="talk", data="hello", id=4)
        await hear(type="event", room="talk", event="msg", data=["hello"])
        await hear(type="ack", id=4)
        await say(type="join", room="", id=5)
        assert (await hear(type="error", id=5))["error"]["code"] == "bad_room"
        await say(type="leave", room="talk", id=6)
        await hear(type="ack", id=6)
        await ws.send("nonsense")
        assert (await hear(type="error"))["error"]["code"] == "bad_message"
        await ws.send(json.dumps({"type": "echo", "data": "x" * 1_100_000}))
        try:
            await asyncio.wait_for(ws.recv(), 10)
        except websockets.ConnectionClosed as end:
            assert (end.rcvd.code, end.rcvd.reason) == (4009, "Message too large"), end
    print("ok")


asyncio.run(talk(sys.argv[1]))
