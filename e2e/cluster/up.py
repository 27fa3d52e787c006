"""`up`: from nothing to a live market, each step only as far as it isn't done yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2e.cluster import market, trade
from e2e.cluster.choose import remember
from e2e.cluster.environment import write_kubectl
from e2e.cluster.errors import PrerequisiteError
from e2e.cluster.platform import build_images, install_charts
from e2e.cluster.prerequisites import find_problems
from e2e.cluster.wallets import show, story
from e2e.cluster.wallets.manifest import apply_wallet
from e2e.cluster.wallets.wanted import chains_of, want_chains

if TYPE_CHECKING:
    from collections.abc import Sequence

    from e2e.cluster.progress import Progress
    from e2e.cluster.provider import Provider

__all__ = ["STAGES", "next_steps", "up"]

STAGES = ("cluster", "platform", "pair", "trade", "watch")


def up(
    provider: Provider,
    *,
    until: str,
    progress: Progress,
    services: bool = False,
    chains: Sequence[str] = (),
) -> None:
    """Go as far as stage `until`; raises ClusterError, after which it can simply be called again.

    With `services` two users trade at the end, and then with coins of each of `chains`. Without them there
    are markets alone, and a seeded order flow goes into Kafka directly: the two don't mix, since nobody may
    trade with whom no money stands behind.
    """
    last = STAGES.index(until)
    check(provider)
    remember(provider)
    provider.begin()
    wants_images = last >= STAGES.index("platform")
    wanted = want_chains(provider, chains) if services else ()
    images = build_images(progress=progress, services=services, chains=wanted) if wants_images else None
    provider.up(progress=progress)
    write_kubectl(provider)
    if images is None:
        return
    provider.load(images.all, progress=progress)
    install_charts(provider, images, progress=progress)
    if last >= STAGES.index("pair"):
        for chain in chains:  # its signers start while the market does
            apply_wallet(provider, chain)
        market.apply_pair(provider.kubectl, progress=progress)
    if last < STAGES.index("trade"):
        return
    if services:
        trade.show(trade.trade(provider, progress=progress), url=trade.url_of(provider))
        for chain in chains if last >= STAGES.index("watch") else ():
            show.show(story.tell(provider, chain, progress=progress))
    else:
        market.start_flow(provider, images.engine.name, progress=progress)
        if last >= STAGES.index("watch"):
            market.watch(provider)


def check(provider: Provider) -> None:
    """Name everything that the machine lacks, before anything is started."""
    problems = find_problems(provider.name)
    if problems:
        named = "\n".join(f"✗ {problem.what}\n    {problem.mend}" for problem in problems)
        raise PrerequisiteError(f"nothing was started:\n{named}")


def next_steps(provider: Provider, *, python: str, services: bool) -> str:
    """What to type next, in a shell that was told where the cluster is."""
    name = "" if provider.cluster == "outcry" else f" --name {provider.cluster}"
    killing = kill_command(provider, python=python, name=name)
    steps = {
        f"kubectl get pairs -n {market.NAMESPACE}": "is the market fine, who is hot",
        f"outcry watch {market.SYMBOL}": "the book, trades, seq and both replicas, live",
        killing: "kill the hot engine: the warm one takes over",
    }
    if services:
        order = f"outcry order {market.SYMBOL} buy 0.01 --price 59000"
        steps = {
            order: "an order of alice's",
            "outcry positions 1001": "what she has, and what it holds",
        } | steps
        if chains_of(provider):
            steps |= {
                "kubectl get wallets -n outcry-system": "are its nodes and signers well",
                f"{python} -m e2e.cluster wallet{name}": "coins come and go again, a signer being stopped",
            }
    else:
        steps |= {
            f"kubectl describe pair {market.PAIR} -n {market.NAMESPACE}": "what happened, and why",
            "kubectl apply -f examples/eth-usdt.yaml": "a second market",
        }
    width = max(map(len, steps))
    listed = "\n".join(f"  {command:<{width}}  # {meaning}" for command, meaning in steps.items())
    return f"""
{market.SYMBOL} trades on cluster {provider.cluster}. Tell a shell where that is:

  eval "$({python} -m e2e.cluster env{name})"

and try:

{listed}
"""


def kill_command(provider: Provider, *, python: str, name: str) -> str:
    """A crash where processes can be reached from here, else the nearest thing to one."""
    if provider.name == "local":
        return f"{python} -m e2e.cluster kill{name}"
    hot = f"-l outcry.trade/pair={market.PAIR},outcry.trade/role=hot"
    return f"kubectl delete pod -n {market.NAMESPACE} {hot} --force"
