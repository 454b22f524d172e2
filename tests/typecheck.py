"""The run-time check of annotations that `glassbox test` turns on: array shapes; an int may be a float."""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
