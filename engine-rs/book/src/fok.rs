//! Whether an FOK order would fill whole, without trading.

use crate::book::Book;
use crate::levels::Queue;
use crate::slab::NONE;
use crate::taker::Taker;
use crate::words::SelfTradePrevention;

/// How far the orders of one level go.
enum Offered {
    /// They fill what is wanted.
    Enough,
    /// This much is still wanted behind them.
    Wanted(i64),
    /// An order of the taker's own ends it before.
    Stopped,
}

impl Book {
    pub(crate) fn fills_whole(&self, taker: &Taker) -> bool {
        let mut wanted = taker.remaining;
        let within = self
            .levels(taker.side.opposite())
            .iter()
            .take_while(|&(price, _)| taker.crosses(price));
        for (_, queue) in within {
            match self.offered(taker, queue, wanted) {
                Offered::Enough => return true,
                Offered::Stopped => return false,
                Offered::Wanted(left) => wanted = left,
            }
        }
        false
    }

    fn offered(&self, taker: &Taker, queue: &Queue, wanted: i64) -> Offered {
        if taker.self_trade_prevention == SelfTradePrevention::None {
            return match queue.total() {
                total if total >= wanted => Offered::Enough,
                total => Offered::Wanted(wanted - total),
            };
        }
        let (mut left, mut hidden, mut slot) = (wanted, 0, queue.head);
        while slot != NONE {
            if !self.is_own(taker, slot) {
                left -= self.shown(slot).min(left);
                hidden += self.slab.extra(slot).hidden;
            } else if taker.self_trade_prevention != SelfTradePrevention::ExpireMaker {
                return Offered::Stopped;
            }
            if left == 0 {
                return Offered::Enough;
            }
            slot = self.slab.get(slot).next;
        }
        match left {
            left if hidden >= left => Offered::Enough,
            left => Offered::Wanted(left - hidden),
        }
    }
}
