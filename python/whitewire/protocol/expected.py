"""What a wallet should hold, beside what the venue says that it holds.

Owns: for each watched asset of one wallet the expected amounts, the amounts seen, and the verdict
when they part. Must not know: which wallet it is, how a deal becomes postings (`postings`),
connections, clocks. Invariant: nothing but a posting, a new baseline or a told `Drift` moves an
expected total, so an amount that came or went without one of ours is always told.

Rules
-----
1. The expected total is the baseline plus every posting since; a key is posted once.
2. Amounts seen lag the postings and postings lag the amounts seen, by 1 to 1.5 s as documented. So
   a total agrees while any total seen within the lag equals any total expected within the lag.
3. The frozen amount changes with every request, faster than it is told. It agrees while any amount
   seen within the lag lies in the range that our orders could freeze within the lag.
4. What has not agreed for a whole lag is a drift: told once, with the first amount that nothing
   explained and the postings before it. What the lag is has to be more than what is documented.
5. After the venue was asked (`conclude`), a drift that agrees by now is explained; any other
   difference is foreign: a deposit, a transfer, somebody else's trade. The expectation moves by it.
   Among amounts that lag it is the difference met most often; a wrong guess is the next drift.
6. While the private stream is lost nothing is judged; the lag starts anew with `resume`.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Hashable, Iterable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

__all__ = ["LAG_NS", "Drift", "Held", "Part", "Verdict", "Wallet"]

LAG_NS = 3_000_000_000
TOLERANCE = Decimal("0.00000001")
_KEPT_KEYS = 20_000
_KEPT_POSTINGS = 64
_TOLD_POSTINGS = 5
_MOST_SAMPLES = 8
_LEAST_WIDTH = Decimal("0.000000000001")


class Part(StrEnum):
    """Which amount of an asset: free and frozen together, or what orders freeze."""

    TOTAL = "total"
    FROZEN = "frozen"


class Verdict(StrEnum):
    """What is known about a drift: nothing yet, late news of ours, or not ours."""

    UNEXPLAINED = "unexplained"
    EXPLAINED = "explained"
    FOREIGN = "foreign"


class Held(NamedTuple):
    """The least and the most that our orders may freeze of an asset, units of the asset."""

    least: Decimal
    most: Decimal


class Drift(NamedTuple):
    """A wallet does not hold what our deals and orders explain.

    Attributes:
        wallet, asset, part: where.
        verdict: UNEXPLAINED first; EXPLAINED or FOREIGN once the venue was asked.
        expected, seen: units of the asset; of a frozen amount, the nearest end of its range.
        since_ns: when the first unexplained amount was seen, monotonic ns.
        postings: the last ones before that, oldest first, as `deal 17`.
    """

    wallet: str
    asset: str
    part: Part
    verdict: Verdict
    expected: Decimal
    seen: Decimal
    since_ns: int
    postings: tuple[str, ...]

    @property
    def amount(self) -> Decimal:
        """What came (positive) or went without an explanation, units of the asset."""
        return self.seen - self.expected


_ZERO = Decimal(0)
_NOTHING = Held(_ZERO, _ZERO)


class _Series:
    """Values in force over time: the newest, and those that ended within the lag.

    Their least amounts are counted in buckets as wide as the tolerance, so that a busy wallet is
    compared with as few steps as a quiet one.
    """

    __slots__ = ("_buckets", "_entries", "_width")

    def __init__(self, value: Held, now_ns: int, width: Decimal) -> None:
        self._width = width
        self._entries: deque[tuple[int, Held]] = deque()
        self._buckets: Counter[int] = Counter()
        self.add(value, now_ns)

    @property
    def last(self) -> Held:
        return self._entries[-1][1]

    @property
    def first(self) -> Held:
        return self._entries[0][1]

    @property
    def first_ns(self) -> int:
        return self._entries[0][0]

    def add(self, value: Held, now_ns: int) -> None:
        if not self._entries or value != self.last:
            self._entries.append((now_ns, value))
            self._buckets[self._bucket(value.least)] += 1

    def trim(self, since_ns: int) -> None:
        while len(self._entries) > 1 and self._entries[1][0] <= since_ns:
            bucket = self._bucket(self._entries.popleft()[1].least)
            self._buckets[bucket] -= 1
            if not self._buckets[bucket]:
                del self._buckets[bucket]

    def values(self) -> list[Held]:
        return [value for _, value in self._entries]

    def has_near(self, amount: Decimal) -> bool:
        """Whether an amount differs from one of these by little more than the tolerance."""
        bucket = self._bucket(amount)
        return any(near in self._buckets for near in (bucket - 1, bucket, bucket + 1))

    def shift(self, by: Decimal) -> None:
        """As if it had come before the oldest of them."""
        entries, self._entries = self._entries, deque()
        self._buckets.clear()
        for ns, value in entries:
            self.add(Held(value.least + by, value.most + by), ns)

    def restart(self, now_ns: int) -> None:
        """Forgets all but the newest, as if it had begun just now."""
        last = self.last
        self._entries.clear()
        self._buckets.clear()
        self.add(last, now_ns)

    def _bucket(self, amount: Decimal) -> int:
        return int((amount / self._width).to_integral_value())


class _Account:
    """One part of one asset."""

    __slots__ = ("asset", "drift", "levels", "offset", "part", "postings", "samples")

    def __init__(
        self, asset: str, part: Part, value: Decimal, ours: Held, now_ns: int, width: Decimal
    ) -> None:
        self.asset = asset
        self.part = part
        self.offset = value - ours.least  # of a frozen amount: what others' orders freeze
        self.samples = _Series(Held(value, value), now_ns, width)
        self.levels = _Series(Held(value, value + ours.most - ours.least), now_ns, width)
        self.postings: deque[tuple[int, str]] = deque(maxlen=_KEPT_POSTINGS)
        self.drift: Drift | None = None

    def agrees(self, now_ns: int, lag_ns: int, tolerance: Decimal) -> bool:
        for series in (self.samples, self.levels):
            series.trim(now_ns - lag_ns)
        if _meet(self.samples.last, self.levels.last, tolerance):
            return True
        seen = self.samples.values()
        if self.part is Part.TOTAL:
            return any(self.levels.has_near(value.least) for value in seen)
        levels = self.levels.values()  # rule 3: anything in between may have been in force
        held = Held(min(v.least for v in levels), max(v.most for v in levels))
        return any(_meet(value, held, tolerance) for value in seen)

    @property
    def began_ns(self) -> int:
        """Since when what is compared has been in force."""
        return max(self.samples.first_ns, self.levels.first_ns)

    def difference(self) -> Decimal:
        """What is seen beyond the expectation: the one that most pairs within the lag show."""
        if self.part is Part.FROZEN:
            level, seen = self.levels.last, self.samples.last.least
            return seen - (level.least if seen < level.least else level.most)
        pairs: Counter[Decimal] = Counter()
        levels = self.levels.values()
        for value in self.samples.values()[-_MOST_SAMPLES:]:
            pairs.update(value.least - level.least for level in levels)
        latest = self.samples.last.least - self.levels.last.least
        most = max(pairs.values())
        return latest if pairs[latest] == most else max(pairs, key=lambda gap: pairs[gap])

    def move(self, by: Decimal, now_ns: int) -> None:
        level = self.levels.last
        self.levels.add(Held(level.least + by, level.most + by), now_ns)


def _meet(seen: Held, level: Held, tolerance: Decimal) -> bool:
    return level.least - tolerance <= seen.least <= level.most + tolerance


class Wallet:
    """The expectation of one wallet.

    Args:
        name: of the wallet, as `spot` or `margin`; only told.
        lag_ns: how long amounts and postings may disagree (rule 4), ns.
        tolerance: differences up to this are rounding, units of the asset.
    """

    def __init__(self, name: str, *, lag_ns: int = LAG_NS, tolerance: Decimal = TOLERANCE) -> None:
        self.name = name
        self._lag_ns = lag_ns
        self._tolerance = tolerance
        self._width = max(tolerance, _LEAST_WIDTH)
        self._accounts: dict[tuple[str, Part], _Account] = {}
        self._keys: set[Hashable] = set()
        self._key_order: deque[Hashable] = deque()
        self._is_suspended = False

    @property
    def has_drift(self) -> bool:
        """Whether a drift was told and waits for `conclude`."""
        return any(account.drift is not None for account in self._accounts.values())

    def expected(self, asset: str, part: Part = Part.TOTAL) -> Decimal | None:
        """What is expected now, the least of a frozen amount; None when it is not watched."""
        account = self._accounts.get((asset, part))
        return None if account is None else account.levels.last.least

    def watch(
        self,
        asset: str,
        total: Decimal,
        now_ns: int,
        *,
        frozen: Decimal | None = None,
        ours: Held = _NOTHING,
    ) -> None:
        """Takes a new baseline.

        Args:
            asset: what to watch.
            total: free and frozen, or the balance of a collateral wallet; units of the asset.
            now_ns: when that was told, monotonic.
            frozen: what orders freeze, None where the wallet does not say.
            ours: what of it our own orders freeze.
        """
        account = _Account(asset, Part.TOTAL, total, _NOTHING, now_ns, self._width)
        self._accounts[asset, Part.TOTAL] = account
        if frozen is not None:
            account = _Account(asset, Part.FROZEN, frozen, ours, now_ns, self._width)
            self._accounts[asset, Part.FROZEN] = account

    def post(
        self, key: Hashable, amounts: Iterable[tuple[str, Decimal]], about: str, now_ns: int
    ) -> bool:
        """Moves the expected totals by `amounts`; False when `key` was posted before (rule 1).

        Args:
            key: identifies the cause, as ("deal", deal id, venue id).
            amounts: (asset, what came or went); assets that are not watched are left out.
            about: the cause for people, as `deal 17`.
            now_ns: when it was heard, monotonic.
        """
        if key in self._keys:
            return False
        self._keys.add(key)
        self._key_order.append(key)
        if len(self._key_order) > _KEPT_KEYS:
            self._keys.discard(self._key_order.popleft())
        for asset, amount in amounts:
            account = self._accounts.get((asset, Part.TOTAL))
            if account is not None:
                account.move(amount, now_ns)
                account.postings.append((now_ns, about))
        return True

    def hold(self, held: Mapping[str, Held], now_ns: int) -> None:
        """Says what our orders may freeze by now; an asset that is left out: nothing."""
        for (asset, part), account in self._accounts.items():
            if part is Part.FROZEN:
                ours = held.get(asset, _NOTHING)
                level = Held(account.offset + ours.least, account.offset + ours.most)
                account.levels.add(level, now_ns)

    def see(
        self, asset: str, total: Decimal, now_ns: int, *, frozen: Decimal | None = None
    ) -> None:
        """Takes what the venue says at `now_ns` (monotonic), pushed or asked for."""
        for part, value in ((Part.TOTAL, total), (Part.FROZEN, frozen)):
            account = self._accounts.get((asset, part))
            if account is not None and value is not None:
                account.samples.add(Held(value, value), now_ns)

    def suspend(self) -> None:
        """The private stream is lost (rule 6)."""
        self._is_suspended = True

    def resume(self, now_ns: int) -> None:
        """Everything that was missed has been posted and seen (rule 6)."""
        self._is_suspended = False
        for account in self._accounts.values():
            account.samples.restart(now_ns)
            account.levels.restart(now_ns)

    def check(self, now_ns: int) -> list[Drift]:
        """The drifts that are new (rule 4); call it a few times a second."""
        if self._is_suspended:
            return []
        found = []
        for account in self._accounts.values():
            is_parted = not account.agrees(now_ns, self._lag_ns, self._tolerance)
            if is_parted and account.drift is None and account.began_ns <= now_ns - self._lag_ns:
                account.drift = self._drift(account)
                found.append(account.drift)
        return found

    def conclude(self, now_ns: int) -> list[Drift]:
        """What the told drifts were, once the venue has been asked (rule 5)."""
        concluded = []
        for account in self._accounts.values():
            drift, account.drift = account.drift, None
            if drift is None:
                continue
            if account.agrees(now_ns, self._lag_ns, self._tolerance):
                concluded.append(drift._replace(verdict=Verdict.EXPLAINED))
                continue
            by = account.difference()
            expected = account.samples.last.least - by
            concluded.append(
                drift._replace(
                    verdict=Verdict.FOREIGN, expected=expected, seen=account.samples.last.least
                )
            )
            account.offset += by
            account.levels.shift(by)
        return concluded

    def _drift(self, account: _Account) -> Drift:
        seen, since_ns = account.samples.first.least, account.began_ns
        before = [about for heard_ns, about in account.postings if heard_ns <= since_ns]
        return Drift(
            self.name,
            account.asset,
            account.part,
            Verdict.UNEXPLAINED,
            seen - account.difference(),
            seen,
            since_ns,
            tuple(before[-_TOLD_POSTINGS:]),
        )
