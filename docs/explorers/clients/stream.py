"""Follows the final blocks of a node by GET /v1/stream, up to a number of them, and
connects again where it was when the connection breaks."""
import json
import sys
import time
import urllib.request

url, count, last = sys.argv[1], int(sys.argv[2]), None  # last: keep it with the blocks


def follow():
    """Yields the number and the block of each event."""
    global last
    request = urllib.request.Request(url + "/v1/stream?from=0&include=receipts")
    if last is not None:
        request.add_header("Last-Event-ID", last)
    with urllib.request.urlopen(request, timeout=60) as answer:
        number = None
        for raw in answer:
            name, _, value = raw.decode().rstrip("\n").partition(": ")
            if name == "id":
                number = value
            elif name == "data":
                yield number, json.loads(value)


while count > 0:
    try:
        for number, block in follow():
            print(block["number"], block["hash"])
            last, count = number, count - 1
            if count == 0:
                break
    except OSError:
        time.sleep(1)
