from flask import Flask, request
from flask_socketio import ConnectionRefusedError, SocketIO, emit, join_room, rooms

app = Flask(__name__)
io = SocketIO(app, async_mode="threading", cors_allowed_origins="*")
names = {}  # of the sockets that are connected to this process

@io.on("connect", namespace="/app")
def connect(auth):
    name = (auth or {}).get("name")
    if not name:
        raise ConnectionRefusedError("who are you?")
    names[request.sid] = name

@io.on("join room", namespace="/app")
def join(room):
    join_room(room)
    emit("joined", names[request.sid], to=room, include_self=False)
    return "ok"

@io.on("chat message", namespace="/app")
def message(room, text):
    if room not in rooms():
        return {"error": {"code": "not_here", "message": "join the room first"}}
    emit("chat message", (names[request.sid], text), to=room)
    return "ok"

@io.on("disconnect", namespace="/app")
def disconnect():
    name = names.pop(request.sid)
    for room in rooms():
        emit("left", name, to=room, include_self=False)

@app.post("/news")  # what the rest of the site tells everybody
def news():
    io.emit("news", request.get_json()["text"], namespace="/app")
    return {}
