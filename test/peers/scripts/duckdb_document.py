import sys, urllib.request
import duckdb

url, n, out, _ = sys.argv[1:5]
for i in range(int(n)):
    path = f"{out}/answer.json"
    with open(path, "wb") as f:
        f.write(urllib.request.urlopen(f"{url}/answers/{i}").read())
    duckdb.sql(f"""COPY (SELECT unnest(r) FROM (SELECT unnest(Results) AS r
        FROM read_json('{path}', maximum_object_size=500000000)))
        TO '{out}/{i}.parquet' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)""")
