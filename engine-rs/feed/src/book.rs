//! The book that a client keeps: by order and by price, each from its own messages.

use std::collections::{BTreeMap, HashMap};

use crate::message::{
    AuctionIndicative, BUY, Message, OrderAdded, SELL, SnapshotBegin, TradingStatus,
};
use crate::wire::Malformed;

/// An event that doesn't fit the book: take a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BookError {
    /// No message.
    #[error("event {0}: {1}")]
    Malformed(u64, Malformed),
    /// It names an order that doesn't rest, or adds one that does.
    #[error("event {sequence}: order {order_id} is not where it says")]
    Order {
        /// The event.
        sequence: u64,
        /// The order.
        order_id: u64,
    },
    /// It names a side that there is not.
    #[error("event {sequence}: side {side} is neither {BUY} nor {SELL}")]
    Side {
        /// The event.
        sequence: u64,
        /// What it names.
        side: u8,
    },
    /// It is not the one behind the last.
    #[error("event {sequence} does not follow {last}")]
    Sequence {
        /// The event.
        sequence: u64,
        /// The last one applied.
        last: u64,
    },
}

/// A resting order, as far as it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its id.
    pub order_id: u64,
    /// [`BUY`] or [`SELL`].
    pub side: u8,
    /// Ticks.
    pub price: i64,
    /// Lots shown.
    pub quantity: i64,
    /// Rises towards the back of the queue.
    place: u64,
}

/// A price level, as far as it is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// Ticks.
    pub price: i64,
    /// Lots shown.
    pub quantity: i64,
    /// Orders.
    pub orders: u32,
}

/// The last trade.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LastTrade {
    /// Its number; 0 before the first.
    pub trade_id: u64,
    /// Ticks.
    pub price: i64,
    /// Lots.
    pub quantity: i64,
}

#[derive(Clone, Debug, Default)]
struct Side {
    /// From the messages about levels.
    levels: BTreeMap<i64, Level>,
    /// From the messages about orders: (price, place) → order.
    queue: BTreeMap<(i64, u64), u64>,
}

/// What the feed has shown, right after event [`Book::sequence`].
#[derive(Clone, Debug, Default)]
pub struct Book {
    sequence: u64,
    orders: HashMap<u64, Order>,
    bids: Side,
    asks: Side,
    places: u64,
    status: Option<TradingStatus>,
    last_trade: LastTrade,
    indicative: Option<AuctionIndicative>,
}

impl Book {
    /// An empty book before event 1.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The empty frame of a snapshot: its orders are to be [`Book::add`]ed.
    #[must_use]
    pub fn of_snapshot(begin: &SnapshotBegin) -> Self {
        let indicative = AuctionIndicative {
            price: begin.indicative_price,
            volume: begin.indicative_volume,
            surplus: begin.indicative_surplus,
            surplus_side: begin.indicative_surplus_side,
        };
        let shown = indicative.price != 0 || indicative.surplus != 0;
        Self {
            sequence: begin.sequence,
            status: (begin.status != 0).then_some(TradingStatus {
                band_lower: begin.band_lower,
                band_upper: begin.band_upper,
                status: begin.status,
            }),
            last_trade: LastTrade {
                trade_id: begin.trade_id,
                price: begin.trade_price,
                quantity: begin.trade_quantity,
            },
            indicative: shown.then_some(indicative),
            ..Self::default()
        }
    }

    /// Adds an order of a snapshot, in the order of its queue.
    ///
    /// # Errors
    /// [`BookError::Order`] when it is there already, [`BookError::Side`] when it has none.
    pub fn add(&mut self, added: &OrderAdded) -> Result<(), BookError> {
        self.insert(self.sequence, added)?;
        let levels = &mut self.side_mut(added.side)?.levels;
        let level = levels.entry(added.price).or_default();
        level.price = added.price;
        level.quantity = level.quantity.saturating_add(added.quantity);
        level.orders += 1;
        Ok(())
    }

    /// Applies the event behind the last one; each of its messages is shown to `each` first.
    ///
    /// # Errors
    /// [`BookError`]; the book is then not to be used any more.
    pub fn apply(
        &mut self,
        sequence: u64,
        block: &[u8],
        mut each: impl FnMut(&Message),
    ) -> Result<(), BookError> {
        if sequence != self.sequence + 1 {
            let last = self.sequence;
            return Err(BookError::Sequence { sequence, last });
        }
        self.sequence = sequence;
        let mut rest = block;
        while !rest.is_empty() {
            let message = Message::decode(&mut rest);
            let message = message.map_err(|error| BookError::Malformed(sequence, error))?;
            if let Some(message) = message {
                each(&message);
                self.take(&message)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, message: &Message) -> Result<(), BookError> {
        match *message {
            Message::OrderAdded(added) => return self.insert(self.sequence, &added),
            Message::OrderExecuted(executed) => {
                return self.show(executed.order_id, executed.quantity);
            }
            Message::OrderReduced(reduced) => return self.show(reduced.order_id, reduced.quantity),
            Message::OrderDeleted(deleted) => return self.remove(deleted.order_id).map(|_| ()),
            Message::OrderRefilled(refilled) => {
                let added = OrderAdded {
                    order_id: refilled.order_id,
                    price: refilled.price,
                    quantity: refilled.quantity,
                    side: refilled.side,
                };
                return self.insert(self.sequence, &added);
            }
            Message::LevelChanged(changed) => {
                let level = Level {
                    price: changed.price,
                    quantity: changed.quantity,
                    orders: changed.orders,
                };
                let levels = &mut self.side_mut(changed.side)?.levels;
                if level.orders == 0 {
                    levels.remove(&level.price);
                } else {
                    levels.insert(level.price, level);
                }
            }
            Message::Trade(trade) => {
                self.last_trade = LastTrade {
                    trade_id: trade.trade_id,
                    price: trade.price,
                    quantity: trade.quantity,
                }
            }
            Message::TradingStatus(status) => self.status = Some(status),
            Message::AuctionIndicative(indicative) => self.indicative = Some(indicative),
            Message::AuctionUncrossed(_) => self.indicative = None,
            _ => {}
        }
        Ok(())
    }

    fn insert(&mut self, sequence: u64, added: &OrderAdded) -> Result<(), BookError> {
        let order_id = added.order_id;
        if self.orders.contains_key(&order_id) {
            return Err(BookError::Order { sequence, order_id });
        }
        let place = self.places + 1;
        let queue = &mut self.side_mut(added.side)?.queue;
        queue.insert((added.price, place), order_id);
        self.places = place;
        let order = Order {
            order_id,
            side: added.side,
            price: added.price,
            quantity: added.quantity,
            place,
        };
        self.orders.insert(order_id, order);
        Ok(())
    }

    fn remove(&mut self, order_id: u64) -> Result<Order, BookError> {
        let sequence = self.sequence;
        let order = self.orders.remove(&order_id);
        let order = order.ok_or(BookError::Order { sequence, order_id })?;
        let key = (order.price, order.place);
        self.side_mut(order.side)?.queue.remove(&key);
        Ok(order)
    }

    fn show(&mut self, order_id: u64, quantity: i64) -> Result<(), BookError> {
        if quantity == 0 {
            return self.remove(order_id).map(|_| ());
        }
        let sequence = self.sequence;
        let order = self.orders.get_mut(&order_id);
        let order = order.ok_or(BookError::Order { sequence, order_id })?;
        order.quantity = quantity;
        Ok(())
    }

    fn side_mut(&mut self, side: u8) -> Result<&mut Side, BookError> {
        let sequence = self.sequence;
        match side {
            BUY => Ok(&mut self.bids),
            SELL => Ok(&mut self.asks),
            _ => Err(BookError::Side { sequence, side }),
        }
    }

    fn side(&self, side: u8) -> &Side {
        if side == BUY { &self.bids } else { &self.asks }
    }

    /// The last event in it.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// How many orders rest.
    #[must_use]
    pub fn len(&self) -> usize {
        self.orders.len()
    }

    /// No order rests.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.orders.is_empty()
    }

    /// An order, if it rests.
    #[must_use]
    pub fn order(&self, order_id: u64) -> Option<&Order> {
        self.orders.get(&order_id)
    }

    /// The levels of a side, best first.
    pub fn levels(&self, side: u8) -> impl Iterator<Item = Level> {
        best_first(self.side(side).levels.values().copied(), side)
    }

    /// The orders of a side, best price first, each price in the order of its queue.
    #[must_use]
    pub fn queue(&self, side: u8) -> Vec<Order> {
        let queue = &self.side(side).queue;
        let mut orders: Vec<Order> = queue.values().map(|id| self.orders[id]).collect();
        if side == BUY {
            orders.sort_by_key(|order| std::cmp::Reverse(order.price));
        }
        orders
    }

    /// What the pair accepts; `None` before the first settings.
    #[must_use]
    pub fn status(&self) -> Option<&TradingStatus> {
        self.status.as_ref()
    }

    /// The last trade.
    #[must_use]
    pub fn last_trade(&self) -> LastTrade {
        self.last_trade
    }

    /// Where the open call would trade, if it said so.
    #[must_use]
    pub fn indicative(&self) -> Option<&AuctionIndicative> {
        self.indicative.as_ref()
    }

    /// The head of a snapshot of this book.
    #[must_use]
    pub fn snapshot(&self) -> SnapshotBegin {
        let (status, trade) = (self.status, self.last_trade);
        let indicative = self.indicative;
        SnapshotBegin {
            sequence: self.sequence,
            orders: self.orders.len() as u64,
            band_lower: status.map_or(0, |status| status.band_lower),
            band_upper: status.map_or(0, |status| status.band_upper),
            trade_id: trade.trade_id,
            trade_price: trade.price,
            trade_quantity: trade.quantity,
            indicative_price: indicative.map_or(0, |shown| shown.price),
            indicative_volume: indicative.map_or(0, |shown| shown.volume),
            indicative_surplus: indicative.map_or(0, |shown| shown.surplus),
            indicative_surplus_side: indicative.map_or(0, |shown| shown.surplus_side),
            status: status.map_or(0, |status| status.status),
        }
    }

    /// The level at which what is shown by order and by price differs, if one does: it must not.
    #[must_use]
    pub fn check(&self) -> Option<(u8, i64)> {
        [BUY, SELL].into_iter().find_map(|side| {
            let mut summed: BTreeMap<i64, Level> = BTreeMap::new();
            for order in self.queue(side) {
                let level = summed.entry(order.price).or_default();
                level.price = order.price;
                level.quantity = level.quantity.saturating_add(order.quantity);
                level.orders += 1;
            }
            let shown = &self.side(side).levels;
            let prices = shown.keys().chain(summed.keys());
            let mut different = prices.filter(|price| shown.get(price) != summed.get(price));
            different.next().map(|price| (side, *price))
        })
    }
}

fn best_first(
    levels: impl DoubleEndedIterator<Item = Level>,
    side: u8,
) -> impl Iterator<Item = Level> {
    let (mut from_low, bids) = (levels, side == BUY);
    std::iter::from_fn(move || {
        if bids {
            from_low.next_back()
        } else {
            from_low.next()
        }
    })
}
