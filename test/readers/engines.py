"""The engines, each with all that it can do to skip row groups and pages switched on.

table(files, unit) is an Arrow table of the files united by name, counts(files, unit,
filters) the number of rows for each filter.
"""

import os
import tempfile

import pyarrow as pa


def together(files):
    """A new folder with the files, for engines that unite those of a folder."""
    folder = tempfile.mkdtemp()
    for i, f in enumerate(files):
        os.symlink(f, os.path.join(folder, f"{i}.parquet"))
    return folder


def scalar(f, unit):
    """The value of a filter as an Arrow scalar."""
    types = {
        "bool": pa.bool_(), "int32": pa.int32(), "int64": pa.int64(), "double": pa.float64(), "text": pa.string(),
        "timestamp": pa.timestamp(unit, "UTC"),
    }
    return pa.scalar(f["value"], types[f["kind"]])


class Pyarrow:
    def dataset(self, files):
        import pyarrow.dataset as ds
        import pyarrow.parquet as pq

        return ds.dataset(files, schema=pa.unify_schemas([pq.read_schema(f) for f in files]), format="parquet")

    def table(self, files, unit):
        return self.dataset(files).to_table()

    def counts(self, files, unit, filters):
        import pyarrow.dataset as ds

        data = self.dataset(files)

        def condition(f):
            c = ds.field(f["column"])
            match f["op"]:
                case "null":
                    return c.is_null()
                case "not null":
                    return ~c.is_null()
                case "=":
                    return c == scalar(f, unit)
                case "<":
                    return c < scalar(f, unit)
            return c >= scalar(f, unit)

        return [data.count_rows(filter=condition(f)) for f in filters]


class Polars:
    def scan(self, files):
        import polars as pl

        return pl.concat([pl.scan_parquet(f, glob=False) for f in files], how="diagonal")

    def table(self, files, unit):
        return self.scan(files).collect().to_arrow()

    def counts(self, files, unit, filters):
        import polars as pl

        data = self.scan(files)
        types = {"bool": pl.Boolean, "int32": pl.Int32, "int64": pl.Int64, "double": pl.Float64, "text": pl.String, "timestamp": pl.Int64}

        def condition(f):
            c = pl.col(f["column"])
            if f["op"] == "null":
                return c.is_null()
            if f["op"] == "not null":
                return c.is_not_null()
            value = pl.lit(f["value"], dtype=types[f["kind"]])
            if f["kind"] == "timestamp":
                value = value.cast(pl.Datetime(unit, "UTC"))
            return {"=": c == value, "<": c < value, ">=": c >= value}[f["op"]]

        return [data.filter(condition(f)).select(pl.len()).collect().item() for f in filters]


def where(f, value):
    """A filter in SQL."""
    column = '"' + f["column"] + '"'
    if "null" in f["op"]:
        return f"{column} IS {f['op'].upper()}"
    return f"{column} {f['op']} {value}"


class DuckDB:
    def __init__(self):
        import duckdb

        self.db = duckdb.connect()
        self.db.execute("SET TimeZone='UTC'; SET threads=2; SET autoinstall_known_extensions=false")

    def table(self, files, unit):
        return self.db.sql("SELECT * FROM read_parquet($1, union_by_name=true, hive_partitioning=false)", params=[files]).to_arrow_table()

    def counts(self, files, unit, filters):
        def literal(f):
            match f["kind"]:
                case "text":
                    return "'" + f["value"].replace("'", "''") + "'"
                case "timestamp":
                    return f"make_timestamptz({f['value']})" if unit == "us" else f"make_timestamp_ns({f['value']})::TIMESTAMPTZ_NS"
                case "double":
                    return f"'{f['value']!r}'::DOUBLE"
            return str(f["value"])

        listed = "[" + ", ".join("'" + f.replace("'", "''") + "'" for f in files) + "]"
        query = f"SELECT count(*) FROM read_parquet({listed}, union_by_name=true, hive_partitioning=false) WHERE "
        return [self.db.execute(query + where(f, literal(f) if "value" in f else "")).fetchall()[0][0] for f in filters]


class DataFusion:
    def context(self):
        from datafusion import SessionConfig, SessionContext

        settings = {"pushdown_filters": "true", "reorder_filters": "true", "bloom_filter_on_read": "true", "enable_page_index": "true", "pruning": "true"}
        config = SessionConfig().with_target_partitions(1)
        for name, value in settings.items():
            config = config.set("datafusion.execution.parquet." + name, value)
        return SessionContext(config)

    def frame(self, files):
        return self.context().read_parquet(together(files) + "/")

    def table(self, files, unit):
        return self.frame(files).to_arrow_table()

    def counts(self, files, unit, filters):
        from datafusion import col, lit

        data = self.frame(files)

        def condition(f):
            c = col('"' + f["column"] + '"')
            if f["op"] == "null":
                return c.is_null()
            if f["op"] == "not null":
                return c.is_not_null()
            value = lit(scalar(f, unit))
            return {"=": c == value, "<": c < value, ">=": c >= value}[f["op"]]

        return [data.filter(condition(f)).count() for f in filters]


class ClickHouse:
    settings = (
        " SETTINGS schema_inference_mode = 'union', schema_inference_make_columns_nullable = 1, max_threads = 1, use_hive_partitioning = 0, output_format_arrow_string_as_string = 1,"
        " input_format_parquet_filter_push_down = 1, input_format_parquet_bloom_filter_push_down = 1, input_format_parquet_page_filter_push_down = 1"
    )

    def __init__(self):
        from chdb.session import Session

        self.session = Session()

    def source(self, files):
        return f"file('{together(files)}/*.parquet', Parquet)"

    def table(self, files, unit):
        answer = self.session.query(f"SELECT * FROM {self.source(files)}{self.settings}", "ArrowStream")
        return pa.ipc.open_stream(answer.bytes()).read_all()

    def counts(self, files, unit, filters):
        def literal(f):
            match f["kind"]:
                case "text":
                    return "'" + "".join(f"\\x{b:02x}" for b in f["value"].encode()) + "'"
                case "timestamp":
                    return f"fromUnixTimestamp64{'Micro' if unit == 'us' else 'Nano'}({f['value']}, 'UTC')"
                case "double":
                    return f"toFloat64('{f['value']!r}')"
            return str(f["value"])

        def one(f):
            condition = where(f, literal(f) if "value" in f else "")
            return int(self.session.query(f"SELECT count() FROM {self.source(files)} WHERE {condition}{self.settings}", "CSV").data())

        return [one(f) for f in filters]


class Fastparquet:
    def read(self, files, **how):
        from fastparquet import ParquetFile

        return ParquetFile(files if len(files) > 1 else files[0]).to_pandas(**how)

    def table(self, files, unit):
        frame = self.read(files)
        for name in frame.select_dtypes("datetime"):  # it drops the zone
            frame[name] = frame[name].dt.tz_localize("UTC")
        return pa.Table.from_pandas(frame, preserve_index=False)

    def counts(self, files, unit, filters):
        import pandas as pd

        def one(f):
            """Row groups are skipped by fastparquet, rows by pandas."""
            if "null" in f["op"]:
                null = self.read(files, columns=[f["column"]])[f["column"]].isna()
                return int((null if f["op"] == "null" else ~null).sum())
            value = pd.Timestamp(f["value"], unit=unit) if f["kind"] == "timestamp" else f["value"]
            op = "==" if f["op"] == "=" else f["op"]
            found = self.read(files, columns=[f["column"]], filters=[(f["column"], op, value)])[f["column"]]
            return int({"==": found.eq, "<": found.lt, ">=": found.ge}[op](value).sum())

        return [one(f) for f in filters]


class Spark:
    def __init__(self):
        from pyspark.sql import SparkSession

        settings = {
            "spark.ui.enabled": "false", "spark.sql.session.timeZone": "UTC", "spark.sql.parquet.mergeSchema": "true", "spark.sql.ansi.enabled": "true",
            "spark.local.dir": os.environ["TMPDIR"], "spark.sql.warehouse.dir": os.environ["TMPDIR"], "spark.sql.legacy.parquet.nanosAsLong": "true",
            "spark.driver.memory": "1g", "spark.sql.shuffle.partitions": "1", "spark.log.level": "ERROR", "spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1",
        }
        builder = SparkSession.builder.master("local[2]")
        for name, value in settings.items():
            builder = builder.config(name, value)
        self.session = builder.getOrCreate()

    def table(self, files, unit):
        return self.session.read.parquet(*files).toArrow()

    def counts(self, files, unit, filters):
        from pyspark.sql import functions as F

        data = self.session.read.parquet(*files)

        def condition(f):
            c = F.col(f["column"])
            if f["op"] == "null":
                return c.isNull()
            if f["op"] == "not null":
                return c.isNotNull()
            value = F.lit(f["value"])
            if f["kind"] == "timestamp" and unit == "us":
                value = F.timestamp_micros(F.lit(f["value"]))
            return {"=": c == value, "<": c < value, ">=": c >= value}[f["op"]]

        return [data.where(condition(f)).count() for f in filters]
