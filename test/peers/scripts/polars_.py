import io, sys, urllib.request
import polars as pl

url, n, out, _ = sys.argv[1:5]
for i in range(int(n)):
    body = urllib.request.urlopen(f"{url}/answers/{i}").read()
    document = pl.read_json(io.BytesIO(body))
    rows = document.select("Results").explode("Results").unnest("Results")
    times = [c for c in ("Timestamp", "ProcessCreationTime", "_IngestionTime") if c in rows.columns]
    rows = rows.with_columns(pl.col(times).str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us", time_zone="UTC"))
    rows.write_parquet(f"{out}/{i}.parquet", compression="zstd", row_group_size=122880)
