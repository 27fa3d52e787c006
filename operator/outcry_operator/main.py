"""kopf's handlers. They only say which pair or wallet needs a run.

No handler keeps state in the objects, none asks kopf for its finalizer: both would be a patch for each
event. The operator's own finalizer is put on and taken off by the runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import kopf

from outcry_operator.custom_object import MANAGED_BY, MANAGED_BY_LABEL, OWNED
from outcry_operator.login import login
from outcry_operator.models.tradingpair import GROUP, PLURAL, VERSION
from outcry_operator.models.wallet import PLURAL as WALLETS
from outcry_operator.pair.names import PAIR_LABEL, Key
from outcry_operator.wallet.names import WALLET_LABEL, WalletKey

if TYPE_CHECKING:
    from outcry_operator.app import App

OWNED_KINDS = (
    ("", "v1", "pods"),
    ("", "v1", "services"),
    ("", "v1", "serviceaccounts"),
    ("apps", "v1", "statefulsets"),
    ("policy", "v1", "poddisruptionbudgets"),
    ("networking.k8s.io", "v1", "networkpolicies"),
)

# Secrets and ConfigMaps are not among them: watching them would mean reading them all.
WALLET_KINDS = (*OWNED_KINDS, ("apps", "v1", "deployments"), ("batch", "v1", "jobs"))

# A watch is ended by the server after so long and begins with a listing: every object gets a run then.
SERVER_SECONDS = 600
SILENT_SECONDS = 90
REQUEST_SECONDS = 30


@kopf.on.startup()
async def configure(settings: kopf.OperatorSettings, **_: object) -> None:
    """Kopf's own settings."""
    settings.persistence.finalizer = f"{GROUP}/kopf"
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=GROUP)
    settings.persistence.diffbase_storage = kopf.AnnotationsDiffBaseStorage(prefix=GROUP)
    settings.watching.server_timeout = SERVER_SECONDS
    settings.watching.client_timeout = SERVER_SECONDS + REQUEST_SECONDS
    settings.watching.inactivity_timeout = SILENT_SECONDS
    settings.watching.connect_timeout = REQUEST_SECONDS
    settings.networking.request_timeout = REQUEST_SECONDS
    settings.posting.enabled = False
    settings.peering.standalone = True
    for group, version, plural in WALLET_KINDS:
        settings.watching.label_selectors[(group, version, plural)] = OWNED


@kopf.on.login(retries=3)
async def log_in(**_: object) -> kopf.ConnectionInfo:
    """The same credentials as our own client's."""
    return login()


@kopf.on.event(GROUP, VERSION, PLURAL)
async def pair_changed(namespace: str | None, name: str | None, memo: kopf.Memo, **_: object) -> None:
    """A pair was made, changed or deleted."""
    app: App = memo.app
    app.seen(Key(namespace or "", name or ""))


@kopf.on.event(GROUP, VERSION, WALLETS)
async def wallet_changed(namespace: str | None, name: str | None, memo: kopf.Memo, **_: object) -> None:
    """A wallet was made, changed or deleted."""
    app: App = memo.app
    app.wallet_seen(WalletKey(namespace or "", name or ""))


async def of_wallet_changed(namespace: str | None, labels: kopf.Labels, memo: kopf.Memo, **_: object) -> None:
    """Something of a wallet was made, changed or deleted, whoever did it."""
    app: App = memo.app
    app.wallet_seen(WalletKey(namespace or "", labels[WALLET_LABEL]))


async def owned_changed(namespace: str | None, labels: kopf.Labels, memo: kopf.Memo, **_: object) -> None:
    """Something that a pair owns was made, changed or deleted, whoever did it."""
    app: App = memo.app
    app.touched(Key(namespace or "", labels[PAIR_LABEL]))


for _kind in OWNED_KINDS:
    kopf.on.event(*_kind, labels={MANAGED_BY_LABEL: MANAGED_BY, PAIR_LABEL: kopf.PRESENT})(owned_changed)

for _kind in WALLET_KINDS:
    kopf.on.event(*_kind, labels={MANAGED_BY_LABEL: MANAGED_BY, WALLET_LABEL: kopf.PRESENT})(
        of_wallet_changed
    )
