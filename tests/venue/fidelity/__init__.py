"""The venue held against the exchange's own specification.

The specification is not part of this project: tests that need it look for a folder
`shared/venue/spec` beside the repository and are skipped where there is none.
"""
