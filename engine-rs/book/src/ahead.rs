//! Looking ahead: while one command is carried out, what those behind it will need is on its way from
//! memory.
//!
//! With a million orders at rest, what a command costs is the wait for its order, its neighbours in the
//! queue and the queue where it goes. Each step needs the one before it, so each is asked for so many
//! commands before its turn that it has arrived when the next step needs it.

use crate::book::{Book, Outcome};
use crate::command::{Body, Command, NewOrder};
use crate::event::Sink;
use crate::slab::NONE;
use crate::words::Side;

/// How many commands before its own turn each step is taken.
const PAGE: usize = 9;
const ORDER: usize = 6;
const NEIGHBOURS: usize = 3;
/// Places for what is known of a command from [`PAGE`] until [`NEIGHBOURS`].
const AIMS: usize = 16;
/// Books of fewer orders are in the cache as they are.
const LARGE: usize = 1 << 14;

/// What a command will need.
#[derive(Clone, Copy, Debug)]
struct Aim {
    /// The open order that it is about; 0 when it is about none.
    order_id: u64,
    /// That order's slot when it was looked up, or [`NONE`].
    slot: u32,
    /// Where its own order comes to rest if it does not trade.
    side: Side,
    price: i64,
}

impl Aim {
    /// A price that no side has near its touch, so that nothing is asked for.
    const NOWHERE: i64 = i64::MIN;

    const NONE: Self = Self {
        order_id: 0,
        slot: NONE,
        side: Side::Buy,
        price: Self::NOWHERE,
    };

    #[inline]
    fn of(command: &Command) -> Self {
        match &command.body {
            Body::CancelReplace(asked) => Self::new(asked.cancel_order_id, Some(&asked.order)),
            Body::NewOrder(order) => Self::new(0, Some(order)),
            Body::CancelOrder(asked) => Self::new(asked.order_id, None),
            Body::AmendOrder(asked) => Self::new(asked.order_id, None),
            _ => Self::NONE,
        }
    }

    #[inline]
    fn new(order_id: u64, order: Option<&NewOrder>) -> Self {
        let sells = order.is_some_and(|order| order.side == Side::Sell as i32);
        Self {
            order_id,
            slot: NONE,
            side: if sells { Side::Sell } else { Side::Buy },
            price: order.map_or(Self::NOWHERE, |order| order.price),
        }
    }
}

/// What is known of the commands to come, for [`Book::look_ahead`].
#[derive(Clone, Debug)]
pub struct Ahead {
    aims: [Aim; AIMS],
    /// The place of the command whose turn it is.
    at: usize,
}

impl Ahead {
    /// By how many commands to look ahead.
    pub const DISTANCE: usize = PAGE;

    /// Nothing is known.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            aims: [Aim::NONE; AIMS],
            at: 0,
        }
    }

    #[inline]
    fn aim(&mut self, distance: usize) -> &mut Aim {
        &mut self.aims[self.at.wrapping_add(distance) % AIMS]
    }
}

impl Default for Ahead {
    fn default() -> Self {
        Self::new()
    }
}

impl Book {
    /// Carries out the commands one after the other, each as [`Book::apply`] does; how many were new.
    pub fn apply_all(&mut self, commands: &[Command], sink: &mut impl Sink) -> usize {
        let mut applied = 0;
        let mut ahead = Ahead::new();
        for (at, command) in commands.iter().enumerate() {
            self.look_ahead(&mut ahead, commands.get(at + Ahead::DISTANCE));
            applied += usize::from(self.apply(command, sink) == Outcome::Applied);
        }
        applied
    }

    /// To be called before each command, with the one that comes [`Ahead::DISTANCE`] behind it, if there is
    /// one yet. It changes nothing but what the processor has at hand.
    #[inline]
    pub fn look_ahead(&self, ahead: &mut Ahead, later: Option<&Command>) {
        if self.resting_orders() < LARGE {
            return;
        }
        let aim = later.map_or(Aim::NONE, Aim::of);
        *ahead.aim(PAGE) = aim;
        self.index.prefetch(aim.order_id);

        let aim = ahead.aim(ORDER);
        aim.slot = self.index.get(aim.order_id).unwrap_or(NONE);
        self.slab.prefetch(aim.slot);
        self.levels(aim.side).prefetch_queue(aim.price);

        let aim = *ahead.aim(NEIGHBOURS);
        if aim.slot != NONE {
            let order = self.slab.get(aim.slot);
            self.slab.prefetch(order.prev);
            self.slab.prefetch(order.next);
            self.levels(order.side).prefetch_level(order.level);
        }
        self.levels(aim.side).prefetch_tail(&self.slab, aim.price);
        ahead.at = ahead.at.wrapping_add(1);
    }
}
