import os, sys, urllib.request
import orjson

url, n, out, _ = sys.argv[1:5]
os.environ |= {
    "DESTINATION__FILESYSTEM__BUCKET_URL": f"file://{out}",
    "DATA_WRITER__COMPRESSION": "zstd",
    "DATA_WRITER__ROW_GROUP_SIZE": "122880",
    "SCHEMA__NAMING": "direct",
    "DATA_WRITER__BUFFER_MAX_ITEMS": "122880",
    "LOAD__DELETE_COMPLETED_JOBS": "true",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
}
import dlt  # reads its settings when it is imported


@dlt.resource(name="events", max_table_nesting=0)
def events():
    for i in range(int(n)):
        yield orjson.loads(urllib.request.urlopen(f"{url}/answers/{i}").read())["Results"]


pipeline = dlt.pipeline("peers", destination="filesystem", dataset_name="lake", pipelines_dir=f"{out}/dlt")
pipeline.run(events(), loader_file_format="parquet").raise_on_failed_jobs()
