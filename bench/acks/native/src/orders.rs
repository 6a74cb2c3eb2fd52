//! Orders of the front: taken, remembered, canceled; and how the answers look.
//!
//! Owns: what rests. Must not know: sockets, time. Invariant: an order rests from its placement
//! until its cancel, and at no other time.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{json, Value};

/// What a placement says of one order.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    market: String,
    side: String,
    amount: String,
    price: String,
    client_order_id: String,
}

#[derive(Deserialize)]
struct Bulk {
    orders: Vec<Order>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cancel {
    client_order_id: String,
}

/// What is to be answered, and how many orders it took.
pub struct Answer {
    pub status: u16,
    pub body: String,
    pub orders: u32,
}

/// All that rests and what there has been.
#[derive(Default)]
pub struct Desk {
    resting: HashMap<String, (u64, Order)>,
    pub placed: u64,
    pub canceled: u64,
}

impl Desk {
    /// Executes one request.
    pub fn serve(&mut self, path: &str, body: &[u8]) -> Answer {
        let answered = match path {
            "/api/v4/order/new" => serde_json::from_slice(body).map(|order| self.place(order)),
            "/api/v4/order/bulk" => serde_json::from_slice(body).map(|bulk| self.place_all(bulk)),
            "/api/v4/order/cancel" => serde_json::from_slice(body).map(|order| self.cancel(&order)),
            "/api/v4/public/ping" => {
                Ok(Answer { status: 200, body: "[\"pong\"]".into(), orders: 0 })
            }
            _ => Ok(refusal(404, &format!("the front has no {path}"))),
        };
        answered.unwrap_or_else(|error| refusal(422, &error.to_string()))
    }

    /// How many orders rest.
    pub fn resting(&self) -> usize {
        self.resting.len()
    }

    fn place(&mut self, order: Order) -> Answer {
        Answer { status: 200, body: self.take(order).to_string(), orders: 1 }
    }

    fn place_all(&mut self, bulk: Bulk) -> Answer {
        let orders = u32::try_from(bulk.orders.len()).unwrap_or(u32::MAX);
        let items: Vec<Value> = bulk
            .orders
            .into_iter()
            .map(|order| json!({"result": self.take(order), "error": null}))
            .collect();
        Answer { status: 200, body: Value::from(items).to_string(), orders }
    }

    fn take(&mut self, order: Order) -> Value {
        self.placed += 1;
        let shape = shape(self.placed, &order, "NEW");
        self.resting.insert(order.client_order_id.clone(), (self.placed, order));
        shape
    }

    fn cancel(&mut self, cancel: &Cancel) -> Answer {
        let Some((id, order)) = self.resting.remove(&cancel.client_order_id) else {
            return refusal(422, "Unexecuted order was not found.");
        };
        self.canceled += 1;
        Answer { status: 200, body: shape(id, &order, "CANCELED").to_string(), orders: 0 }
    }
}

/// An order object as the venue prints it.
fn shape(id: u64, order: &Order, status: &str) -> Value {
    json!({
        "orderId": id, "clientOrderId": order.client_order_id, "market": order.market,
        "side": order.side, "type": "limit", "timestamp": 1_700_000_000.5, "dealMoney": "0",
        "dealStock": "0", "amount": order.amount, "left": order.amount, "dealFee": "0",
        "price": order.price, "postOnly": true, "ioc": false, "status": status, "stp": "cn",
    })
}

fn refusal(status: u16, message: &str) -> Answer {
    Answer { status, body: json!({"code": 2, "message": message}).to_string(), orders: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: &str = r#"{"market": "BTC_USDT", "side":"buy","amount":"1","price":"2",
        "clientOrderId":"a", "postOnly":true, "nonce": 1}"#;

    #[test]
    fn an_order_rests_until_its_cancel() {
        let mut desk = Desk::default();
        let answer = desk.serve("/api/v4/order/new", ORDER.as_bytes());
        assert_eq!((answer.status, answer.orders, desk.resting()), (200, 1, 1));
        let shape: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!((&shape["clientOrderId"], &shape["left"]), (&json!("a"), &json!("1")));
        let cancel = br#"{"market":"BTC_USDT","clientOrderId":"a"}"#;
        assert_eq!(desk.serve("/api/v4/order/cancel", cancel).status, 200);
        assert_eq!(desk.serve("/api/v4/order/cancel", cancel).status, 422);
        assert_eq!((desk.placed, desk.canceled, desk.resting()), (1, 1, 0));
    }

    #[test]
    fn a_bulk_is_answered_leg_by_leg() {
        let mut desk = Desk::default();
        let other = ORDER.replace("\"a\"", "\"b\"");
        let bulk = format!(r#"{{"orders":[{ORDER},{other}],"request":"x"}}"#);
        let answer = desk.serve("/api/v4/order/bulk", bulk.as_bytes());
        let items: Vec<Value> = serde_json::from_str(&answer.body).unwrap();
        assert_eq!((answer.orders, items.len(), desk.resting()), (2, 2, 2));
        assert_eq!(items[1]["result"]["clientOrderId"], "b");
    }

    #[test]
    fn what_is_no_order_is_refused() {
        let mut desk = Desk::default();
        assert_eq!(desk.serve("/api/v4/order/new", b"{}").status, 422);
        assert_eq!(desk.serve("/api/v4/balance", b"{}").status, 404);
        assert_eq!(desk.placed, 0);
    }
}
