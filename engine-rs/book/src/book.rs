//! The state machine: what a command does to the book.

use crate::accounts::Accounts;
use crate::command::{Body, CancelOrder, Command, MassCancel, SetDisconnectTimer, Tick};
use crate::event::{
    AmendRejected, AuctionPrice, DisconnectTimerRejected, Event, EventBody, FiltersChanged,
    MassCancelRejected, SettingsChanged, Sink,
};
use crate::expiry::Expiry;
use crate::filters;
use crate::index::Index;
use crate::levels::Levels;
use crate::plain::Lane;
use crate::slab::{NONE, Slab};
use crate::sources::Sources;
use crate::stops::Stops;
use crate::stops::activation::MAX_ACTIVATIONS;
use crate::timers::Timers;
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
    pub(crate) filters: FiltersChanged,
    /// Follows from the two.
    pub(crate) lane: Lane,
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
    pub(crate) stops: Stops,
    pub(crate) expiry: Expiry,
    pub(crate) accounts: Accounts,
    pub(crate) timers: Timers,
    /// A call auction has begun and not yet uncrossed: the book may be crossed.
    pub(crate) call_open: bool,
    /// The last one shown since the call opened.
    pub(crate) indicative: Option<AuctionPrice>,
    /// Orders that a command ends one by one, by id; kept for its memory.
    pub(crate) gathered: Vec<(u64, u32)>,
    /// Bids that cross in a call: price and total; kept for its memory.
    pub(crate) crossing: Vec<(i64, i64)>,
    #[cfg(debug_assertions)]
    pub(crate) audit: crate::audit::Audit,
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

    /// An empty book with room for this many open orders before memory is asked for again.
    #[must_use]
    pub fn with_capacity(orders: usize) -> Self {
        Self {
            settings: None,
            filters: filters::OFF,
            lane: Lane::CLOSED,
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
            stops: Stops::new(),
            expiry: Expiry::new(),
            accounts: Accounts::new(),
            timers: Timers::new(),
            call_open: false,
            indicative: None,
            gathered: Vec::new(),
            crossing: Vec::new(),
            #[cfg(debug_assertions)]
            audit: crate::audit::Audit::default(),
        }
    }

    /// Carries out one command and emits its events in the order of their seq.
    ///
    /// # Panics
    /// In debug builds, when an invariant of the book is broken.
    #[inline]
    pub fn apply(&mut self, command: &Command, sink: &mut impl Sink) -> Outcome {
        if !self
            .sources
            .advance(command.source, command.incarnation, command.number)
        {
            return Outcome::Repeated;
        }
        // Most commands are plain orders that trade with nobody, so that no stop becomes active.
        let done = self.stops.queue.is_empty()
            && match &command.body {
                Body::CancelReplace(asked) => self.move_plain(command, asked, sink),
                Body::NewOrder(order) => self.moor_plain(command, order, NONE, sink),
                _ => false,
            };
        if !done {
            self.carry_out(command, sink);
        }
        #[cfg(debug_assertions)]
        self.check_often();
        Outcome::Applied
    }

    /// A command between the stops that became active before it and those that do by it.
    fn carry_out(&mut self, command: &Command, sink: &mut impl Sink) {
        let mut budget = MAX_ACTIVATIONS;
        if !self.stops.queue.is_empty() {
            self.activate_queued(command, &mut budget, sink);
        }
        match &command.body {
            Body::NewOrder(order) => self.new_order_in_full(command, order, NONE, sink),
            Body::CancelOrder(cancel) => self.cancel_order(command, cancel, sink),
            Body::PairSettings(asked) => self.change_settings(command, asked, sink),
            Body::Tick(tick) => self.tick(command, *tick, sink),
            _ => self.carry_out_version_2(command, sink),
        }
        if !self.stops.queue.is_empty() {
            self.activate_queued(command, &mut budget, sink);
        }
    }

    fn carries_out_version_2(&self) -> bool {
        self.settings
            .as_ref()
            .is_some_and(|settings| settings.rules_version > 1)
    }

    /// What rules version 1 does not know, and what most commands are not.
    fn carry_out_version_2(&mut self, command: &Command, sink: &mut impl Sink) {
        match &command.body {
            _ if !self.carries_out_version_2() => self.refuse(command, sink),
            Body::CancelReplace(asked) => self.cancel_replace(command, asked, sink),
            Body::AmendOrder(asked) => self.amend_order(command, asked, sink),
            Body::NewOco(asked) => self.new_oco(command, asked, sink),
            Body::MassCancel(asked) => self.mass_cancel(command, asked, sink),
            Body::SetDisconnectTimer(asked) => self.set_timer(command, asked, sink),
            _ => {}
        }
    }

    /// Moves the clock on, and ends what its new time ends.
    fn tick(&mut self, command: &Command, tick: Tick, sink: &mut impl Sink) {
        if tick.time_unix_nanos <= self.clock {
            return;
        }
        self.clock = tick.time_unix_nanos;
        let by_time = (ExpireReason::GoodTillDate, ExpireReason::OneCancelsOther);
        while let Some((_, slot)) = self.expiry.first().filter(|&(time, _)| time <= self.clock) {
            self.expire_open(command, slot, by_time, sink);
        }
        self.fire_timers(command, sink);
        let status = self.settings.map(|settings| settings.trading_status);
        if status == Some(TradingStatus::Auction) {
            self.show_indicative(command, sink);
        }
    }

    fn cancel_order(&mut self, command: &Command, cancel: &CancelOrder, sink: &mut impl Sink) {
        match self.cancellable(cancel) {
            Ok(slot) => {
                self.cancel_open(command, slot, sink);
            }
            Err(reason) => self.reject_cancel(command, cancel, reason, sink),
        }
    }

    /// Refuses by name what these rules do not carry out.
    fn refuse(&mut self, command: &Command, sink: &mut impl Sink) {
        let reason = match self.settings {
            None => RejectReason::NoSettings,
            Some(_) => RejectReason::Unsupported,
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
                let cancel = CancelOrder {
                    order_id: replace.cancel_order_id,
                    user_id: replace.order.user_id,
                };
                self.reject_cancel(command, &cancel, reason, sink);
                self.reject_order(command, &replace.order, reason, sink);
            }
            Body::NewOco(oco) => self.reject_oco(command, &oco, reason, sink),
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

    /// The slot of an open order that may be cancelled.
    #[inline]
    pub(crate) fn cancellable(&self, cancel: &CancelOrder) -> Result<u32, RejectReason> {
        let settings = self.settings.as_ref().ok_or(RejectReason::NoSettings)?;
        if settings.trading_status == TradingStatus::Halt {
            return Err(RejectReason::MarketHalted);
        }
        self.owned(cancel.order_id, cancel.user_id)
    }

    /// The slot of an open order of this user.
    #[inline]
    pub(crate) fn owned(&self, order_id: u64, user_id: u64) -> Result<u32, RejectReason> {
        if order_id == 0 {
            return Err(RejectReason::InvalidOrderId);
        }
        if user_id == 0 {
            return Err(RejectReason::InvalidUserId);
        }
        let slot = self.index.get(order_id).ok_or(RejectReason::UnknownOrder)?;
        if self.slab.get(slot).user_id != user_id {
            return Err(RejectReason::NotOwner);
        }
        Ok(slot)
    }

    #[inline]
    pub(crate) fn emit(&mut self, command: &Command, body: EventBody, sink: &mut impl Sink) {
        #[cfg(debug_assertions)]
        self.audit(&body);
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
