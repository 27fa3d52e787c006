"""The CEL rules of `Wallet`, by the part of the schema at which they stand."""

from __future__ import annotations

from outcry_operator.models.cel import (
    Rule,
    decimals,
    duration_between,
    less,
    positive,
    quantity_at_least,
    rule,
    when,
)

BASE58 = "[1-9A-HJ-NP-Za-km-z]{32,44}"
ACCOUNT = "0x([0-9a-f]{40}|[0-9A-F]{40}|[0-9a-fA-F]{40})"
NETWORKS = {
    "bitcoin": ("mainnet", "testnet4", "signet", "regtest"),
    "solana": ("mainnet-beta", "testnet", "devnet", "localnet"),
}
COINS = {"bitcoin": ("BTC", 8), "ethereum": ("ETH", 18), "solana": ("SOL", 9)}
ADDRESSES = {"mainnet": "bc1", "testnet4": "tb1", "signet": "tb1", "regtest": "bcrt1"}

_ELSE = "Make a new wallet instead"


def _on(chain: str, then: str) -> str:
    return when(f"self.chain == '{chain}'", then)


def _fixed(field: str, *, optional: bool = False) -> Rule:
    """The field keeps its value: the group's keys and every address were made for it."""
    same = f"self.{field} == oldSelf.{field}"
    if optional:
        same = f"has(self.{field}) == has(oldSelf.{field}) && (!has(self.{field}) || {same})"
    return rule(same, f"{field} is immutable: keys, addresses and books belong to one network. {_ELSE}")


def _not_above(one: str, other: str) -> str:
    return f"!({less(other, one)})"


NODE = [
    rule(
        "!self.url.substring(self.url.indexOf('//') + 2).split('/')[0].contains('@')",
        "a node's URL must not hold credentials: put them into a Secret and name it in credentials",
    ),
]

POOL = [
    rule(duration_between(f"self.{field}", "100ms", "5m"), f"pool.{field} must be between 100ms and 5m")
    for field in ("probeInterval", "timeout")
]

LIMITS = [
    rule(positive("self.perWithdrawal"), "limits.perWithdrawal must be greater than 0: nothing could leave"),
    rule(
        _not_above("self.perWithdrawal", "self.perAddressPerDay"),
        "limits.perWithdrawal must not be more than perAddressPerDay",
    ),
    rule(
        _not_above("self.perAddressPerDay", "self.perDay"),
        "limits.perAddressPerDay must not be more than perDay",
    ),
    rule(
        f"self.approvers.all(a, {_not_above('a.amount', 'self.perWithdrawal')})",
        "limits.approvers must not begin above perWithdrawal: the step would never count",
    ),
    rule(
        "self.approvers.all(a, self.approvers.exists_one(x, x.amount == a.amount))",
        "limits.approvers must name each amount once",
    ),
]

ASSET = [
    rule(
        "(self.type == 'Native') == (self.contract == '')",
        "a token names its contract, and the chain's own coin (type Native) has none",
    ),
    rule(
        when("self.type == 'ERC20' && self.contract != ''", f"self.contract.matches('^{ACCOUNT}$')"),
        "contract of an ERC20 token must be 0x and 40 hex digits",
    ),
    rule(
        when("self.type == 'SPL' && self.contract != ''", f"self.contract.matches('^{BASE58}$')"),
        "contract of an SPL token must be its mint in base58, 32 to 44 characters",
    ),
    rule(
        "self.scale <= self.chainScale",
        "scale must not be more than chainScale: the ledger can't count what the chain can't pay",
    ),
    rule(
        " && ".join(
            f"{decimals(f'self.{field}')} <= self.chainScale"
            for field in ("dust", "limits.perWithdrawal", "limits.perDay", "limits.perAddressPerDay")
        ),
        "dust and limits must not have more decimals than chainScale",
    ),
    rule(
        f"self.limits.approvers.all(a, {decimals('a.amount')} <= self.chainScale)",
        "limits.approvers must not have more decimals than chainScale",
    ),
    rule(
        less("self.dust", "self.limits.perWithdrawal"),
        "dust must be less than limits.perWithdrawal",
    ),
]

FEES = [
    rule(positive("self.maxPerWithdrawal"), "fees.maxPerWithdrawal must be greater than 0"),
    rule(
        _not_above("self.maxPerWithdrawal", "self.maxPerTransaction"),
        "fees.maxPerWithdrawal must not be more than maxPerTransaction",
    ),
    rule(
        _not_above("self.maxPerTransaction", "self.maxPerDay"),
        "fees.maxPerTransaction must not be more than maxPerDay",
    ),
    rule(duration_between("self.bumpAfter", "1s", "1440m"), "fees.bumpAfter must be between 1s and 1440m"),
]

HOT = [
    rule(
        f"{less('self.minimum', 'self.target')} && {less('self.target', 'self.maximum')}",
        "hot.minimum must be less than target, and target less than maximum",
    ),
]

BATCH = [
    rule(duration_between("self.interval", "1ms", "10m"), "batch.interval must be at most 10m"),
]

APPROVALS = [
    rule(
        "self.riskKeys.all(k, self.riskKeys.exists_one(x, x.name == k.name))",
        "approvals.riskKeys must have names of their own",
    ),
]

STORAGE = [
    rule(
        "self == oldSelf",
        "quorum.storage is immutable: Kubernetes never changes the volume claims of a StatefulSet",
    ),
    rule(quantity_at_least("self.size", "0", more=True), "quorum.storage.size must be greater than 0"),
]

QUORUM = [
    rule(
        "self.signers == 3 && self.threshold == 2",
        "a quorum is two of three: signers must be 3 and threshold 2",
    ),
    rule(
        "self.zones.size() != 1",
        "quorum.zones must be empty or name two or three: in one zone all signers fall at once",
    ),
    rule("self.zones.all(z, self.zones.exists_one(x, x == z))", "quorum.zones must be distinct"),
    rule(quantity_at_least("self.memory", "64Mi"), "quorum.memory must be at least 64Mi"),
]

SERVICE = [rule(quantity_at_least("self.memory", "128Mi"), "service.memory must be at least 128Mi")]

_IN_COINS = (
    *(f"fees.{name}" for name in ("maxPerWithdrawal", "maxPerTransaction", "maxPerDay", "gasTopUp")),
    *(f"hot.{name}" for name in ("minimum", "target", "maximum")),
)

SPEC = [
    *(_fixed(field) for field in ("chain", "network", "genesis")),
    _fixed("chainId", optional=True),
    *(
        rule(
            _on(chain, f"self.network in {list(words)!r}"),
            f"network of {chain} must be one of {', '.join(words)}",
        )
        for chain, words in NETWORKS.items()
    ),
    rule(
        _on("ethereum", "has(self.chainId) && self.genesis.matches('^0x[0-9a-f]{64}$')"),
        "ethereum needs chainId and genesis (0x and 64 hex digits): they say which network this is",
    ),
    rule(
        _on("solana", f"self.genesis.matches('^{BASE58}$')"),
        "solana needs genesis (base58, 32 to 44 characters): it says which network this is",
    ),
    rule("self.chain == 'ethereum' || !has(self.chainId)", "chainId belongs to ethereum alone"),
    rule(
        "self.chain != 'bitcoin' || self.genesis == ''",
        "genesis belongs to ethereum and solana: bitcoin's networks have their own",
    ),
    rule(
        f"self.chain == 'solana' ? self.nonceAccounts.all(n, n.matches('^{BASE58}$') && "
        "self.nonceAccounts.exists_one(x, x == n)) : self.nonceAccounts.size() == 0",
        "nonceAccounts belong to solana alone: addresses in base58, each of them once",
    ),
    rule(
        "self.assets.all(a, self.assets.exists_one(x, x.asset == a.asset))",
        "assets must name each asset once",
    ),
    rule(
        "self.assets.all(a, a.contract == '' || "
        "self.assets.exists_one(x, x.contract.lowerAscii() == a.contract.lowerAscii()))",
        "assets must name each contract once",
    ),
    *(
        rule(
            _on(
                chain,
                "self.assets.exists_one(a, a.type == 'Native') && self.assets.exists(a, "
                f"a.type == 'Native' && a.asset == '{coin}' && a.chainScale == {scale})",
            ),
            f"assets of {chain} must have its own coin once: {coin}, type Native, chainScale {scale}",
        )
        for chain, (coin, scale) in COINS.items()
    ),
    rule(
        "self.assets.all(a, a.type == 'Native' || (a.type == 'ERC20' && self.chain == 'ethereum') || "
        "(a.type == 'SPL' && self.chain == 'solana'))",
        "tokens must be of the chain's own kind: ERC20 on ethereum, SPL on solana, none on bitcoin",
    ),
    rule(
        "oldSelf.assets.all(o, self.assets.all(n, n.asset != o.asset || (n.type == o.type && "
        "n.contract == o.contract && n.scale == o.scale && n.chainScale == o.chainScale)))",
        "an asset's type, contract, scale and chainScale are immutable: its books were written with them",
    ),
    rule(
        "self.nodes.all(n, self.nodes.exists_one(x, x.name == n.name))", "nodes must have names of their own"
    ),
    rule(
        "self.nodes.all(n, self.nodes.exists_one(x, x.url == n.url))",
        "nodes must have URLs of their own: one node counted twice is no majority",
    ),
    rule(
        "has(self.fees.maxRate) == (self.chain != 'solana')",
        "fees.maxRate must be set on bitcoin (satoshi a virtual byte) and ethereum (gwei a unit of gas), "
        "and not on solana",
    ),
    rule(
        f"self.chain == 'ethereum' || !{positive('self.fees.gasTopUp')}",
        "fees.gasTopUp belongs to ethereum alone",
    ),
    *(
        rule(
            _on(chain, " && ".join(f"{decimals(f'self.{field}')} <= {scale}" for field in _IN_COINS)),
            f"fees and hot must not have more than {scale} decimals, which {coin} has",
        )
        for chain, (coin, scale) in COINS.items()
        if scale < 18
    ),
    rule("self.cold.all(c, self.cold.exists_one(x, x == c))", "cold must name each address once"),
    rule(
        "self.cold.all(c, !c.matches('[xtyzuv]prv') && !c.contains(' '))",
        "cold must hold public keys and addresses alone: a private key or a phrase belongs into no manifest",
    ),
    *(
        rule(
            when(
                f"self.chain == 'bitcoin' && self.network == '{network}'",
                f"self.cold.all(c, c.startsWith('{prefix}') || c.startsWith('wpkh(') || c.startsWith('tr('))",
            ),
            f"cold on {network} must be {prefix}… addresses, or wpkh(…) and tr(…) descriptors",
        )
        for network, prefix in ADDRESSES.items()
    ),
    rule(
        _on("ethereum", f"self.cold.all(c, c.matches('^{ACCOUNT}$'))"),
        "cold on ethereum must be addresses: 0x and 40 hex digits",
    ),
    rule(
        _on("solana", f"self.cold.all(c, c.matches('^{BASE58}$'))"),
        "cold on solana must be addresses in base58, 32 to 44 characters",
    ),
]

OBJECT = [
    rule(
        "self.metadata.name.matches('^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$')",
        "metadata.name must begin with a letter and be at most 30 of a-z, 0-9 and -: pods are named by it",
    ),
]
