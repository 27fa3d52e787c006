//! The state machine: what a command does to the book.

use crate::command::{Body, CancelOrder, Command, MassCancel, PairSettings, SetDisconnectTimer};
use crate::depth::{Depth, Level};
use crate::event::{
    AmendRejected, CancelRejected, DisconnectTimerRejected, Event, EventBody, MassCancelRejected,
    OrderCancelled, OrderExpired, OrderRejected, SettingsChanged, SettingsRejected, Sink,
};
use crate::index::Index;
use crate::levels::Levels;
use crate::settings;
use crate::slab::{Order, Slab};
use crate::sources::Sources;
use crate::words::{ExpireReason, RejectReason, Side, TradingStatus};

/// Whether a command was new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was carried out or refused by name; its source's cursor moved.
    Applied,
    /// It was not newer than what its source sent before: no event, no change.
    Repeated,
}

/// The order book of one pair.
#[derive(Clone, Debug)]
pub struct Book {
    pub(crate) settings: Option<SettingsChanged>,
    pub(crate) sources: Sources,
    pub(crate) seq: u64,
    pub(crate) trades: u64,
    /// Unix nanoseconds of the latest tick; never goes back.
    pub(crate) clock: i64,
    pub(crate) last_price: i64,
    pub(crate) last_quantity: i64,
    pub(crate) slab: Slab,
    pub(crate) index: Index,
    pub(crate) bids: Levels,
    pub(crate) asks: Levels,
}

impl Default for Book {
    fn default() -> Self {
        Self::new()
    }
}

impl Book {
    /// An empty book, which refuses orders until it has seen `PairSettings`.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(4096)
    }

    /// An empty book with room for this many resting orders before memory is asked for again.
    #[must_use]
    pub fn with_capacity(orders: usize) -> Self {
        Self {
            settings: None,
            sources: Sources::new(),
            seq: 0,
            trades: 0,
            clock: 0,
            last_price: 0,
            last_quantity: 0,
            slab: Slab::with_capacity(orders),
            index: Index::with_capacity(orders),
            bids: Levels::new(Side::Buy),
            asks: Levels::new(Side::Sell),
        }
    }

    /// Carries out one command and emits its events in the order of their seq.
    ///
    /// # Panics
    /// In debug builds, when an invariant of the book is broken.
    pub fn apply(&mut self, command: &Command, sink: &mut impl Sink) -> Outcome {
        if !self
            .sources
            .advance(command.source, command.incarnation, command.number)
        {
            return Outcome::Repeated;
        }
        match &command.body {
            Body::NewOrder(order) => self.new_order(command, order, sink),
            Body::CancelOrder(cancel) => self.cancel_order(command, cancel, sink),
            Body::PairSettings(asked) => self.change_settings(command, asked, sink),
            Body::Tick(tick) => self.clock = self.clock.max(tick.time_unix_nanos),
            Body::AmendOrder(_)
            | Body::CancelReplace(_)
            | Body::NewOco(_)
            | Body::MassCancel(_)
            | Body::SetDisconnectTimer(_) => self.refuse(command, sink),
        }
        #[cfg(debug_assertions)]
        self.check_often();
        Outcome::Applied
    }

    /// Seq of the last event; 0 before the first.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// How many orders rest on both sides.
    #[must_use]
    pub fn resting_orders(&self) -> usize {
        self.slab.len()
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> Option<&SettingsChanged> {
        self.settings.as_ref()
    }

    /// Unix nanoseconds of the latest tick; 0 before the first.
    #[must_use]
    pub fn clock_unix_nanos(&self) -> i64 {
        self.clock
    }

    /// Whether anything in it waits for time to pass.
    #[must_use]
    pub fn needs_ticks(&self) -> bool {
        false
    }

    /// The best `levels` levels of each side.
    #[must_use]
    pub fn depth(&self, levels: usize) -> Depth {
        let side = |side: &Levels| {
            let best_first = side.iter().take(levels);
            best_first
                .map(|(price, queue)| Level {
                    price,
                    quantity: queue.quantity,
                    orders: queue.orders,
                })
                .collect()
        };
        Depth {
            seq: self.seq,
            bids: side(&self.bids),
            asks: side(&self.asks),
            resting_orders: self.slab.len() as u64,
            last_price: self.last_price,
            last_quantity: self.last_quantity,
        }
    }

    fn cancel_order(&mut self, command: &Command, cancel: &CancelOrder, sink: &mut impl Sink) {
        let CancelOrder { order_id, user_id } = *cancel;
        let body = match self.cancellable(cancel) {
            Ok(slot) => {
                let remaining = self.remove(slot).remaining;
                EventBody::OrderCancelled(OrderCancelled {
                    order_id,
                    user_id,
                    remaining,
                })
            }
            Err(reason) => EventBody::CancelRejected(CancelRejected {
                order_id,
                user_id,
                reason,
            }),
        };
        self.emit(command, body, sink);
    }

    /// Refuses by name what these rules do not carry out.
    fn refuse(&mut self, command: &Command, sink: &mut impl Sink) {
        let reason = match self.settings {
            None => RejectReason::NoSettings,
            Some(_) => RejectReason::Unsupported,
        };
        let rejected = |order_id, user_id| {
            EventBody::OrderRejected(OrderRejected {
                order_id,
                user_id,
                reason,
            })
        };
        match command.body {
            Body::AmendOrder(amend) => {
                let rejected = AmendRejected {
                    order_id: amend.order_id,
                    user_id: amend.user_id,
                    reason,
                };
                self.emit(command, EventBody::AmendRejected(rejected), sink);
            }
            Body::CancelReplace(replace) => {
                let cancel = CancelRejected {
                    order_id: replace.cancel_order_id,
                    user_id: replace.order.user_id,
                    reason,
                };
                self.emit(command, EventBody::CancelRejected(cancel), sink);
                let order = replace.order;
                self.emit(command, rejected(order.order_id, order.user_id), sink);
            }
            Body::NewOco(oco) => {
                self.emit(command, rejected(oco.limit_order_id, oco.user_id), sink);
                self.emit(command, rejected(oco.stop_order_id, oco.user_id), sink);
            }
            Body::MassCancel(MassCancel { user_id, .. }) => {
                let rejected = MassCancelRejected { user_id, reason };
                self.emit(command, EventBody::MassCancelRejected(rejected), sink);
            }
            Body::SetDisconnectTimer(SetDisconnectTimer { user_id, .. }) => {
                let rejected = DisconnectTimerRejected { user_id, reason };
                self.emit(command, EventBody::DisconnectTimerRejected(rejected), sink);
            }
            Body::NewOrder(_) | Body::CancelOrder(_) | Body::PairSettings(_) | Body::Tick(_) => {}
        }
    }

    fn cancellable(&self, cancel: &CancelOrder) -> Result<u32, RejectReason> {
        let settings = self.settings.as_ref().ok_or(RejectReason::NoSettings)?;
        if settings.trading_status == TradingStatus::Halt {
            return Err(RejectReason::MarketHalted);
        }
        if cancel.order_id == 0 {
            return Err(RejectReason::InvalidOrderId);
        }
        if cancel.user_id == 0 {
            return Err(RejectReason::InvalidUserId);
        }
        let slot = self
            .index
            .get(&self.slab, cancel.order_id)
            .ok_or(RejectReason::UnknownOrder)?;
        if self.slab.get(slot).user_id != cancel.user_id {
            return Err(RejectReason::NotOwner);
        }
        Ok(slot)
    }

    fn change_settings(&mut self, command: &Command, asked: &PairSettings, sink: &mut impl Sink) {
        match settings::checked(asked) {
            Ok(settings) => {
                self.settings = Some(settings);
                self.emit(command, EventBody::SettingsChanged(settings), sink);
                self.expire_through_band(command, &settings, sink);
            }
            Err(reason) => self.emit(
                command,
                EventBody::SettingsRejected(SettingsRejected { reason }),
                sink,
            ),
        }
    }

    /// Ends the orders that a new band would let trade outside it: bids above it, then asks below it.
    fn expire_through_band(
        &mut self,
        command: &Command,
        settings: &SettingsChanged,
        sink: &mut impl Sink,
    ) {
        while let Some((_, queue)) = self
            .bids
            .best()
            .filter(|&(price, _)| price > settings.price_band_upper)
        {
            let slot = queue.head;
            self.expire_resting(command, slot, sink);
        }
        while let Some((_, queue)) = self
            .asks
            .best()
            .filter(|&(price, _)| price < settings.price_band_lower)
        {
            let slot = queue.head;
            self.expire_resting(command, slot, sink);
        }
    }

    fn expire_resting(&mut self, command: &Command, slot: u32, sink: &mut impl Sink) {
        let Order {
            order_id,
            user_id,
            remaining,
            ..
        } = self.remove(slot);
        let expired = OrderExpired {
            order_id,
            user_id,
            remaining,
            reason: ExpireReason::PriceBand,
        };
        self.emit(command, EventBody::OrderExpired(expired), sink);
    }

    pub(crate) fn levels(&self, side: Side) -> &Levels {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    pub(crate) fn levels_mut(&mut self, side: Side) -> (&mut Levels, &mut Slab) {
        match side {
            Side::Buy => (&mut self.bids, &mut self.slab),
            Side::Sell => (&mut self.asks, &mut self.slab),
        }
    }

    /// Takes a resting order out of the book.
    pub(crate) fn remove(&mut self, slot: u32) -> Order {
        let order = *self.slab.get(slot);
        let (levels, slab) = self.levels_mut(order.side);
        levels.unlink(slab, slot);
        self.index.remove(&self.slab, order.order_id);
        self.slab.remove(slot);
        order
    }

    /// Puts an order at the end of its price's queue.
    pub(crate) fn rest(&mut self, order: Order) {
        let slot = self.slab.insert(order);
        self.index.insert(order.order_id, slot);
        let (levels, slab) = self.levels_mut(order.side);
        levels.push(slab, slot);
    }

    pub(crate) fn emit(&mut self, command: &Command, body: EventBody, sink: &mut impl Sink) {
        self.seq += 1;
        sink.emit(&Event {
            seq: self.seq,
            source: command.source,
            incarnation: command.incarnation,
            number: command.number,
            time_unix_nanos: command.time_unix_nanos,
            body,
        });
    }
}
