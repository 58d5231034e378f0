"""A member of a room that misses nothing, with Debian's python3-websockets or pip install websockets.

    python3 member.py ws://127.0.0.1:3000/ws lobby            prints what is said
    python3 member.py ws://127.0.0.1:3000/ws lobby hi there   says two things first

The room must keep a history: see docs/history.md. Without one it hears what is said while it
is connected.
"""

import asyncio
import json
import random
import sys

import websockets

FOR_GOOD = {4000, 4001, 4002, 4003, 4004}  # the same client need not come back as it is


class Refused(Exception):
    pass


async def member(url, room, hear, says=(), token=None):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    says, offset, attempt = list(says), "", 0
    while True:
        try:
            async with websockets.connect(url, extra_headers=headers) as ws:
                await ws.send(json.dumps({"type": "join", "room": room, "since": offset, "id": 1}))
                early = []  # what is said before the answer is there comes after it
                joined = False
                async for text in ws:
                    attempt, message = 0, json.loads(text)
                    if message["type"] == "event" and message.get("room") == room:
                        early.append(message)
                    elif message["type"] == "error" and not joined:
                        raise Refused(message["error"]["message"])
                    elif message.get("id") == 1:
                        joined, answer = True, message["data"][0]
                        if answer != "ok":  # a room without history says no more
                            if offset and not answer["complete"]:
                                print("more was said than is kept", file=sys.stderr)
                            early = answer["messages"] + early
                        for data in says:
                            await ws.send(json.dumps({"type": "say", "room": room, "data": data}))
                        says.clear()
                    if joined:
                        for one in early:
                            offset = one.get("offset", offset)
                            hear(one)
                        early.clear()
        except websockets.ConnectionClosed as end:
            if end.rcvd and end.rcvd.code in FOR_GOOD:
                raise Refused(end.rcvd.reason) from end
        except (OSError, websockets.WebSocketException):
            pass  # the network, or a proxy before a server that restarts
        attempt += 1
        await asyncio.sleep(random.uniform(0.05, min(5, 0.1 * 2**attempt)))


if __name__ == "__main__":
    try:
        asyncio.run(member(sys.argv[1], sys.argv[2], lambda m: print(json.dumps(m), flush=True), sys.argv[3:]))
    except (KeyboardInterrupt, Refused) as why:
        sys.exit(str(why))
