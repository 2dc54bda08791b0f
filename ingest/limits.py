"""What a process that reads a stranger's file may use."""

import contextlib


def limit(megabytes: int, seconds: int) -> None:
    """Bound address space and processor time of this process; does nothing where there is no way to."""
    try:
        import resource  # noqa: PLC0415  (not on Windows)
    except ImportError:
        return
    for kind, most in (
        (resource.RLIMIT_AS, megabytes << 20),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        allowed = resource.getrlimit(kind)[1]  # what is allowed already can only become less
        value = most if allowed == resource.RLIM_INFINITY else min(most, allowed)
        with contextlib.suppress(ValueError, OSError):  # macOS takes no limit of the address space
            resource.setrlimit(kind, (value, value))
