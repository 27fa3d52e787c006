//! Bytes as commands: each byte is one choice, most choices make sense, and some are extremes.

use outcry_book::{
    AmendOrder, Body, CancelOrder, CancelReplace, Filters, MassCancel, NewOco, NewOrder,
    PairSettings, SetDisconnectTimer, Tick,
};

const GENERATOR: u32 = 2048;
const OPERATOR: u32 = 1024;
const EXTREMES: [i64; 8] = [
    0,
    -1,
    1,
    i64::MAX,
    i64::MIN,
    i64::MAX / 100,
    i64::MAX / 2,
    200,
];

pub struct Bytes<'a> {
    data: std::slice::Iter<'a, u8>,
    clock: i64,
}

impl<'a> Bytes<'a> {
    pub fn new(data: &'a [u8]) -> Self {
        Self {
            data: data.iter(),
            clock: 0,
        }
    }

    /// The next command and its source; nothing when the bytes are used up. The first one opens the pair.
    pub fn next_command(&mut self, first: bool) -> Option<(u32, Body)> {
        let kind = *self.data.next()?;
        let source = if kind >= 0xf0 { OPERATOR } else { GENERATOR };
        if first && kind < 0xf8 {
            return Some((OPERATOR, Body::PairSettings(self.settings())));
        }
        let body = match kind % 16 {
            0 | 1 => Body::CancelOrder(self.cancel()),
            2 => Body::AmendOrder(self.amend()),
            3 => Body::CancelReplace(self.replace()),
            4 | 5 => Body::NewOco(self.oco()),
            6 => Body::MassCancel(self.mass_cancel()),
            7 => Body::SetDisconnectTimer(self.timer()),
            8 => Body::Tick(self.tick()),
            9 => Body::PairSettings(self.settings()),
            _ => Body::NewOrder(self.order()),
        };
        Some((source, body))
    }

    /// A byte; 0 behind the end.
    fn byte(&mut self) -> u8 {
        self.data.next().copied().unwrap_or(0)
    }

    /// A whole number below `bound`.
    fn below(&mut self, bound: u8) -> i64 {
        i64::from(self.byte() % bound)
    }

    fn word(&mut self, bound: u8) -> i32 {
        i32::from(self.byte() % bound)
    }

    fn id(&mut self, bound: u8) -> u64 {
        u64::from(self.byte() % bound)
    }

    /// `base` to `base + 15`, or an extreme.
    fn number(&mut self, base: i64) -> i64 {
        let byte = self.byte();
        match byte {
            0xf0.. => EXTREMES[usize::from(byte % 8)],
            _ => base + i64::from(byte % 16),
        }
    }

    /// 0 most of the time.
    fn seldom(&mut self, base: i64) -> i64 {
        if self.byte() < 0xb0 {
            0
        } else {
            self.number(base)
        }
    }

    fn delta(&mut self) -> i32 {
        match self.byte() {
            0..0x90 => 0,
            0xff => -1,
            0xfe => 10_000,
            byte => i32::from(byte) * 8,
        }
    }

    fn order(&mut self) -> NewOrder {
        NewOrder {
            order_id: self.id(64),
            user_id: self.id(5),
            side: self.word(3),
            order_type: self.word(9),
            time_in_force: self.word(6),
            price: self.number(92),
            quantity: self.number(1),
            quote_quantity: self.seldom(500),
            display_quantity: self.seldom(1),
            stop_price: self.seldom(92),
            trailing_delta: self.delta(),
            self_trade_prevention: self.word(7),
            trade_group: self.id(3),
            expire_time_unix_nanos: self.seldom(1).saturating_mul(100),
        }
        .plausible()
    }

    fn cancel(&mut self) -> CancelOrder {
        CancelOrder {
            order_id: self.id(64),
            user_id: self.id(5),
        }
    }

    fn amend(&mut self) -> AmendOrder {
        AmendOrder {
            order_id: self.id(64),
            user_id: self.id(5),
            quantity: self.number(0),
        }
    }

    fn replace(&mut self) -> CancelReplace {
        CancelReplace {
            cancel_order_id: self.id(64),
            mode: self.word(4),
            order: self.order(),
        }
    }

    fn oco(&mut self) -> NewOco {
        NewOco {
            user_id: self.id(5),
            limit_order_id: self.id(64),
            stop_order_id: self.id(64),
            side: self.word(3),
            quantity: self.number(1),
            price: self.number(92),
            display_quantity: self.seldom(1),
            stop_price: self.number(92),
            stop_limit_price: self.seldom(92),
            stop_time_in_force: self.word(5),
            trailing_delta: self.delta(),
            self_trade_prevention: self.word(7),
            trade_group: self.id(3),
        }
    }

    fn mass_cancel(&mut self) -> MassCancel {
        MassCancel {
            user_id: self.id(5),
            side: self.word(4),
        }
    }

    fn timer(&mut self) -> SetDisconnectTimer {
        SetDisconnectTimer {
            user_id: self.id(5),
            timeout_millis: self.id(8),
        }
    }

    fn tick(&mut self) -> Tick {
        let byte = self.byte();
        self.clock = match byte {
            0xff => i64::MAX - 1_000,
            _ => self.clock.saturating_add(i64::from(byte) * 20_000),
        };
        Tick {
            time_unix_nanos: self.clock,
        }
    }

    fn settings(&mut self) -> PairSettings {
        let status = [1, 1, 1, 1, 2, 3, 4, 5, 6, 6, 0, 7][usize::from(self.byte() % 12)];
        PairSettings {
            trading_status: status,
            rules_version: u32::from(self.byte() > 8) + 1,
            price_band_lower: 88 + self.below(12),
            price_band_upper: 100 + self.below(12),
            min_notional: self.seldom(200),
            maker_fee_ppm: -100,
            taker_fee_ppm: 750,
            quote_units_per_tick_lot: 1,
            base_units_per_lot: 1,
            filters: if self.byte() < 0x80 {
                Filters::default()
            } else {
                self.filters()
            },
        }
    }

    fn filters(&mut self) -> Filters {
        Filters {
            self_trade_prevention: self.word(7),
            min_price: self.seldom(90),
            max_price: self.seldom(98),
            min_quantity: self.seldom(1),
            max_quantity: self.seldom(4),
            max_notional: self.seldom(900),
            notional_applies_to_market: self.byte() > 0x80,
            reference_price: self.seldom(92),
            bid_multiplier_up_bps: 10_000 * u32::from(self.byte() > 0xd0),
            bid_multiplier_down_bps: 9_500 * u32::from(self.byte() > 0xd0),
            ask_multiplier_up_bps: 10_500 * u32::from(self.byte() > 0xd0),
            ask_multiplier_down_bps: 9_500 * u32::from(self.byte() > 0xd0),
            max_open_orders: u32::from(self.byte() % 16).saturating_sub(8),
        }
    }
}

/// Makes the fields that most types refuse fit the type, or nearly every order would be rejected.
trait Plausible {
    fn plausible(self) -> Self;
}

impl Plausible for NewOrder {
    fn plausible(mut self) -> Self {
        let (market, stop) = (self.order_type == 2, (4..8).contains(&self.order_type));
        if matches!(self.order_type, 2 | 4 | 6) {
            self.price = 0;
            self.display_quantity = 0;
        }
        if !market {
            self.quote_quantity = 0;
        } else if self.quote_quantity > 0 {
            self.quantity = 0;
        }
        if !stop {
            self.stop_price = 0;
            self.trailing_delta = 0;
        }
        if self.time_in_force != 4 {
            self.expire_time_unix_nanos = 0;
        }
        self
    }
}
