"""What the field's tools take for the same tables: run as `python peers.py TOOL WHAT FILE [FILE]`, each a process of its own."""

import sys


def great_expectations(file):
    import great_expectations as gx
    import great_expectations.expectations as gxe
    import pandas as pd

    frame = pd.read_parquet(file)
    context = gx.get_context(mode="ephemeral")
    batch = (
        context.data_sources.add_pandas("pandas")
        .add_dataframe_asset("orders")
        .add_batch_definition_whole_dataframe("all")
        .get_batch({"dataframe": frame})
    )
    states = ["open", "paid", "sent", "done", "lost"]
    countries = ["DE", "FR", "US", "GB", "ES", "IT", "PL", "NL"]
    suite = gx.ExpectationSuite(
        name="orders",
        expectations=[
            gxe.ExpectTableRowCountToBeBetween(min_value=1000),
            gxe.ExpectTableColumnCountToEqual(value=10),
            gxe.ExpectColumnValuesToNotBeNull(column="id"),
            gxe.ExpectColumnValuesToNotBeNull(column="state"),
            gxe.ExpectColumnValuesToNotBeNull(column="discount", mostly=0.94),
            gxe.ExpectColumnValuesToBeUnique(column="id"),
            gxe.ExpectColumnValuesToBeBetween(column="quantity", min_value=1, max_value=100),
            gxe.ExpectColumnValuesToBeBetween(column="price", min_value=0, max_value=1000),
            gxe.ExpectColumnValuesToBeBetween(column="discount", min_value=0, max_value=0.5),
            gxe.ExpectColumnValuesToBeInSet(column="state", value_set=states),
            gxe.ExpectColumnValuesToBeInSet(column="country", value_set=countries),
            gxe.ExpectColumnValuesToNotBeInSet(column="country", value_set=["XX"]),
            gxe.ExpectColumnValuesToMatchRegex(column="sku", regex="^SKU-[0-9]{4}$"),
            gxe.ExpectColumnValueLengthsToBeBetween(column="sku", min_value=8, max_value=8),
            gxe.ExpectColumnMinToBeBetween(column="price", min_value=0),
            gxe.ExpectColumnMaxToBeBetween(column="quantity", max_value=100),
            gxe.ExpectColumnMeanToBeBetween(column="price", min_value=400, max_value=600),
            gxe.ExpectColumnStdevToBeBetween(column="price", min_value=200, max_value=400),
            gxe.ExpectColumnMedianToBeBetween(column="price", min_value=400, max_value=600),
            gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A="total", column_B="paid", or_equal=True),
        ],
    )
    found = batch.validate(suite)
    print(found.success, [one.success for one in found.results])


def duckdb_profile(file):
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    print(len(connection.execute(f"SUMMARIZE SELECT * FROM '{file}'").fetchall()))


def duckdb_rows(before, after):
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    columns = [row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM '{before}'").fetchall()]
    differs = " OR ".join(f"a.{name} IS DISTINCT FROM b.{name}" for name in columns if name != "id")
    print(
        connection.execute(
            f"SELECT count(*) FILTER (a.id IS NULL), count(*) FILTER (b.id IS NULL), "
            f"count(*) FILTER (a.id IS NOT NULL AND b.id IS NOT NULL AND ({differs})) "
            f"FROM '{before}' a FULL OUTER JOIN '{after}' b ON a.id = b.id"
        ).fetchall()
    )


if __name__ == "__main__":
    tool = {
        "great_expectations check": great_expectations,
        "duckdb profile": duckdb_profile,
        "duckdb rows": duckdb_rows,
    }
    tool[" ".join(sys.argv[1:3])](*sys.argv[3:])
