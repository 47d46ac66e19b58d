"""``lovem serve``: the pages, the API and the clock in one process."""

from __future__ import annotations

import argparse
import sys

import waitress

from webapp import demo, ready, security
from webapp.cli.common import OK, CommandRefusedError, Commands, Opened, command, opened
from webapp.clock import Ticker
from webapp.database import one_at_a_time, prepare_folder
from webapp.shipped import deploy_shipped

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def register(commands: Commands) -> None:
    """Add the command."""
    parser = command(commands, "serve", run, "serve the pages and keep the clock")
    parser.add_argument(
        "--prepare", action="store_true", help="first migrate, deploy what is shipped, and load the demo"
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted."""
    with opened() as o:
        if arguments.prepare:
            prepare(o)
        ready.require_ready(o.desk, o.settings)
        ticker = Ticker(o.desk, o.settings.tick_seconds)
        ticker.start()
        try:
            _serve(o)
        finally:
            ticker.stop()
    return OK


def prepare(o: Opened) -> None:
    """Bring an empty or older database up to this version; does next to nothing the second time.

    Of several nodes one prepares and the others wait for it.
    """
    prepare_folder(o.settings.database_url)
    with one_at_a_time(o.desk.engine):
        ready.migrate()
        deploy_shipped(o.desk, update=o.settings.demo)
        if o.settings.demo:
            demo.load(o.desk)


def _serve(o: Opened) -> None:
    host, port = o.settings.address
    if o.settings.demo and host not in LOOPBACK:
        print("warning: demo accounts with a known password are reachable from other machines", file=sys.stderr)
    try:
        server = waitress.create_server(
            o.app,
            host=host,
            port=port,
            threads=o.settings.threads,
            ident=None,
            max_request_body_size=2 * security.UPLOAD_BYTES,  # above Flask's own limit, whose refusal is a page
            clear_untrusted_proxy_headers=o.settings.proxies == 0,
        )
    except (OSError, ValueError) as error:  # waitress says ValueError of a name that it cannot resolve
        raise CommandRefusedError(
            f"LOVEM_LISTEN: this machine cannot listen on {o.settings.listen}: {error}"
        ) from error
    print(f"LoVEM Desk on http://{f'[{host}]' if ':' in host else host}:{port}", flush=True)
    server.run()
