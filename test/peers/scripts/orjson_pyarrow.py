import sys, urllib.request
import orjson
import pyarrow as pa, pyarrow.compute as pc, pyarrow.parquet as pq

url, n, out, _ = sys.argv[1:5]
for i in range(int(n)):
    rows = orjson.loads(urllib.request.urlopen(f"{url}/answers/{i}").read())["Results"]
    table = pa.Table.from_pylist(rows)
    for name in ("Timestamp", "ProcessCreationTime", "_IngestionTime"):
        at = table.schema.get_field_index(name)
        text = pc.utf8_slice_codeunits(pc.utf8_rtrim(table.column(at), "Z"), 0, 26)
        table = table.set_column(at, name, pc.cast(text, pa.timestamp("us")))
    pq.write_table(table, f"{out}/{i}.parquet", compression="zstd", row_group_size=122880)
