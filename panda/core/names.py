"""Names that all stages share, and what a name may be."""

# Names become files, folders, options and wildcards: one folder at most, no way up, no blank, nothing that a shell reads.
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
# How systems are divided, and the test systems that are integrated for longer.
SPLITS = ("train", "validation", "test")
LONG = "long"
