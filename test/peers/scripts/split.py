"""Writes each answer's rows as lines of JSON, for the peer that is given them so, and the schema for check.py."""

import sys, urllib.request
import orjson

url, n, _, dir = sys.argv[1:5]
for i in range(int(n)):
    answer = orjson.loads(urllib.request.urlopen(f"{url}/answers/{i}").read())
    with open(f"{dir}/{i}.ndjson", "wb") as f:
        for row in answer["Results"]:
            f.write(orjson.dumps(row))
            f.write(b"\n")
    with open(f"{dir}/schema.json", "wb") as f:
        f.write(orjson.dumps(answer["Schema"]))
