"""The native loops: the same code as the wheel's, the same answers as the Python face's."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from bench.micro.native import FrameLoop, Library, OrderLoop
from bench.micro.orders import KEY, SECRET
from bench.micro.stream import MARKET, depth_frames, ticker_frames
from whitewire import Book, OrderTemplate, Side, Signer

# The first test builds the native loops.
pytestmark = pytest.mark.timeout(900)

_ROOT = Path(__file__).parents[2]


def _versions(lock: Path) -> dict[str, str]:
    packages = tomllib.loads(lock.read_text(encoding="utf-8"))["package"]
    return {package["name"]: package["version"] for package in packages}


@pytest.mark.usefixtures("library")
def test_the_loops_are_built_from_the_core_s_own_dependencies() -> None:
    core = _versions(_ROOT / "native" / "Cargo.lock")
    loops = _versions(_ROOT / "bench" / "native" / "Cargo.lock")
    del loops["whitewire_bench"]
    assert loops.items() <= core.items()


@pytest.mark.parametrize("production", [False, True])
def test_a_loop_s_request_is_the_template_s(library: Library, production: bool) -> None:
    loop = OrderLoop(library, KEY, SECRET, "mm-", production)
    template = OrderTemplate(
        Signer(KEY, SECRET),
        market="BTC_USDT",
        side=Side.BUY,
        host="whitebit.com",
        post_only=production,
        stp="cn" if production else None,
        client_id_prefix="mm-",
    )
    loop.run(5, (1, 629_573, 13, 1_785_730_136_175))
    assert loop.request(42, 629_573, 13, 1_785_730_136_175) == template.encode(
        price="62957.3",
        amount="0.013",
        client_order_id="0000000042",
        nonce=1_785_730_136_175,
    )


def test_a_loop_s_book_is_the_python_face_s(library: Library) -> None:
    frames = depth_frames(deltas=20)
    loop, book = FrameLoop(library, MARKET, frames), Book(MARKET, 1, 3)
    loop.run(2)
    for frame in frames:
        book.apply(frame)
    for side, levels in ((True, book.asks()), (False, book.bids())):
        rows = [(int(price.scaleb(1)), int(amount.scaleb(3))) for price, amount in levels]
        assert loop.levels(side, 200) == rows
        assert loop.levels(side, 3) == rows[:3]


def test_a_loop_s_ticker_is_the_last_one(library: Library) -> None:
    loop = FrameLoop(library, MARKET, ticker_frames(5))
    assert loop.ticker() is None
    loop.run(1)
    last = FrameLoop(library, MARKET, ticker_frames(5)[-1:])
    last.run(1)
    assert loop.ticker() == last.ticker() is not None
