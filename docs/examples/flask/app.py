import hashlib, hmac, os, time
from flask import Flask, abort, request

app = Flask(__name__)

@app.before_request
def only_sockeye():  # the signature is of the time and the body, and five minutes old at most
    stamp, *signatures = (part.partition("=")[2] for part in request.headers.get("Sockeye-Signature", "").split(","))
    key, text = os.environ["WEBHOOK_SECRET"].encode(), stamp.encode() + b"." + request.get_data()
    expected = hmac.new(key, text, hashlib.sha256).hexdigest().encode()
    if not any(hmac.compare_digest(expected, s.encode()) for s in signatures) or abs(time.time() - int(stamp)) > 300:
        abort(403)

@app.post("/sockeye")
def sockeye():
    call = request.get_json()
    match call["call"], call.get("event"), call.get("args"):
        case "connect", _, _:
            name = call["handshake"]["auth"].get("name")
            return {"allow": True, "user": {"id": name, "name": name}} if name else {"allow": False, "message": "who are you?"}
        case "event", "join room", [room]:
            return {"ack": "ok", "join": [room], "emit": [{"rooms": [room], "except": [call["socket"]], "event": "joined", "args": [call["user"]["name"]]}]}
        case "event", "chat message", [room, text] if room in call["rooms"]:
            return {"ack": "ok", "emit": [{"rooms": [room], "event": "chat message", "args": [call["user"]["name"], text]}]}
        case "event", event, _:
            code, message = ("not_here", "join the room first") if event == "chat message" else ("unknown_event", "no such event")
            return {"ack": {"error": {"code": code, "message": message}}}
        case "disconnect", _, _ if call["rooms"]:
            return {"emit": [{"rooms": call["rooms"], "event": "left", "args": [call["user"]["name"]]}]}
    return {}
