"""Write blood cells with the activity of their genes as CSV, with a column for each gene."""

import sys

import h5py
import polars as pl

with h5py.File(sys.argv[1]) as file:
    genes = file["raw/var/index"].asstr()[:]
    table = pl.DataFrame(file["X"][:], schema=list(genes))
    labels = file["obs/bulk_labels"]
    names = labels["categories"].asstr()[:][labels["codes"][:]]
table.with_columns(label=pl.Series(list(names))).write_csv(sys.argv[2])
