# tools: what developers run
EXTRA_DIST += tools/tap_summary
