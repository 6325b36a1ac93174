"""Follows the final blocks of a node by pbft_subscribe("blocks"), up to a number of
them. Needs the package websockets (pip install websockets)."""
import asyncio
import json
import sys

import websockets

url, count = sys.argv[1].replace("http", "ws", 1), int(sys.argv[2])
next_block = 0  # keep it where you keep the blocks, to go on there


async def main():
    """Subscribes, and prints what comes."""
    global count, next_block
    query = {"from": hex(next_block), "include": ["receipts"]}
    async with websockets.connect(url, max_size=None) as socket:
        await socket.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "pbft_subscribe", "params": ["blocks", query]}))
        async for message in socket:
            message = json.loads(message)
            if "error" in message:
                sys.exit(message["error"]["message"])
            if message.get("method") != "pbft_subscription":
                continue
            block = message["params"]["result"]
            print(block["number"], block["hash"])
            next_block, count = int(block["number"], 16) + 1, count - 1
            if count == 0:
                return


asyncio.run(main())
