"""The relay contract on python-socketio and aiohttp, with the defaults of both.

A handler is not told whether the client waits for an acknowledgement, so that echo
without one is not answered.
"""

import socket
import sys

import socketio
from aiohttp import web

sio = socketio.AsyncServer(async_mode="aiohttp")


@sio.event
async def join(sid, room):
    sio.enter_room(sid, room)
    return "ok"


@sio.event
async def leave(sid, room):
    sio.leave_room(sid, room)
    return "ok"


@sio.event
async def say(sid, room, *args):
    await sio.emit("msg", args, to=room)  # a tuple: several arguments
    return "ok"


@sio.event
async def echo(sid, *args):
    return args


app = web.Application()
sio.attach(app)
listener = socket.create_server(("127.0.0.1", 0))
print("listening addr=%s:%d" % listener.getsockname(), file=sys.stderr, flush=True)
web.run_app(app, sock=listener, shutdown_timeout=1, access_log=None, print=None)
