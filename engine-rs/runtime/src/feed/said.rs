//! Events' words as messages.

use outcry_book::{AuctionPrice, Side};
use outcry_feed::Message;
use outcry_feed::message::{AuctionIndicative, AuctionUncrossed, OrderReduced};

pub fn put(message: impl Into<Message>, block: &mut Vec<u8>) {
    message.into().encode(block);
}

pub fn reduced(order_id: u64, quantity: i64) -> OrderReduced {
    OrderReduced { order_id, quantity }
}

pub fn side_number(side: Side) -> u8 {
    side as u8
}

pub fn indicative(auction: &AuctionPrice) -> AuctionIndicative {
    AuctionIndicative {
        price: auction.price,
        volume: auction.volume,
        surplus: auction.surplus,
        surplus_side: auction.surplus_side.map_or(0, side_number),
    }
}

pub fn uncrossed(auction: &AuctionPrice) -> AuctionUncrossed {
    let AuctionIndicative {
        price,
        volume,
        surplus,
        surplus_side,
    } = indicative(auction);
    AuctionUncrossed {
        price,
        volume,
        surplus,
        surplus_side,
    }
}
