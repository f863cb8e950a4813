"""Memory stores as Anthropic's API speaks of them, mounted at /anthropic/v1/: any SDK reads approved memory here.

The contract is that of the `anthropic` SDK (`types/beta/memory_store*`). What differs stands in docs/anthropic.md.
"""
