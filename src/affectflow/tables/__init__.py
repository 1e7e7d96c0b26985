"""CSV and Parquet files, with Arrow schemas."""
