import sys
import duckdb

_, n, out, dir = sys.argv[1:5]
duckdb.sql("SET threads = 1")
for i in range(int(n)):
    duckdb.sql(f"""COPY (SELECT * FROM read_json('{dir}/{i}.ndjson', format='newline_delimited'))
        TO '{out}/{i}.parquet' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)""")
