"""Spreadsheets in and out: sniff, read, find the header, map, clean, write, reject."""
