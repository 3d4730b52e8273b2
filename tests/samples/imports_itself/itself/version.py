import sys

VERSION = ".".join(map(str, (1, 2, len(sys.argv[:0]))))
