"""Reads all final blocks of a node by GET /v1/blocks."""
import json
import sys
import urllib.request

url, next_block = sys.argv[1], "0x0"
while True:
    begun = next_block
    query = "/v1/blocks?limit=100&include=transactions,receipts&from=" + next_block
    with urllib.request.urlopen(url + query) as answer:
        for line in answer:
            block = json.loads(line)
            if "next" in block:
                next_block = block["next"]
                break
            print(block["number"], block["hash"])
        else:
            sys.exit("the answer was cut off: ask again from " + begun)
    if next_block == begun:
        break  # the head: go on with GET /v1/stream
