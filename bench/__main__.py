"""`python -m bench [NAME …] [--quick]`: figures beside baselines. Always exits 0; a floor that is missed is marked."""

import argparse
import importlib
import os
import platform
import sqlite3

from bench.servers import Servers
from tests.support.servers import Unavailable

BENCHES = {
    "rebuild": "verified rebuild of scoring from its local log, beside the eventsourcing library",
    "ratings": "a commune's year as of then, cold; a province's year rebuilt on all cores; decisions computed again",
    "reminders": "a commune-year of reminding rebuilt; a province's morning evaluated; e-mail from queue to sent",
    "commands": "durable single-event commands on SQLite and PostgreSQL, beside bare inserts",
    "stream": "poll, check, decode and fold from Kafka beside a bare poll loop; filling a replica; relay",
    "load": "commands over HTTP in the compose deployment, beside a bare Flask app; memory of each container",
    "idle": "CPU of every process of a deployment on PostgreSQL and Kafka in which nothing happens",
    "latency": "from a command's commit to facts in scoring, over Kafka",
}


def main() -> None:
    names = "\n".join(f"  {name:<10}{what}" for name, what in BENCHES.items())
    parser = argparse.ArgumentParser("python -m bench", epilog=names, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("name", nargs="*", choices=[*BENCHES, []], metavar="NAME", help="which ones (default all)")
    parser.add_argument("--quick", action="store_true", help="small sizes: to see that it runs, not for figures")
    wanted = parser.parse_args()
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, "
          f"SQLite {sqlite3.sqlite_version}", flush=True)  # fmt: skip
    with Servers() as servers:
        for name in wanted.name or BENCHES:
            run = importlib.import_module(f"bench.{name}").run
            try:
                run(wanted.quick, servers)
            except Unavailable as error:
                print(f"{name}: not measured: {error}")


main()
