"""What the processes of a build write, and where: promises 1 and 2, seen by the kernel.

Run ``python -m integration.escapes --help``. Each hook of a project runs under ``strace``; of every
process that takes part, each successful call that changes a file system is looked at. A path has
to be in the build's slot, in TMPDIR for a while, in the frontend's output directory or in a cache
of the user; a write in the project's tree has to be the project's own, named in ``known.toml``, and
to happen while the hook holds the tree for writing.
"""
