"""The shapes of results: each record that is passed between rooms or written as JSON, described once.

A record is a TypedDict, so that what is passed is also what is written. A key that older files lack is NotRequired.
Intervals are lists of two error rates, lower and upper end.
"""
