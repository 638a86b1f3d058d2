import sys, urllib.request
import orjson

url, n, dir = sys.argv[1:4]
for i in range(int(n)):
    with open(f"{dir}/{i}.ndjson", "wb") as f:
        for row in orjson.loads(urllib.request.urlopen(f"{url}/answers/{i}").read())["Results"]:
            f.write(orjson.dumps(row))
            f.write(b"\n")
