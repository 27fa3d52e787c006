//! Random commands over everything that the core knows, near one price, so that much of it happens.

use outcry_book::{
    AmendOrder, Body, Book, CancelOrder, CancelReplace, Command, Filters, MassCancel, NewOco,
    NewOrder, PairSettings, RULES_VERSION, SetDisconnectTimer, Tick,
};

const PRICE: i64 = 1_000;
/// Nanoseconds from one tick to the next.
const TICK: i64 = 1_000_000_000;

#[derive(Clone)]
pub struct Flow {
    random: u64,
    number: u64,
    clock: i64,
}

impl Flow {
    pub fn new(seed: u64) -> Self {
        Self {
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            number: 0,
            clock: TICK,
        }
    }

    fn roll(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) % below
    }

    fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = u64::try_from(high - low + 1).expect("low is not above high");
        low + i64::try_from(self.roll(width)).expect("a small number")
    }

    fn word(&mut self, words: i32) -> i32 {
        i32::try_from(self.roll(words.unsigned_abs().into())).expect("a small number") + 1
    }

    pub fn next_command(&mut self, book: &Book) -> Command {
        self.number += 1;
        let body = if self.number == 1 {
            self.settings(true)
        } else {
            self.body(book)
        };
        // The operator's source may cancel a whole pair.
        let source = if matches!(body, Body::MassCancel(_)) {
            1024
        } else {
            2048
        };
        Command {
            source,
            incarnation: 1,
            number: self.number,
            time_unix_nanos: 0,
            body,
        }
    }

    fn body(&mut self, book: &Book) -> Body {
        match self.roll(100) {
            0..45 => Body::NewOrder(self.order()),
            45..53 => self.oco(),
            53..66 => {
                let (order_id, user_id) = self.target(book);
                Body::CancelOrder(CancelOrder { order_id, user_id })
            }
            66..76 => {
                let ((order_id, user_id), quantity) = (self.target(book), self.between(1, 30));
                Body::AmendOrder(AmendOrder {
                    order_id,
                    user_id,
                    quantity,
                })
            }
            76..84 => {
                let (cancel_order_id, user_id) = self.target(book);
                let (mode, order) = (self.word(2), self.order());
                Body::CancelReplace(CancelReplace {
                    cancel_order_id,
                    mode,
                    order: NewOrder { user_id, ..order },
                })
            }
            84..86 => Body::MassCancel(MassCancel {
                user_id: self.roll(7),
                side: self.word(3) - 1,
            }),
            86..89 => Body::SetDisconnectTimer(SetDisconnectTimer {
                user_id: 1 + self.roll(6),
                timeout_millis: self.roll(4) * 2_000,
            }),
            89..96 => {
                self.clock += TICK;
                Body::Tick(Tick {
                    time_unix_nanos: self.clock,
                })
            }
            _ => self.settings(false),
        }
    }

    /// An order's owner can be told from its id; mostly one that is open.
    fn target(&mut self, book: &Book) -> (u64, u64) {
        let open = book.open_orders();
        let order_id = if open.is_empty() || self.roll(10) == 0 {
            1 + self.roll(self.number)
        } else {
            let at = usize::try_from(self.roll(open.len() as u64)).expect("an index");
            open[at].order_id
        };
        (order_id, owner(order_id))
    }

    fn order(&mut self) -> NewOrder {
        let order_id = self.number * 4;
        let order_type =
            [1, 1, 1, 1, 2, 3, 4, 5, 6, 7][usize::try_from(self.roll(10)).expect("an index")];
        let limit = matches!(order_type, 1 | 3 | 5 | 7);
        let stop = order_type >= 4;
        let trailing = stop && self.roll(3) == 0;
        let quantity = self.between(1, 40);
        let by_quote = order_type == 2 && self.roll(2) == 0;
        let time_in_force = if order_type == 3 {
            1
        } else if limit {
            [1, 1, 1, 2, 3, 4][usize::try_from(self.roll(6)).expect("an index")]
        } else {
            0
        };
        let iceberg = matches!(time_in_force, 1 | 4) && self.roll(3) == 0;
        NewOrder {
            order_id,
            user_id: owner(order_id),
            side: self.word(2),
            order_type,
            time_in_force,
            price: if limit { self.near() } else { 0 },
            quantity: if by_quote { 0 } else { quantity },
            quote_quantity: if by_quote {
                quantity * PRICE + self.between(0, 999)
            } else {
                0
            },
            display_quantity: if iceberg {
                self.between(1, quantity)
            } else {
                0
            },
            stop_price: if stop && !(trailing && self.roll(2) == 0) {
                self.near()
            } else {
                0
            },
            trailing_delta: if trailing { self.word(120) } else { 0 },
            self_trade_prevention: self.word(6) - 1,
            trade_group: self.roll(3),
            expire_time_unix_nanos: if time_in_force == 4 {
                self.clock + self.between(1, 9) * TICK
            } else {
                0
            },
        }
    }

    fn oco(&mut self) -> Body {
        let limit_order_id = self.number * 4;
        let (side, away, quantity) = (self.word(2), self.between(1, 12), self.between(1, 40));
        let outward = if side == 1 { -1 } else { 1 };
        let limited = self.roll(2) == 0;
        Body::NewOco(NewOco {
            user_id: owner(limit_order_id),
            limit_order_id,
            stop_order_id: limit_order_id + 1,
            side,
            quantity,
            price: PRICE + outward * away,
            display_quantity: if self.roll(3) == 0 {
                self.between(1, quantity)
            } else {
                0
            },
            stop_price: PRICE - outward * self.between(1, 12),
            stop_limit_price: if limited { self.near() } else { 0 },
            stop_time_in_force: if limited { self.word(3) } else { 0 },
            trailing_delta: 0,
            self_trade_prevention: self.word(6) - 1,
            trade_group: self.roll(3),
        })
    }

    fn near(&mut self) -> i64 {
        self.between(PRICE - 10, PRICE + 10)
    }

    /// Mostly a market that trades; now and then a call, a stop, or a band that moved.
    fn settings(&mut self, opening: bool) -> Body {
        let status = if opening || self.roll(2) == 0 {
            1
        } else {
            self.word(6)
        };
        let narrow = !opening && self.roll(4) == 0;
        let (lower, upper) = if narrow {
            (PRICE - 6, PRICE + self.between(0, 8))
        } else {
            (1, 10 * PRICE)
        };
        let filters = Filters {
            self_trade_prevention: self.word(5),
            ..Filters::default()
        };
        Body::PairSettings(PairSettings {
            trading_status: status,
            rules_version: RULES_VERSION,
            price_band_lower: lower,
            price_band_upper: upper,
            quote_units_per_tick_lot: 1,
            base_units_per_lot: 1,
            filters: if RULES_VERSION == 1 {
                Filters::default()
            } else {
                filters
            },
            ..PairSettings::default()
        })
    }
}

fn owner(order_id: u64) -> u64 {
    1 + order_id / 4 % 6
}
