"""Writes gx_vectors.json: what Great Expectations 1.2 says about small tables, for src/quality/gx_test.c.

    python3 -m venv v && v/bin/pip install great_expectations==1.2.0 && v/bin/python test/data/make_gx_vectors.py

The file is a suite in Great Expectations' 1.x format; what its pandas engine found for an expectation stands in the
expectation's meta, and the SQL that makes the table in the suite's."""
import json
import os
import warnings

import great_expectations as gx
import pandas as pd

warnings.filterwarnings("ignore")
COLUMNS = {
    "n": ("BIGINT", [1, 2, 2, 3, 5, 8, None, 13]),
    "m": ("BIGINT", [1, 1, 2, 4, 5, None, None, 12]),
    "x": ("DOUBLE", [0.5, 1.5, 1.5, 2.5, -1.0, 100.0, None, None]),
    "s": ("VARCHAR", ["a", "bb", "bb", "ccc", "a1", "z-9", None, ""]),
    "d": ("VARCHAR", ["2026-01-02", "2026-02-30", "02/01/2026", "2026-01-02", None, "x", "2025-12-31", None]),
    "j": ("VARCHAR", ['{"a": 1}', "[]", "{", None, "3", "nul", "\"t\"", None]),
    "empty": ("BIGINT", [None] * 8),
    "up": ("BIGINT", [1, 2, 2, 3, 4, 5, 6, 7]),
}
E = "expect_column_values_to_"


def cases():
    def case(kind, **kwargs):
        out.append((kind, kwargs))

    out = []
    for column in COLUMNS:
        case(E + "not_be_null", column=column)
        case(E + "be_null", column=column)
        case(E + "be_unique", column=column)
        case("expect_column_unique_value_count_to_be_between", column=column, min_value=3, max_value=6)
        case("expect_column_proportion_of_unique_values_to_be_between", column=column, min_value=0.8)
        case("expect_column_to_exist", column=column)
        for mostly in (0.0, 0.5, 0.625, 0.75, 0.875, 0.876, 1.0):
            case(E + "not_be_null", column=column, mostly=mostly)
    case("expect_column_to_exist", column="nothing")
    case("expect_column_to_exist", column="m", column_index=1)
    case("expect_column_to_exist", column="m", column_index=2)
    for column in ("n", "m", "x", "empty"):
        for low, high in ((None, 5), (2, None), (2, 5), (5, 2 + 3), (1.5, 8), (-1, 100), (0, 0)):
            for strict in (False, True):
                for kind in (E + "be_between", "expect_column_min_to_be_between", "expect_column_max_to_be_between",
                             "expect_column_mean_to_be_between", "expect_column_sum_to_be_between",
                             "expect_column_median_to_be_between", "expect_column_stdev_to_be_between"):
                    if "sum" in kind and column == "empty":
                        continue  # of no values: 0 in pandas, NULL in SQL
                    case(kind, column=column, min_value=low, max_value=high, strict_min=strict, strict_max=strict)
    for mostly in (0.4, 0.57, 0.58, 0.6, 0.72, 1):
        case(E + "be_between", column="n", min_value=2, max_value=5, mostly=mostly)
        case(E + "be_in_set", column="s", value_set=["a", "bb", "ccc"], mostly=mostly)
        case(E + "match_regex", column="s", regex="^[a-z]+$", mostly=mostly)
    for column, values in (("n", [1, 2, 3]), ("s", ["a", "bb"]), ("s", ["a", "bb", "ccc", "a1", "z-9", ""]), ("n", [99]),
                           ("n", [1, 2, 3, 5, 8, 13]), ("empty", [1]), ("n", [2])):
        for kind in ("be_in_set", "not_be_in_set"):
            case(E + kind, column=column, value_set=values)
        for kind in ("to_be_in_set", "to_contain_set", "to_equal_set"):
            case("expect_column_distinct_values_" + kind, column=column, value_set=values)
        if column != "empty":
            case("expect_column_most_common_value_to_be_in_set", column=column, value_set=values)
            case("expect_column_most_common_value_to_be_in_set", column=column, value_set=values, ties_okay=True)
    for regex in ("a", "^a", "[0-9]$", "^$", "b{2}", ".", "-"):
        case(E + "match_regex", column="s", regex=regex)
        case(E + "not_match_regex", column="s", regex=regex)
        for match_on in ("any", "all"):
            case(E + "match_regex_list", column="s", regex_list=[regex, "c"], match_on=match_on)
        case(E + "not_match_regex_list", column="s", regex_list=[regex, "c"])
    for low, high in ((1, 2), (None, 2), (2, None), (0, 3), (4, 9)):
        case("expect_column_value_lengths_to_be_between", column="s", min_value=low, max_value=high)
    for length in (0, 1, 2):
        case("expect_column_value_lengths_to_equal", column="s", value=length)
    for threshold in (0.5, 1, 2, 2.1):
        for sides in (True, False):
            case("expect_column_value_z_scores_to_be_less_than", column="x", threshold=threshold, double_sided=sides)
    for ignore in ("both_values_are_missing", "either_value_is_missing", "neither"):
        case("expect_column_pair_values_to_be_equal", column_A="n", column_B="m", ignore_row_if=ignore)
        for or_equal in (True, False):
            if ignore == "either_value_is_missing":
                case("expect_column_pair_values_a_to_be_greater_than_b", column_A="n", column_B="m", or_equal=or_equal,
                     ignore_row_if=ignore)
    case("expect_column_pair_values_to_be_in_set", column_A="n", column_B="m", value_pairs_set=[[1, 1], [2, 2], [5, 5]],
         ignore_row_if="either_value_is_missing")
    for ignore in ("all_values_are_missing", "any_value_is_missing", "never"):
        case("expect_compound_columns_to_be_unique", column_list=["n", "s"], ignore_row_if=ignore)
        case("expect_compound_columns_to_be_unique", column_list=["n", "up"], ignore_row_if=ignore)
    case("expect_select_column_values_to_be_unique_within_record", column_list=["n", "m"],
         ignore_row_if="any_value_is_missing")
    case("expect_multicolumn_sum_to_equal", column_list=["n", "m"], sum_total=4, ignore_row_if="any_value_is_missing")
    for low, high in ((8, 8), (None, 7), (9, None)):
        case("expect_table_row_count_to_be_between", min_value=low, max_value=high)
        case("expect_table_column_count_to_be_between", min_value=low, max_value=high)
    case("expect_table_row_count_to_equal", value=8)
    case("expect_table_row_count_to_equal", value=7)
    case("expect_table_column_count_to_equal", value=8)
    case("expect_table_columns_to_match_ordered_list", column_list=list(COLUMNS))
    case("expect_table_columns_to_match_ordered_list", column_list=list(COLUMNS)[::-1])
    case("expect_table_columns_to_match_set", column_set=list(COLUMNS)[::-1])
    case("expect_table_columns_to_match_set", column_set=["n", "m"])
    case("expect_table_columns_to_match_set", column_set=["n", "m"], exact_match=False)
    case("expect_table_columns_to_match_set", column_set=["n", "q"], exact_match=False)
    for condition in ("n > 2", 'n > 2 and s == "ccc"', "n < 0"):
        case(E + "not_be_null", column="m", row_condition=condition, condition_parser="pandas")
        case(E + "be_unique", column="m", row_condition=condition, condition_parser="pandas")
        case(E + "be_between", column="x", min_value=0, row_condition=condition, condition_parser="pandas")
    return out


def frame():
    data = {}
    for name, (kind, values) in COLUMNS.items():
        kind = {"BIGINT": "float64", "DOUBLE": "float64", "VARCHAR": "object"}[kind]
        data[name] = pd.Series(values, dtype=kind)
    return pd.DataFrame(data)


def table_sql():
    rows = []
    for i in range(8):
        cells = []
        for kind, values in COLUMNS.values():
            value = values[i]
            text = "NULL" if value is None else "'" + str(value).replace("'", "''") + "'"
            cells.append(f"CAST({text} AS {kind})")
        rows.append("(" + ", ".join(cells) + ")")
    return f"SELECT * FROM (VALUES {', '.join(rows)}) AS v({', '.join(COLUMNS)})"


def plain(value):
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and value != value:
        return None
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    return value


def main():
    context = gx.get_context(mode="ephemeral")
    batch = (context.data_sources.add_pandas("p").add_dataframe_asset("a").add_batch_definition_whole_dataframe("b")
             .get_batch({"dataframe": frame()}))
    vectors = []
    for kind, kwargs in cases():
        arguments = {key: value for key, value in kwargs.items() if value is not None}
        name = "".join(word[:1].upper() + word[1:] for word in kind.split("_"))
        try:
            result = batch.validate(getattr(gx.expectations, name)(**arguments), result_format="SUMMARY")
        except Exception as problem:  # the pandas engine cannot do some combinations
            print("left out:", kind, arguments, str(problem)[:100])
            continue
        if result.exception_info.get("raised_exception") or any(
                isinstance(v, dict) and v.get("raised_exception") for v in result.exception_info.values()):
            print("left out (exception):", kind, arguments)
            continue
        figures = {"success": bool(result.success)}
        for key in ("element_count", "unexpected_count", "missing_count", "unexpected_percent", "observed_value"):
            if key in result.result:
                figures[key] = plain(result.result[key])
        vectors.append({"type": kind, "kwargs": arguments, "meta": {"expected": figures}})
    here = os.path.dirname(os.path.realpath(__file__))
    with open(os.path.join(here, "gx_vectors.json"), "w", encoding="utf-8") as out:
        meta = {"table": "s.t", "sql": table_sql(), "great_expectations_version": gx.__version__}
        lines = ",\n".join("  " + json.dumps(vector) for vector in vectors)
        out.write('{"name": "vectors", "meta": ' + json.dumps(meta) + ',\n "expectations": [\n' + lines + "\n]}\n")
    print(len(vectors), "vectors")


main()
