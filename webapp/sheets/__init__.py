"""Decision tables as people see them: rows and cells in words, edits of single rows, differences between versions."""
