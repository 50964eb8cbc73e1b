"""What the scripts share: how they say what they were told."""

import asyncio
import datetime
import os

HOST = os.environ["PGHOST"]
PORT = int(os.environ["PGPORT"])
USER = os.environ["PGUSER"]
PASSWORD = os.environ["PGPASSWORD"]
DATABASE = os.environ["PGDATABASE"]

# The sessions that the test holds open while the scripts run.
KNOWN = "application_name = 'known'"


def said(label, *values):
    """One line for each answer; its label is what a list of differences names."""
    print(f"{label}: {' | '.join(shown(value) for value in values)}", flush=True)


def shown(value):
    """A value with its type, the same in every run."""
    if isinstance(value, (list, tuple)):
        inner = ", ".join(shown(item) for item in value)
        return f"[{inner}]" if isinstance(value, list) else f"({inner})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {shown(item)}" for key, item in value.items()) + "}"
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        return f"datetime {value.astimezone(datetime.timezone.utc).isoformat()}"
    if isinstance(value, (memoryview, bytes)):
        return f"bytes {bytes(value).hex()}"
    if value is None or isinstance(value, (bool, str, int)):
        return repr(value)
    return f"{type(value).__name__} {value}"


def refused(label, action, *errors):
    """The SQLSTATE of what must fail."""
    try:
        answer = action()
    except errors as error:
        said(label, getattr(error, "sqlstate", None) or getattr(error, "pgcode", None) or type(error).__name__)
    else:
        said(label, "not refused", answer)


def run(coroutine):
    """Runs what is asynchronous, bounded in time."""

    async def bounded():
        async with asyncio.timeout(60):
            await coroutine

    asyncio.run(bounded())
