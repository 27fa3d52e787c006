"""`python -m outcry_operator`: the operator's process."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys

import kopf

from outcry_operator import logs, main, pages
from outcry_operator.app import App
from outcry_operator.clients.consul import Consul
from outcry_operator.clients.engine import Engines
from outcry_operator.clients.kafka import Kafka
from outcry_operator.clients.kube import Kube
from outcry_operator.errors import OperatorError
from outcry_operator.login import login
from outcry_operator.settings import Settings
from outcry_operator.world import World

_EPILOG = """\
Settings come from the environment: OUTCRY_KAFKA (bootstrap servers) and OUTCRY_CONSUL (URL) are needed;
{optional}
may be set. The Kubernetes API is that of the pod's service account, else of $KUBECONFIG.

SIGTERM: the runs at hand are ended, then exit 0.
"""


def parser() -> argparse.ArgumentParser:
    """The command line: there is nothing on it but help."""
    optional = [f"OUTCRY_{name.upper()}" for name in Settings.__dataclass_fields__][2:]
    return argparse.ArgumentParser(
        prog="python -m outcry_operator",
        description="Looks after the TradingPairs and Wallets of a Kubernetes cluster.",
        epilog=_EPILOG.format(optional=", ".join(optional)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


async def operate(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT, which kopf listens for."""
    world = World(
        kube=Kube(login),
        kafka=Kafka(settings.kafka),
        consul=Consul(settings.consul),
        engines=Engines(),
        settings=settings,
    )
    app, ready = App(world), asyncio.Event()
    async with contextlib.AsyncExitStack() as closing:
        closing.push_async_callback(app.close)
        application = pages.application(
            registry=app.metrics.registry,
            unhealthy=app.unhealthy,
            unready=lambda: None if ready.is_set() else "not all watches have begun",
        )
        runner = await pages.serve(application, settings.metrics_port)
        closing.push_async_callback(runner.cleanup)
        app.start()
        await kopf.operator(
            registry=kopf.get_default_registry(),
            memo=kopf.Memo(app=app),
            standalone=True,
            clusterwide=not settings.watch_namespaces,
            namespaces=settings.watch_namespaces,
            ready_flag=ready,
        )


def run() -> int:
    """The exit status: 0 after a signal, 2 for wrong settings, 1 for anything else."""
    parser().parse_args()
    try:
        settings = Settings.from_environment()
    except ValueError as error:
        print(f"outcry_operator: {error}", file=sys.stderr)
        return 2
    logs.configure(settings.log_level)
    try:
        asyncio.run(operate(settings))
    except (OperatorError, OSError) as error:
        print(f"outcry_operator: {error}", file=sys.stderr)
        return 1
    return 0


__all__ = ["main", "operate", "run"]

if __name__ == "__main__":
    sys.exit(run())
