"""Does something that takes a while, and shows a user how far it is, on all tabs.

    SOCKEYE_URL=http://127.0.0.1:3000 SOCKEYE_KEY=sk_… python3 progress.py alice
"""
import json
import os
import sys
import urllib.request


def emit(event, *args, **to):
    """Emits an event: emit("hello", 1, users=["alice"]), or rooms=[…]."""
    request = urllib.request.Request(
        os.environ["SOCKEYE_URL"] + "/api/v1/emit",
        data=json.dumps({"event": event, "args": args, **to}).encode(),
        headers={
            "Authorization": "Bearer " + os.environ["SOCKEYE_KEY"],
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


def export(user):
    """Stands for your background task."""
    for percent in range(0, 101, 25):
        # ... a quarter of the work ...
        emit("progress", {"task": "export", "percent": percent}, users=[user])


if __name__ == "__main__":
    export(sys.argv[1])
