"""The relay contract on Flask-SocketIO and eventlet, with the defaults of both, except that
eventlet serves more than 1024 connections.

A handler is not told whether the client waits for an acknowledgement, so that echo
without one is not answered.
"""

import sys

import eventlet
import eventlet.wsgi
from flask import Flask
from flask_socketio import SocketIO, join_room, leave_room

app = Flask(__name__)
io = SocketIO(app, async_mode="eventlet")


@io.on("join")
def join(room):
    join_room(room)
    return "ok"


@io.on("leave")
def leave(room):
    leave_room(room)
    return "ok"


@io.on("say")
def say(room, *args):
    io.emit("msg", args, to=room)  # a tuple: several arguments
    return "ok"


@io.on("echo")
def echo(*args):
    return args


listener = eventlet.listen(("127.0.0.1", 0))
print("listening addr=%s:%d" % listener.getsockname(), file=sys.stderr, flush=True)
eventlet.wsgi.server(listener, app, log_output=False, max_size=65536)
