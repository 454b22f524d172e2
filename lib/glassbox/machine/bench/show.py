"""A record as text: one line for each case and provider, then geometric means and goals."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from glassbox.machine.bench.case import Goal
from glassbox.machine.bench.verdict import geomean, mark, verdict

COLUMNS = ("case", "provider", "median ms", "p20-p80 ms", "graph ms", "ratio", "share", "error", "goal")


def show(record: dict, goals: Sequence[Goal], console: Console) -> None:
    """Print a record with its goals."""
    table = Table(*COLUMNS, title=f"{record['operation']} on {record['gpu']}", show_edge=False)
    for row in record["rows"]:
        table.add_row(*map(escape, line(row, goals)))
    console.print(table)
    for text in summary(record, goals):
        console.print(text, markup=False, highlight=False)


def line(row: dict, goals: Sequence[Goal]) -> tuple[str, ...]:
    """Return the cells of one row."""
    head = (row["case"], row["peer"])
    if "median_ms" not in row:
        why = f"refused: {row['refused']}" if "refused" in row else f"absent: {row['absent']}"
        return (*head, "-", "-", "-", "-", "-", _times(row.get("error_ratio")), why)
    return (
        *head,
        f"{row['median_ms']:.4f}" + " host-bound" * row["host_bound"],
        f"{row['p20_ms']:.4f}-{row['p80_ms']:.4f}",
        f"{row['graph_median_ms']:.4f}" if "graph_median_ms" in row else "-",
        _times(row.get("ratio")),
        f"{row['share']:.0%}" if row["share"] else row["flag"],
        _times(row["error_ratio"]),
        mark(row, goals),
    )


def _times(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}x"


def summary(record: dict, goals: Sequence[Goal]) -> list[str]:
    """Return the ceilings, the geometric mean of each peer's ratio, and the verdict on each goal."""
    copy, product = (record["ceilings"][key] for key in ("copy_bytes_per_s", "matmul_bf16_flop_per_s"))
    lines = [f"measured ceilings: copy {copy / 1e12:.2f} TB/s, bf16 product {product / 1e12:.0f} TFLOP/s"]
    for peer in dict.fromkeys(row["peer"] for row in record["rows"] if row.get("ratio")):
        ratios = [row["ratio"] for row in record["rows"] if row["peer"] == peer and row.get("ratio")]
        lines.append(f"geometric mean against {peer}: {geomean(ratios):.2f}x (cases: {len(ratios)})")
    return lines + [f"goal {verdict(record['rows'], goal)}" for goal in goals]
