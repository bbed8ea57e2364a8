"""The report of a sweep: what the points say (data), figures for papers (figures), the page (report)."""
