"""Made-up private frames and order responses in the venue's text style.

Owns: how orders, deals, balances and answers to placements are written. Must not know: who reads
them. Invariant: the same seed gives the same bytes.
"""

from __future__ import annotations

import random

from bench.micro.stream import AMOUNT_DECIMALS, MARKET, PRICE_DECIMALS, decimal_text

__all__ = ["private_frames", "responses"]

_FIRST_ID = 1_212_904_480_922
_TIME_S = 1_785_730_136


def _order(source: random.Random, number: int) -> dict[str, object]:
    lots = source.randint(1, 4000)
    done = source.randint(0, lots)
    price = source.randint(620_000, 640_000)
    money = decimal_text(price * done, PRICE_DECIMALS + AMOUNT_DECIMALS)
    return {
        "id": _FIRST_ID + number,
        "price": decimal_text(price, PRICE_DECIMALS),
        "amount": decimal_text(lots, AMOUNT_DECIMALS),
        "left": decimal_text(lots - done, AMOUNT_DECIMALS),
        "stock": decimal_text(done, AMOUNT_DECIMALS),
        "money": money,
        "client": f"ww-mbl2k3x9-{number:010d}",
        "side": source.randint(1, 2),
        "time": f"{_TIME_S + number}.{source.randint(100_000, 999_999)}",
    }


def _state(order: dict[str, object], method: str, event: str) -> str:
    return (
        f'{{"method": "{method}", "params": [{event}{{"id": {order["id"]}, '
        f'"market": "{MARKET}", "type": 7, "side": {order["side"]}, "post_only": true, '
        f'"ioc": false, "ctime": {order["time"]}, "mtime": {order["time"]}, '
        f'"price": "{order["price"]}", "amount": "{order["amount"]}", "left": "{order["left"]}", '
        f'"deal_stock": "{order["stock"]}", "deal_money": "{order["money"]}", "deal_fee": "0", '
        f'"client_order_id": "{order["client"]}", "stp": "cn", "status": "PARTIALLY_FILLED", '
        f'"position_side": "BOTH", "rpi": false, "fee_asset": "USDT"}}], "id": null}}'
    )


def _deal(order: dict[str, object], number: int) -> str:
    return (
        f'{{"method": "deals_update", "params": [{13_674_578_673 + number}, {order["time"]}, '
        f'"{MARKET}", {order["id"]}, "{order["price"]}", "{order["amount"]}", "0.0002625", '
        f'"{order["client"]}", {order["side"]}, 1, "USDT"], "id": null}}'
    )


def _balances(source: random.Random) -> str:
    rows = ", ".join(
        f'"{asset}": {{"available": "{decimal_text(source.randint(1, 10**12), 8)}", '
        f'"freeze": "{decimal_text(source.randint(1, 10**10), 8)}"}}'
        for asset in ("USDT", "BTC")
    )
    return f'{{"method": "balanceSpot_update", "params": [{{{rows}}}], "id": null}}'


def private_frames(count: int = 400, seed: int = 5) -> list[bytes]:
    """New orders, deals, finished orders and balances, in turns."""
    source = random.Random(seed)
    frames = []
    for number in range(count):
        order = _order(source, number)
        texts = (
            _state(order, "ordersPending_update", f"{source.randint(1, 2)}, "),
            _deal(order, number),
            _state(order, "ordersExecuted_update", ""),
            _balances(source),
        )
        frames.append(texts[number % 4].encode())
    return frames


def responses(count: int = 200, seed: int = 6) -> list[bytes]:
    """Answers to placements as a front writes them: head and JSON body, keep-alive."""
    source = random.Random(seed)
    answers = []
    for number in range(count):
        order = _order(source, number)
        body = (
            f'{{"orderId": {order["id"]}, "clientOrderId": "{order["client"]}", '
            f'"market": "{MARKET}", "side": "buy", "type": "limit", "timestamp": {order["time"]}, '
            f'"dealMoney": "0", "dealStock": "0", "amount": "{order["amount"]}", '
            f'"left": "{order["amount"]}", "dealFee": "0", "price": "{order["price"]}", '
            f'"postOnly": true, "ioc": false, "status": "OPEN", "stp": "cancel_new"}}'
        )
        head = (
            "HTTP/1.1 200 OK\r\nDate: Sat, 21 Nov 2026 10:15:36 GMT\r\n"
            "Content-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: keep-alive\r\n"
            "Vary: Accept-Encoding\r\nServer: edge\r\n\r\n"
        )
        answers.append((head + body).encode())
    return answers
