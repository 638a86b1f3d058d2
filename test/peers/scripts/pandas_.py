import sys
import pandas as pd
import requests

url, n, out, _ = sys.argv[1:5]
for i in range(int(n)):
    rows = requests.get(f"{url}/answers/{i}").json()["Results"]
    frame = pd.DataFrame(rows)
    for name in ("Timestamp", "ProcessCreationTime", "_IngestionTime"):
        frame[name] = pd.to_datetime(frame[name], format="ISO8601").dt.as_unit("us")
    frame.to_parquet(f"{out}/{i}.parquet", index=False, compression="zstd", row_group_size=122880)
