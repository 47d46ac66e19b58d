"""SELECTs for pages, written so that each list is one index range; nothing here changes a row."""
