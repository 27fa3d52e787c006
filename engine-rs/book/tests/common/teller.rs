//! The words of the worked examples in `docs/matching`, carried out.

use outcry_book::{
    AmendOrder, Body, Book, CancelOrder, CancelReplace, CancelReplaceMode, Command, MassCancel,
    NewOco, NewOrder, OrderType, Outcome, PairSettings, SelfTradePrevention, SetDisconnectTimer,
    Side, Tick, TimeInForce, TradingStatus,
};

use super::{Market, limit, settings, short};

/// Carries out the commands of one example.
pub struct Teller {
    market: Market,
    settings: PairSettings,
    last: Option<Body>,
}

impl Teller {
    /// An open pair under these rules.
    pub fn new(rules_version: u32) -> Self {
        let settings = PairSettings {
            rules_version,
            ..settings()
        };
        let mut market = Market::default();
        market.settings(settings);
        Self {
            market,
            settings,
            last: None,
        }
    }

    pub fn book(&self) -> &Book {
        &self.market.book
    }

    pub fn book_mut(&mut self) -> &mut Book {
        &mut self.market.book
    }

    pub fn shown(&self) -> String {
        self.market.shown()
    }

    pub fn tell(&mut self, words: &str) -> Vec<String> {
        let words: Vec<&str> = words.split_whitespace().collect();
        match words.as_slice() {
            ["a", "new", "pair"] => {
                self.market = Market::default();
                vec![]
            }
            ["again"] => self.again(),
            ["status", status] => {
                self.settings.trading_status = found(TradingStatus::ALL, status).as_i32();
                self.change()
            }
            ["band", lower, upper] => {
                self.settings.price_band_lower = number(lower);
                self.settings.price_band_upper = number(upper);
                self.change()
            }
            ["min-notional", least] => {
                self.settings.min_notional = number(least);
                self.change()
            }
            ["rules", version] => {
                self.settings.rules_version = version.parse().unwrap();
                self.change()
            }
            ["filter", name, value] => {
                self.filter(name, value);
                self.change()
            }
            ["operator", "mass-cancel", side @ ..] => self.apply_as(1024, mass_cancel(0, side)),
            words => {
                let body = body(words);
                self.apply_as(2048, body)
            }
        }
    }

    fn filter(&mut self, name: &str, value: &str) {
        let filters = &mut self.settings.filters;
        match name {
            "prevent" => {
                filters.self_trade_prevention = found(SelfTradePrevention::ALL, value).as_i32();
            }
            "min-price" => filters.min_price = number(value),
            "max-price" => filters.max_price = number(value),
            "min-quantity" => filters.min_quantity = number(value),
            "max-quantity" => filters.max_quantity = number(value),
            "max-notional" => filters.max_notional = number(value),
            "market-notional" => filters.notional_applies_to_market = value == "on",
            "reference" => filters.reference_price = number(value),
            "bid-up" => filters.bid_multiplier_up_bps = value.parse().unwrap(),
            "bid-down" => filters.bid_multiplier_down_bps = value.parse().unwrap(),
            "ask-up" => filters.ask_multiplier_up_bps = value.parse().unwrap(),
            "ask-down" => filters.ask_multiplier_down_bps = value.parse().unwrap(),
            "max-open-orders" => filters.max_open_orders = value.parse().unwrap(),
            _ => panic!("no filter: {name}"),
        }
    }

    /// What the book says. That the filters are in force is said with every change of the settings, and
    /// left out here.
    fn apply_as(&mut self, source: u32, body: Body) -> Vec<String> {
        self.last = Some(body);
        let told = self.market.apply_as(source, body);
        let told = told.iter().map(short);
        told.filter(|event| event != "filters").collect()
    }

    /// Settings that the core refuses are not what the next ones start from.
    fn change(&mut self) -> Vec<String> {
        let before = self.market.book.settings().copied();
        let told = self.apply_as(2048, Body::PairSettings(self.settings));
        if told[0].starts_with("settings rejected") {
            self.settings = PairSettings {
                rules_version: before.map_or(1, |settings| settings.rules_version),
                ..settings()
            };
        }
        told
    }

    /// The last command once more, under its old number.
    fn again(&mut self) -> Vec<String> {
        let command = Command {
            source: 2048,
            incarnation: 1,
            number: self.market.events.last().unwrap().number,
            time_unix_nanos: 0,
            body: self.last.unwrap(),
        };
        let outcome = self.market.book.apply(&command, &mut self.market.events);
        assert_eq!(outcome, Outcome::Repeated);
        vec![]
    }
}

fn body(words: &[&str]) -> Body {
    match words {
        ["tick", time] => Body::Tick(Tick {
            time_unix_nanos: nanos(time),
        }),
        ["cancel", id, by @ ..] => Body::CancelOrder(CancelOrder {
            order_id: id.parse().unwrap(),
            user_id: owner(id, by),
        }),
        ["amend", id, "to", quantity, by @ ..] => Body::AmendOrder(AmendOrder {
            order_id: id.parse().unwrap(),
            user_id: owner(id, by),
            quantity: number(quantity),
        }),
        ["replace", id, mode, order @ ..] => replace(id, mode, order),
        ["mass-cancel", user, side @ ..] => mass_cancel(user.parse().unwrap(), side),
        ["heartbeat", user, timeout] => Body::SetDisconnectTimer(SetDisconnectTimer {
            user_id: user.parse().unwrap(),
            timeout_millis: timeout.strip_suffix("ms").unwrap().parse().unwrap(),
        }),
        ["oco", side, ids, quantity, rest @ ..] => Body::NewOco(oco(side, ids, quantity, rest)),
        [side, id, rest @ ..] => Body::NewOrder(order(side, id, rest)),
        _ => panic!("no words of a command: {words:?}"),
    }
}

fn replace(id: &str, mode: &str, words: &[&str]) -> Body {
    let Body::NewOrder(order) = body(words) else {
        panic!("no order: {words:?}")
    };
    let mode = match mode {
        "or-stop" => CancelReplaceMode::StopOnFailure.as_i32(),
        "or-go-on" => CancelReplaceMode::AllowFailure.as_i32(),
        _ => 9,
    };
    let user_id = if words.contains(&"by") {
        order.user_id
    } else {
        owner(id, &[])
    };
    Body::CancelReplace(CancelReplace {
        cancel_order_id: id.parse().unwrap(),
        mode,
        order: NewOrder { user_id, ..order },
    })
}

fn mass_cancel(user_id: u64, side: &[&str]) -> Body {
    let side = match side {
        [] => 0,
        [word, ..] => side_of(word).as_i32(),
    };
    Body::MassCancel(MassCancel { user_id, side })
}

/// `buy 7: 5 at 100 ...`, `buy 7: 5 market`, `buy 7: quote 500 market`, `sell 7: 5 stop-loss 95 at 94 ...`.
fn order(side: &str, id: &str, rest: &[&str]) -> NewOrder {
    let id = id.strip_suffix(':').unwrap();
    let mut words = rest.iter().copied();
    let mut order = NewOrder {
        time_in_force: 0,
        ..limit(id.parse().unwrap(), side_of(side), 0, 0)
    };
    match words.next().unwrap() {
        "quote" => order.quote_quantity = number(words.next().unwrap()),
        quantity => order.quantity = number(quantity),
    }
    let mut limited = false;
    while let Some(word) = words.next() {
        let mut next = || words.next().unwrap();
        match word {
            "at" => (order.price, limited) = (number(next()), true),
            "market" => order.order_type = OrderType::Market.as_i32(),
            "maker" => order.order_type = OrderType::LimitMaker.as_i32(),
            "stop-loss" => {
                order.order_type = OrderType::StopLoss.as_i32();
                order.stop_price = number(next());
            }
            "take-profit" => {
                order.order_type = OrderType::TakeProfit.as_i32();
                order.stop_price = number(next());
            }
            "trail" => order.trailing_delta = next().parse().unwrap(),
            "show" => order.display_quantity = number(next()),
            "by" => order.user_id = next().parse().unwrap(),
            "group" => order.trade_group = next().parse().unwrap(),
            "prevent" => {
                order.self_trade_prevention = found(SelfTradePrevention::ALL, next()).as_i32();
            }
            "ioc" => order.time_in_force = TimeInForce::Ioc.as_i32(),
            "fok" => order.time_in_force = TimeInForce::Fok.as_i32(),
            "until" => {
                order.time_in_force = TimeInForce::Gtd.as_i32();
                order.expire_time_unix_nanos = nanos(next());
            }
            _ => panic!("no word of an order: {word}"),
        }
    }
    finished(order, limited)
}

/// A stop with a limit price is of another type; an order with one lives until cancelled if nothing else
/// is said.
fn finished(mut order: NewOrder, limited: bool) -> NewOrder {
    let stop_loss = order.order_type == OrderType::StopLoss.as_i32();
    if limited && stop_loss {
        order.order_type = OrderType::StopLossLimit.as_i32();
    } else if limited && order.order_type == OrderType::TakeProfit.as_i32() {
        order.order_type = OrderType::TakeProfitLimit.as_i32();
    }
    if limited && order.time_in_force == 0 {
        order.time_in_force = TimeInForce::Gtc.as_i32();
    }
    order
}

/// `oco sell 1/2: 5 at 110 stop 95 limit 94 ...`.
fn oco(side: &str, ids: &str, quantity: &str, rest: &[&str]) -> NewOco {
    let (limit_id, stop_id) = ids.strip_suffix(':').unwrap().split_once('/').unwrap();
    let mut oco = NewOco {
        user_id: owner(limit_id, &[]),
        limit_order_id: limit_id.parse().unwrap(),
        stop_order_id: stop_id.parse().unwrap(),
        side: side_of(side).as_i32(),
        quantity: number(quantity),
        ..NewOco::default()
    };
    let mut words = rest.iter().copied();
    while let Some(word) = words.next() {
        let mut next = || words.next().unwrap();
        match word {
            "at" => oco.price = number(next()),
            "stop" => oco.stop_price = number(next()),
            "limit" => oco.stop_limit_price = number(next()),
            "trail" => oco.trailing_delta = next().parse().unwrap(),
            "show" => oco.display_quantity = number(next()),
            "by" => oco.user_id = next().parse().unwrap(),
            _ => panic!("no word of an OCO: {word}"),
        }
    }
    oco
}

/// Order 7 is user 70's unless `by` says otherwise.
fn owner(id: &str, by: &[&str]) -> u64 {
    match by {
        ["by", user] => user.parse().unwrap(),
        _ => id.parse::<u64>().unwrap() * 10,
    }
}

fn side_of(word: &str) -> Side {
    match word {
        "buy" => Side::Buy,
        "sell" => Side::Sell,
        _ => panic!("no side: {word}"),
    }
}

fn number(word: &str) -> i64 {
    word.parse().unwrap()
}

/// Nanoseconds, or with `ms` milliseconds.
fn nanos(word: &str) -> i64 {
    match word.strip_suffix("ms") {
        Some(millis) => number(millis) * 1_000_000,
        None => number(word),
    }
}

fn found<T: std::fmt::Debug + Copy>(words: &[T], name: &str) -> T {
    let same = |word: &&T| format!("{word:?}") == name;
    *words.iter().find(same).unwrap()
}
