"""Fails unless the Parquet files below a folder hold exactly the rows of the answers, typed and in zstd."""

import glob, json, os, sys
import duckdb

n, out, dir = int(sys.argv[2]), sys.argv[3], sys.argv[4]
with open(f"{dir}/schema.json") as f:
    schema = {c["Name"]: c["Type"] for c in json.load(f)}
duckdb.sql("SET TimeZone = 'UTC'")
stored = {"DateTime": "TIMESTAMP", "Int64": "BIGINT", "String": "VARCHAR"}


def digest(source):
    """Rows, and of each column a sum that does not depend on their order; times count to the microsecond."""
    sums = (f'sum(hash({f"epoch_us({name}::TIMESTAMPTZ)" if kind == "DateTime" else name}))' for name, kind in schema.items())
    return [str(v) for v in duckdb.sql(f"SELECT count(*), {', '.join(sums)} FROM {source}").fetchall()[0]]


files = [f for f in glob.glob(f"{out}/**/*.parquet", recursive=True) if "_dlt" not in os.path.relpath(f, out)]
parquet = f"read_parquet({files}, hive_partitioning = false)"
types = dict(duckdb.sql(f"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {parquet})").fetchall())
for name, kind in schema.items():
    if not types.get(name, "missing").startswith(stored[kind]):
        sys.exit(f"column {name} is {types.get(name, 'missing')}, not {stored[kind]}")
codecs = duckdb.sql(f"SELECT DISTINCT compression FROM parquet_metadata({files})").fetchall()
if codecs != [("ZSTD",)]:
    sys.exit(f"compressed with {codecs}, not zstd")

known = f"{dir}/expected-{n}.json"
if not os.path.exists(known):
    columns = {name: stored[kind] for name, kind in schema.items()}
    lines = [f"{dir}/{i}.ndjson" for i in range(n)]
    with open(known, "w") as f:
        json.dump(digest(f"read_json({lines}, format = 'newline_delimited', columns = {columns})"), f)
with open(known) as f:
    expected = json.load(f)
found = digest(parquet)
for name, want, got in zip(["rows", *schema], expected, found):
    if got != want:
        sys.exit(f"{name}: {got} in the files, {want} in the answers")
