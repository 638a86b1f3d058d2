import os, sys, urllib.request
import dlt, orjson

url, n, out, _ = sys.argv[1:5]
os.environ["DESTINATION__FILESYSTEM__BUCKET_URL"] = f"file://{out}"
os.environ["DATA_WRITER__COMPRESSION"] = "zstd"
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"


@dlt.resource(name="events", max_table_nesting=0)
def events():
    for i in range(int(n)):
        yield orjson.loads(urllib.request.urlopen(f"{url}/answers/{i}").read())["Results"]


pipeline = dlt.pipeline("peers", destination="filesystem", dataset_name="lake", pipelines_dir=f"{out}/dlt")
pipeline.run(events(), loader_file_format="parquet")
