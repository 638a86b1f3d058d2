"""Reads Parquet files with the engine that is named on the command line.

A line of JSON on the input is a task, a line of JSON on the output its answer:

{"do": "dump", "files": […], "unit": "us", "to": path}
    reads all columns of the files, united by name, and writes their cells to a file, column
    by column: for each the length in four bytes and what the test calls a cell, "n" for null
    or "v" and the value. The answer has the columns' names and kinds and the number of rows.
{"do": "count", "files": […], "unit": "us", "filters": [{"column", "kind", "op", "value"}]}
    counts the rows that pass each filter, as the engine does it with all that it can skip.
    An op is =, <, >=, null or "not null".

What goes wrong is in the answer's "error".
"""

import json
import os
import struct
import sys
import traceback

import pyarrow as pa

NULL = b"n"


def cells(column, unit):
    """The kind of a column, by the type that the engine has given it, and its cells."""
    t = column.type
    if pa.types.is_dictionary(t):
        column, t = column.cast(t.value_type), t.value_type
    if pa.types.is_boolean(t):
        return "bool", [NULL if v is None else b"vtrue" if v else b"vfalse" for v in column.to_pylist()]
    if pa.types.is_int32(t) or pa.types.is_int64(t):
        return str(t), [NULL if v is None else b"v%d" % v for v in column.to_pylist()]
    if pa.types.is_float64(t):
        return "double", [NULL if v is None else b"v" + struct.pack(">d", v).hex().encode() for v in column.to_pylist()]
    if pa.types.is_string(t) or pa.types.is_large_string(t) or pa.types.is_string_view(t):
        return "text", [NULL if v is None else b"v" + v for v in column.cast(pa.large_string()).cast(pa.large_binary()).to_pylist()]
    if pa.types.is_timestamp(t):
        if t.tz is None:
            raise TypeError("a timestamp without a zone")
        return "timestamp", [NULL if v is None else moment(v, t.unit, unit) for v in column.cast(pa.int64()).to_pylist()]
    raise TypeError(f"a column of type {t}")


PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def moment(value, have, want):
    """A time in the unit that is asked for, if it is one."""
    ns = value * (PER_SECOND["ns"] // PER_SECOND[have])
    whole, rest = divmod(ns, PER_SECOND["ns"] // PER_SECOND[want])
    return b"v%d" % whole if rest == 0 else b"v%d ns" % ns


def dump(engine, task):
    table = engine.table(task["files"], task["unit"])
    kinds = []
    with open(task["to"], "wb") as out:
        for name, column in zip(table.column_names, table.columns):
            try:
                kind, all_cells = cells(column, task["unit"])
                kinds.append(kind)
                for cell in all_cells:
                    out.write(struct.pack(">i", len(cell)))
                    out.write(cell)
            except TypeError as e:
                raise TypeError(f"column {name}: {e}") from e
    return {"columns": table.column_names, "kinds": kinds, "rows": table.num_rows}


def literal(f):
    """The value of a filter as Python has it; a timestamp stays a count of its unit."""
    value = f.get("value")
    match f["kind"]:
        case "bool":
            return value == "true"
        case "int32" | "int64" | "timestamp":
            return int(value)
        case "double":
            return struct.unpack(">d", bytes.fromhex(value))[0]
    return value


def count(engine, task):
    for f in task["filters"]:
        if "null" not in f["op"]:
            f["value"] = literal(f)
    return {"counts": engine.counts(task["files"], task["unit"], task["filters"])}


def main():
    # What an engine prints by itself must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    import engines

    engine = getattr(engines, sys.argv[1])()
    for line in sys.stdin:
        try:
            task = json.loads(line)
            answer = {"dump": dump, "count": count}[task["do"]](engine, task)
        except BaseException as e:  # chdb and polars have errors that are no Exception
            traceback.print_exc()
            answer = {"error": f"{type(e).__name__}: {e}"[:2000]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


main()
