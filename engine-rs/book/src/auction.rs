//! The call auction: orders rest, even crossed, and trade together at one price when the call ends.

use crate::book::Book;
use crate::command::Command;
use crate::event::{AuctionPrice, EventBody, Sink, TradeExecuted};
use crate::words::{Side, TradingStatus};

/// Nothing would trade.
const NOTHING: AuctionPrice = AuctionPrice {
    price: 0,
    volume: 0,
    surplus_side: None,
    surplus: 0,
};

/// One price with what it would do.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    price: i64,
    volume: i128,
    /// Bids that could trade less asks that could.
    surplus: i128,
    /// Ticks from the reference price; 0 without one.
    distance: u64,
}

impl Candidate {
    /// Largest volume, then least surplus, then nearest to the reference price; the lower price stays.
    fn beats(&self, other: &Self) -> bool {
        let rank = |it: &Self| {
            let closeness = std::cmp::Reverse((it.surplus.unsigned_abs(), it.distance));
            (it.volume, closeness)
        };
        rank(self) > rank(other)
    }

    fn told(self) -> AuctionPrice {
        AuctionPrice {
            price: self.price,
            volume: saturated(self.volume),
            surplus_side: match self.surplus {
                0 => None,
                1.. => Some(Side::Buy),
                _ => Some(Side::Sell),
            },
            surplus: saturated(self.surplus.saturating_abs()),
        }
    }
}

impl Book {
    /// Opens a call with the status AUCTION; ends it with the first status in which orders trade.
    pub(crate) fn change_call(
        &mut self,
        command: &Command,
        status: TradingStatus,
        sink: &mut impl Sink,
    ) {
        match status {
            TradingStatus::Auction => self.call_open = true,
            TradingStatus::Trading | TradingStatus::PostOnly | TradingStatus::LimitOnly
                if self.call_open =>
            {
                self.call_open = false;
                self.indicative = None;
                self.uncross(command, sink);
            }
            _ => {}
        }
    }

    /// Shows where an open call would trade, when that has changed.
    pub(crate) fn show_indicative(&mut self, command: &Command, sink: &mut impl Sink) {
        let now = self.auction_price();
        if self.indicative != Some(now) {
            self.indicative = Some(now);
            self.emit(command, EventBody::AuctionIndicative(now), sink);
        }
    }

    /// Trades everything that crosses at one price, both sides by price and time. The volume needs no
    /// counting: it is what the side that has less at that price can give.
    fn uncross(&mut self, command: &Command, sink: &mut impl Sink) {
        let auction = self.auction_price();
        self.emit(command, EventBody::AuctionUncrossed(auction), sink);
        let price = auction.price;
        if auction.volume == 0 {
            return;
        }
        while let (Some((bid, buyers)), Some((ask, sellers))) = (self.bids.best(), self.asks.best())
        {
            if bid < price || ask > price {
                break;
            }
            let heads = (buyers.head, sellers.head);
            self.trade_heads(command, heads, price, sink);
        }
    }

    /// One trade of the uncross. Neither side came to the other: the sell counts as the maker, and both
    /// pay the taker's fee.
    fn trade_heads(
        &mut self,
        command: &Command,
        (bid, ask): (u32, u32),
        price: i64,
        sink: &mut impl Sink,
    ) {
        let quantity = self.shown(bid).min(self.shown(ask));
        let (taker, maker) = (self.reduce(bid, quantity), self.reduce(ask, quantity));
        let (_, fee) = self.fees();
        let trade = TradeExecuted {
            trade_id: self.trades + 1,
            price,
            quantity,
            maker_order_id: maker.order_id,
            taker_order_id: taker.order_id,
            maker_user_id: maker.user_id,
            taker_user_id: taker.user_id,
            taker_side: Side::Buy,
            maker_remaining: maker.remaining,
            taker_remaining: taker.remaining,
            maker_fee_ppm: fee,
            taker_fee_ppm: fee,
        };
        self.traded(command, trade, maker.sibling, taker.sibling, sink);
    }

    /// Where the book as it stands would uncross. Between two prices at which orders rest nothing changes,
    /// so only one price of each such stretch is looked at: the one nearest to the reference price.
    pub(crate) fn auction_price(&mut self) -> AuctionPrice {
        let (Some((bid, _)), Some((ask, _))) = (self.bids.best(), self.asks.best()) else {
            return NOTHING;
        };
        if bid < ask {
            return NOTHING;
        }
        let mut bids_left = self.note_crossing_bids(ask);
        let reference = self.reference();
        let mut asks = self.asks.iter().take_while(|&(price, _)| price <= bid);
        let (mut next_ask, mut asks_reached) = (asks.next(), 0);
        let (mut from, mut best) = (ask, None::<Candidate>);
        while let Some(&(lowest_bid, total)) = self.crossing.last() {
            while let Some((_, queue)) = next_ask.filter(|&(price, _)| price <= from) {
                asks_reached += i128::from(queue.total());
                next_ask = asks.next();
            }
            let to = next_ask.map_or(lowest_bid, |(price, _)| lowest_bid.min(price - 1));
            let stretch = candidate((from, to), reference, bids_left, asks_reached);
            if best.is_none_or(|best| stretch.beats(&best)) {
                best = Some(stretch);
            }
            if to == lowest_bid {
                self.crossing.pop();
                bids_left -= i128::from(total);
            }
            // The last stretch ends at the best bid, which is no higher than any price.
            from = to.saturating_add(1);
        }
        best.map_or(NOTHING, Candidate::told)
    }

    /// Notes the bids that cross the best ask, best first; their total.
    fn note_crossing_bids(&mut self, ask: i64) -> i128 {
        let bids = self.bids.iter().take_while(|&(price, _)| price >= ask);
        self.crossing.clear();
        self.crossing
            .extend(bids.map(|(price, queue)| (price, queue.total())));
        let totals = self.crossing.iter().map(|&(_, total)| i128::from(total));
        totals.sum()
    }
}

/// The best price of a stretch in which the totals don't change.
fn candidate((from, to): (i64, i64), reference: i64, bids: i128, asks: i128) -> Candidate {
    let price = match reference {
        0 => from,
        reference => reference.clamp(from, to),
    };
    let distance = match reference {
        0 => 0,
        reference => price.abs_diff(reference),
    };
    Candidate {
        price,
        volume: bids.min(asks),
        surplus: bids - asks,
        distance,
    }
}

fn saturated(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
