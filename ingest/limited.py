"""`python -m ingest.limited MEGABYTES SECONDS ARGUMENTS…`: the ingest command within limits.

For files and pages from strangers: what is made to eat memory or time ends this process, and nothing else. A
process that ends in the middle of an ingest loses nothing (tests/test_crash.py).
"""

import sys

from ingest.__main__ import main
from ingest.limits import limit

if __name__ == "__main__":
    limit(int(sys.argv[1]), int(sys.argv[2]))
    del sys.argv[1:3]
    main()
