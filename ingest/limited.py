"""`python -m ingest.limited MEGABYTES SECONDS ARGUMENTS…`: the ingest command within limits.

For files and pages from strangers: what is made to eat memory or time ends this process, and nothing else. A
process that ends in the middle of an ingest loses nothing (tests/test_crash.py).
"""

import sys

from ingest.__main__ import main


def limit(megabytes: int, seconds: int) -> None:
    """Bound address space and processor time of this process; does nothing where there is no way to."""
    try:
        import resource  # noqa: PLC0415  (not on Windows)
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    limit(int(sys.argv[1]), int(sys.argv[2]))
    del sys.argv[1:3]
    main()
