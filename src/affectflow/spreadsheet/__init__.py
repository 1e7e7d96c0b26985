"""Spreadsheets of image URLs and AU labels -> tables of labels."""
