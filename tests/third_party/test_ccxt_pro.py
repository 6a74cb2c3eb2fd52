"""ccxt.pro: ccxt's WebSocket client, public and private, on a market with nobody else in it.

Two clients trade with each other, so that every number is known. ccxt.pro subscribes when it is
first asked to watch something and tells nobody when it is done; a test therefore repeats what it
does until the first event has come (`Watch.knock`).
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import ccxt.pro
import pytest

from tests.third_party.support import SYMBOL, TIMEOUT_S, credentials, point
from whitewire.venue import Venue, WireOptions

# aiohttp says so to ccxt, on interpreters that no longer need the option
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed:DeprecationWarning")


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    wire = WireOptions(market_interval_ms=50, candles_interval_ms=50, balance_interval_ms=50)
    with Venue(traders=False, wire=wire) as running:
        yield running


@dataclass
class Watch:
    """Everything that one `watch_...` method has returned since the watch began."""

    call: Callable[[], Awaitable[Any]]
    seen: list[Any] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    async def collect(self) -> None:
        while True:
            self.seen.append(copy.deepcopy(await self.call()))  # ccxt changes it later

    async def until(self, is_right: Callable[[Any], bool]) -> Any:
        """The first result, of those that came and those to come, that is right."""
        return await asyncio.wait_for(self._until(is_right), TIMEOUT_S)

    async def _until(self, is_right: Callable[[Any], bool]) -> Any:
        looked = 0
        while True:
            if self.task is not None and self.task.done():
                self.task.result()
            while looked < len(self.seen):
                if is_right(self.seen[looked]):
                    return self.seen[looked]
                looked += 1
            await asyncio.sleep(0.005)

    async def knock(self, act: Callable[[], Awaitable[object]]) -> None:
        """Acts until something was seen."""

        async def knocking() -> None:
            while not self.seen:
                await act()
                await asyncio.sleep(0.02)

        await asyncio.wait_for(knocking(), TIMEOUT_S)


class Client:
    """One account's ccxt.pro client and its watches."""

    def __init__(self, venue: Venue, account: int) -> None:
        self.ccxt = ccxt.pro.whitebit(
            {
                **credentials(venue.accounts[account]),
                "enableRateLimit": False,
                "cafile": venue.ca,
                "options": {"nonceWindow": True},  # else its requests must not overlap
            }
        )
        point(self.ccxt, venue)
        self.tasks: list[asyncio.Task[None]] = []

    def watch(self, method: str, *args: Any) -> Watch:
        watch = Watch(lambda: getattr(self.ccxt, method)(*args))
        watch.task = asyncio.create_task(watch.collect())
        self.tasks.append(watch.task)
        return watch

    async def limit(self, side: str, price: float, amount: float = 0.01) -> Any:
        return await self.ccxt.create_order(SYMBOL, "limit", side, amount, price)

    async def rest_and_cancel(self) -> None:
        order = await self.limit("buy", 10_000)
        await self.ccxt.cancel_order(order["id"], SYMBOL)

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.ccxt.cancel_all_orders(SYMBOL)
        await self.ccxt.close()


@dataclass
class Pair:
    """Two accounts that trade with each other."""

    mine: Client
    other: Client

    async def trade(self, price: float = 60_000, amount: float = 0.01) -> str:
        """I buy from the other, who was there first; the id of my order."""
        await self.other.limit("sell", price, amount)
        order = await self.mine.limit("buy", price, amount)
        assert order["status"] == "closed"
        return str(order["id"])


@asynccontextmanager
async def pair_of(venue: Venue) -> AsyncIterator[Pair]:
    pair = Pair(Client(venue, 0), Client(venue, 1))
    await asyncio.gather(pair.mine.ccxt.load_markets(), pair.other.ccxt.load_markets())
    try:
        yield pair
    finally:
        await pair.mine.close()
        await pair.other.close()


def run(venue: Venue, scene: Callable[[Pair], Awaitable[None]]) -> None:
    async def play() -> None:
        async with pair_of(venue) as pair:
            await scene(pair)

    asyncio.run(play())


def best(side: str, price: float, amount: float) -> Callable[[Any], bool]:
    return lambda book: bool(book[side]) and book[side][0] == [price, amount]


def test_order_book(venue: Venue) -> None:
    async def scene(pair: Pair) -> None:
        await pair.other.limit("buy", 59_000, 0.5)
        book = pair.mine.watch("watch_order_book", SYMBOL, 10)
        await book.until(best("bids", 59_000, 0.5))
        above = await pair.other.limit("buy", 59_500, 0.2)
        await book.until(best("bids", 59_500, 0.2))
        await pair.other.limit("buy", 59_500, 0.1)
        await pair.other.limit("sell", 61_000, 0.3)
        shown = await book.until(best("bids", 59_500, 0.3))
        shown = await book.until(best("asks", 61_000, 0.3))
        assert shown["bids"] == [[59_500, 0.3], [59_000, 0.5]]
        await pair.other.ccxt.cancel_order(above["id"], SYMBOL)
        await book.until(best("bids", 59_500, 0.1))
        await pair.other.ccxt.cancel_all_orders(SYMBOL)
        await book.until(lambda now: not now["bids"] and not now["asks"])

    run(venue, scene)


def test_trades(venue: Venue) -> None:
    async def scene(pair: Pair) -> None:
        await pair.trade(60_100)
        trades = pair.mine.watch("watch_trades", SYMBOL)
        await trades.until(lambda new: new[-1]["price"] == 60_100)
        await pair.trade(60_200, 0.02)
        new = await trades.until(lambda new: new[-1]["price"] == 60_200)
        assert (new[-1]["amount"], new[-1]["side"], new[-1]["cost"]) == (0.02, "buy", 1_204)

    run(venue, scene)


def test_tickers(venue: Venue) -> None:
    async def scene(pair: Pair) -> None:
        await pair.trade(60_300)
        ticker = pair.mine.watch("watch_ticker", SYMBOL)
        first = await ticker.until(lambda now: now["last"] == 60_300)
        await pair.trade(60_400, 0.03)
        second = await ticker.until(lambda now: now["last"] == 60_400)
        assert second["baseVolume"] == pytest.approx(first["baseVolume"] + 0.03)
        assert second["quoteVolume"] == pytest.approx(first["quoteVolume"] + 1_812)
        assert second["high"] >= 60_400 > second["low"]
        several = pair.mine.watch("watch_tickers", [SYMBOL, "ETH/USDT"])
        await several.until(lambda now: set(now) == {SYMBOL, "ETH/USDT"})

    run(venue, scene)


def test_candles(venue: Venue) -> None:
    async def scene(pair: Pair) -> None:
        await pair.trade(60_000)
        candles = pair.mine.watch("watch_ohlcv", SYMBOL, "1d")
        first = (await candles.until(bool))[-1]
        await pair.trade(65_000, 0.05)
        now = (await candles.until(lambda new: new[-1][4] == 65_000))[-1]
        opened, _, high, low, close, volume = now
        assert opened % 86_400_000 == 0
        assert (high, close) == (65_000, 65_000)
        assert low <= 60_000
        assert volume == pytest.approx(first[5] + 0.05)

    run(venue, scene)


def states(watch: Watch, order_id: str) -> list[tuple[str, float, float]]:
    """Status, filled and remaining of one order, in the order of its events."""
    return [
        (order["status"], order["filled"], order["remaining"])
        for update in watch.seen
        for order in update
        if order["id"] == order_id
    ]


def test_order_life_through_the_socket(venue: Venue) -> None:
    async def scene(pair: Pair) -> None:
        orders = pair.mine.watch("watch_orders", SYMBOL)
        await orders.knock(pair.mine.rest_and_cancel)

        async def reaches(order_id: str, *state: object) -> None:
            await orders.until(lambda _: state in states(orders, order_id))

        placed = await pair.mine.limit("sell", 60_000, 0.03)
        await reaches(placed["id"], "open", 0, 0.03)
        await pair.other.limit("buy", 60_000, 0.01)
        await reaches(placed["id"], "open", 0.01, 0.02)
        await pair.other.limit("buy", 60_000, 0.02)
        await reaches(placed["id"], "closed", 0.03, 0)
        assert states(orders, placed["id"])[-1] == ("closed", 0.03, 0)

        withdrawn = await pair.mine.limit("buy", 50_000, 0.01)
        await reaches(withdrawn["id"], "open", 0, 0.01)
        await pair.mine.ccxt.cancel_order(withdrawn["id"], SYMBOL)
        await reaches(withdrawn["id"], "canceled", 0, 0.01)
        assert states(orders, withdrawn["id"]) == [("open", 0, 0.01), ("canceled", 0, 0.01)]

        filled_on_arrival = await pair.trade(60_000, 0.01)
        await reaches(filled_on_arrival, "closed", 0.01, 0)
        assert states(orders, filled_on_arrival) == [("closed", 0.01, 0)]

    run(venue, scene)


def test_my_trades(venue: Venue) -> None:
    async def scene(pair: Pair) -> None:
        deals = pair.mine.watch("watch_my_trades", SYMBOL)
        await deals.knock(pair.trade)
        taken = await pair.trade(60_000, 0.02)
        resting = await pair.mine.limit("sell", 61_000, 0.01)
        await pair.other.limit("buy", 61_000, 0.01)

        def mine(order_id: str) -> list[Any]:
            return [deal for new in deals.seen for deal in new if deal["order"] == order_id]

        await deals.until(lambda _: bool(mine(resting["id"])))
        (deal,) = mine(taken)
        assert (deal["side"], deal["takerOrMaker"]) == ("buy", "taker")
        assert (deal["price"], deal["amount"], deal["cost"]) == (60_000, 0.02, 1_200)
        assert deal["fee"] == {"cost": pytest.approx(0.00002), "currency": "BTC"}
        (deal,) = mine(resting["id"])
        assert (deal["side"], deal["takerOrMaker"]) == ("sell", "maker")
        assert deal["fee"] == {"cost": pytest.approx(0.61), "currency": "USDT"}

    run(venue, scene)


def test_balance(venue: Venue) -> None:
    async def scene(pair: Pair) -> None:
        balance = pair.mine.watch("watch_balance")
        await balance.knock(pair.mine.rest_and_cancel)
        before = balance.seen[-1]
        order = await pair.mine.limit("buy", 50_000, 0.02)
        held = await balance.until(lambda now: now["USDT"]["used"] == 1_000)
        assert held["USDT"]["free"] == pytest.approx(before["USDT"]["total"] - 1_000)
        await pair.mine.ccxt.cancel_order(order["id"], SYMBOL)
        await pair.trade(60_000, 0.01)
        await balance.until(
            lambda now: now["USDT"]["total"] == pytest.approx(before["USDT"]["total"] - 600)
        )
        # the fee of a buy comes out of what it buys
        assert balance.seen[-1]["BTC"]["total"] == pytest.approx(before["BTC"]["total"] + 0.00999)

    run(venue, scene)


def test_collateral_balance(venue: Venue) -> None:
    async def scene(pair: Pair) -> None:
        async def act() -> None:
            order = await pair.mine.ccxt.create_order("BTC/USDT:USDT", "limit", "buy", 0.01, 30_000)
            await pair.mine.ccxt.cancel_order(order["id"], "BTC/USDT:USDT")

        balance = pair.mine.watch("watch_balance", {"type": "swap"})
        await balance.knock(act)
        await balance.until(lambda now: 0 < now["USDT"]["free"] <= now["USDT"]["total"])

    run(venue, scene)


def test_many_watches_share_one_authorized_socket(venue: Venue) -> None:
    async def scene(pair: Pair) -> None:
        orders = pair.mine.watch("watch_orders", SYMBOL)
        deals = pair.mine.watch("watch_my_trades", SYMBOL)
        book = pair.mine.watch("watch_order_book", SYMBOL)
        await asyncio.gather(deals.knock(pair.trade), book.until(lambda _: True))
        order_id = await pair.trade()
        await orders.until(lambda new: order_id in {order["id"] for order in new})
        await deals.until(lambda new: order_id in {deal["order"] for deal in new})
        assert len(pair.mine.ccxt.clients) == 1

    run(venue, scene)


def test_a_wrong_secret_cannot_watch(venue: Venue) -> None:
    async def scene(pair: Pair) -> None:
        secret, pair.mine.ccxt.secret = pair.mine.ccxt.secret, "wrong"
        with pytest.raises(ccxt.AuthenticationError):
            await asyncio.wait_for(pair.mine.ccxt.watch_orders(SYMBOL), TIMEOUT_S)
        pair.mine.ccxt.secret = secret

    run(venue, scene)
