"""A run as a file: JUnit XML, CTRF JSON, CSV, and a page that opens offline."""
